"""One turn: one probe on one arm, with everything that it may touch, and what it leaves."""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.images.contents import CONTENTS
from evaluation.measure.launcher import Command, Launcher, LauncherTask, now
from evaluation.model import CONTROL, PAYLOAD, WORK, Bind, Evidence, Observation, Task
from evaluation.probes.base import Completed, Launch, PreparedForm, Probe, RunningTask, Value
from evaluation.probes.batchsystem import BatchSystem
from evaluation.runtimes.base import Runtime
from evaluation.scratch import remove_tree

__all__ = ["Arm", "Bench", "TurnSession", "work_directory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all turns of a run share."""

    launcher: Launcher
    verifier: Launcher
    """Starts what the verifier does itself, as our own user; no container is ever run by it."""
    payload: Path
    """Directory with the payload; not writable by the measuring user when root measures."""
    scratch: Path
    """Directory of ours, below which every turn gets a directory of its own."""
    batch: BatchSystem | None = None
    """The engine that this site submits to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A runtime ready to run the image. ``id`` is the runtime's, or that of the second control."""

    id: str
    runtime: Runtime
    reference: str
    image_digest: str
    form: PreparedForm | None = None
    problem: str = ""
    """Why the runtime has no form of this image."""
    others: Mapping[str, str] = field(default_factory=dict)
    """References of the other images that this runtime has a form of, by name."""


@contextlib.contextmanager
def work_directory(bench: Bench) -> Iterator[Path]:
    """Make a fresh directory that belongs to the measuring user, and remove it afterwards."""
    path = Path(tempfile.mkdtemp(dir=bench.scratch))
    user = bench.launcher.user
    if os.getuid() != user.uid:
        os.chown(path, user.uid, user.gid)
    try:
        yield path
    finally:
        remove_tree(path)


@dataclass(slots=True, kw_only=True)
class TurnSession:
    """The session of one turn, as `evaluation.probes.base.Session` describes it."""

    bench: Bench
    arm: Arm
    probe: Probe
    block: int
    order: int
    work: Path
    warm_up: bool = False
    hung: bool = False
    """Whether the runtime had to be ended because its time was up."""
    observations: list[Observation] = field(default_factory=list)
    kept: dict[str, Completed] = field(default_factory=dict)
    began_at: str = field(default_factory=now)

    @property
    def runtime(self) -> str:
        """The runtime's id; the same for both control arms."""
        return self.arm.runtime.id

    @property
    def is_control(self) -> bool:
        """Whether this is the bare host."""
        return self.arm.runtime.id == CONTROL

    @property
    def uid(self) -> int:
        """Numeric id of the measuring user."""
        return self.bench.launcher.user.uid

    @property
    def gid(self) -> int:
        """Numeric id of the measuring user's group."""
        return self.bench.launcher.user.gid

    @property
    def user_home(self) -> Path:
        """Home of the measuring user."""
        return Path(self.bench.launcher.user.home)

    @property
    def privileged(self) -> bool:
        """Whether this process is root."""
        return os.geteuid() == 0

    @property
    def form(self) -> PreparedForm | None:
        """What was recorded when this runtime's form of the image was made."""
        return self.arm.form

    @property
    def engine_processes(self) -> tuple[str, ...]:
        """Names of the daemons that work for this runtime."""
        return self.arm.runtime.engine_processes

    @property
    def limits_memory(self) -> bool:
        """Whether a memory limit can be asked of this runtime."""
        return self.arm.runtime.limits_memory

    @property
    def adapter(self) -> Runtime:
        """The runtime's adapter."""
        return self.arm.runtime

    @property
    def batch(self) -> BatchSystem | None:
        """The batch system that this site submits to."""
        return self.bench.batch

    def described(self, argv: Sequence[str], *, options: Sequence[str] = ()) -> Launch:
        """Say how the runtime would run a command."""
        with_options = replace(
            self, arm=replace(self.arm, runtime=self.adapter.using(options=tuple(options)))
        )
        command = with_options._command(argv, (), None, None, None, b"")  # noqa: SLF001 - it is ourselves
        return Launch(
            argv=command.argv, name=command.listed, cleanup=command.cleanup, listing=command.listing
        )

    def with_image(self, reference: str) -> TurnSession:
        """The same turn with another image; what it observes and keeps is this turn's."""
        return replace(self, arm=replace(self.arm, reference=reference))

    def other_image(self, name: str) -> str:
        """Reference of another image; empty where this runtime has no form of it."""
        return self.arm.others.get(name, "")

    @property
    def payload(self) -> Path:
        """The payload's directory on the host."""
        return self.bench.payload

    @property
    def payload_inside(self) -> str:
        """The payload's directory as the command sees it."""
        return self.arm.runtime.sees(self._payload_bind)

    @property
    def image_contents(self) -> str:
        """The list of the image's own paths, as the command sees it."""
        return f"{self.payload_inside}/{CONTENTS}/{self.probe.image}"

    @property
    def work_inside(self) -> str:
        """The turn's directory as the command sees it."""
        return self.arm.runtime.sees(Bind(source=str(self.work), target=WORK))

    @property
    def _payload_bind(self) -> Bind:
        return Bind(
            source=str(self.bench.payload), target=PAYLOAD, read_only=self.arm.runtime.read_only_binds
        )

    def image_path(self, path: str) -> str:
        """Where the command finds a path of the image.

        Raises
        ------
        EvaluationError
            There is no image here.
        """
        self._refuse_without_image()
        return self.arm.runtime.sees_image(self.arm.reference, path)

    def launch(
        self,
        argv: Sequence[str],
        *,
        binds: Sequence[Bind] = (),
        env: Mapping[str, str] | None = None,
        host_env: Mapping[str, str] | None = None,
        workdir: str | None = None,
        stdin: bytes = b"",
        timeout_s: float = 60.0,
        cpus: str = "",
        before: Sequence[str] = (),
        memory_bytes: int = 0,
        terminal: bool = False,
        writable: bool = False,
    ) -> Completed:
        """Run a command in the runtime and wait for its end."""
        command = self._command(
            argv, binds, env, host_env, workdir, stdin, cpus,
            before=before, memory_bytes=memory_bytes, terminal=terminal, writable=writable,
        )  # fmt: skip
        return self._keep(self.bench.launcher.run(command, timeout_s=timeout_s))

    def start(
        self,
        argv: Sequence[str],
        *,
        binds: Sequence[Bind] = (),
        env: Mapping[str, str] | None = None,
        host_env: Mapping[str, str] | None = None,
        workdir: str | None = None,
        before: Sequence[str] = (),
        memory_bytes: int = 0,
    ) -> RunningTask:
        """Start a command in the runtime."""
        command = self._command(
            argv, binds, env, host_env, workdir, b"", before=before, memory_bytes=memory_bytes
        )
        return _KeptTask(self.bench.launcher.start(command), self)

    def on_host(self, argv: Sequence[str], *, timeout_s: float = 30.0, stdin: bytes = b"") -> Completed:
        """Run a command on the bare host as the measuring user."""
        return self._keep(self.bench.launcher.run(self._bare(argv, stdin), timeout_s=timeout_s), ours=True)

    def start_on_host(self, argv: Sequence[str]) -> RunningTask:
        """Start a canary on the bare host as the measuring user."""
        return _KeptTask(self.bench.launcher.start(self._bare(argv, b"")), self, ours=True)

    def by_verifier(self, argv: Sequence[str], *, timeout_s: float = 30.0) -> Completed:
        """Run a command on the bare host as our own user."""
        return self._keep(self.bench.verifier.run(self._verifiers(argv), timeout_s=timeout_s), ours=True)

    def start_by_verifier(self, argv: Sequence[str]) -> RunningTask:
        """Start a canary on the bare host as our own user."""
        return _KeptTask(self.bench.verifier.start(self._verifiers(argv)), self, ours=True)

    def record(
        self,
        name: str,
        value: Value,
        unit: str = "",
        *,
        evidence: Sequence[Completed] = (),
        repetition: int = 0,
        warm_up: bool = False,
    ) -> None:
        """Keep one raw value.

        Raises
        ------
        ValueError
            It is a number, but not a finite one: the probe is broken.
        """
        if isinstance(value, float) and not math.isfinite(value):
            message = f"{name} is {value}, which is no value"
            raise ValueError(message)
        self.observations.append(
            Observation(
                probe=self.probe.id,
                probe_version=self.probe.version,
                runtime=self.arm.id,
                block=self.block,
                order=self.order,
                name=name,
                value=value,
                unit=unit,
                repetition=repetition,
                warm_up=warm_up or self.warm_up,
                evidence=tuple(item.evidence.id for item in evidence),
                image_digest=self.arm.image_digest,
                observed_at=self.began_at,
            )
        )

    def witnessed(self) -> list[Observation]:
        """The observations of this turn; where a probe names no process, every one of the turn."""
        whole = tuple(self.kept)
        return [item if item.evidence else replace(item, evidence=whole) for item in self.observations]

    def evidence(self) -> Iterator[tuple[Evidence, bytes, bytes]]:
        """Every process of this turn, with what it printed."""
        for item in self.kept.values():
            yield item.evidence, item.stdout, item.stderr

    def _bare(self, argv: Sequence[str], stdin: bytes) -> Command:
        return Command(argv=tuple(argv), env=self.bench.launcher.user.env, cwd=str(self.work), stdin=stdin)

    def _verifiers(self, argv: Sequence[str]) -> Command:
        return Command(argv=tuple(argv), env=self.bench.verifier.user.env, cwd=str(self.work))

    def _command(
        self,
        argv: Sequence[str],
        binds: Sequence[Bind],
        env: Mapping[str, str] | None,
        host_env: Mapping[str, str] | None,
        workdir: str | None,
        stdin: bytes,
        cpus: str = "",
        *,
        before: Sequence[str] = (),
        memory_bytes: int = 0,
        terminal: bool = False,
        writable: bool = False,
    ) -> Command:
        if "/" not in argv[0]:  # the image's own program, by the adapter of the bare host too
            self._refuse_without_image()
        if memory_bytes and not self.limits_memory:
            raise self.arm.runtime.refuse("a memory limit cannot be asked of it")
        asked = {"memory": str(memory_bytes or ""), "processors": cpus}
        always = () if self.probe.bare else (self._payload_bind, Bind(source=str(self.work), target=WORK))
        task = Task(
            image=self.arm.reference,
            argv=tuple(argv),
            binds=(*always, *binds),
            env=tuple((env or {}).items()),
            workdir=workdir,
            name=f"container-evaluation-{secrets.token_hex(6)}",
            stdin=bool(stdin),
            cpus=cpus,
            memory_bytes=memory_bytes,
            terminal=terminal,
            writable=writable,
        )
        started = self.arm.runtime.argv(task)
        for what, word in asked.items():
            if word and word not in started:
                raise self.arm.runtime.refuse(
                    f"its adapter does not pass on what was asked for: {what} {word}"
                )
        return Command(
            argv=(*before, *started),
            env={**self.bench.launcher.user.env, **(host_env or {})},
            cwd=str(self.work),
            stdin=stdin,
            cleanup=self.arm.runtime.cleanup(task),
            listing=self.arm.runtime.listing(),
            listed=task.name,
            accountable=not self.arm.runtime.has_engine,
        )

    def _refuse_without_image(self) -> None:
        if not self.arm.reference:
            raise EvaluationError("there is no image here, and this needs files of it", where=self.arm.id)

    def _keep(self, done: Completed, *, ours: bool = False) -> Completed:
        if not ours:
            self.hung = self.hung or done.evidence.timed_out
            said = done.stderr.decode(errors="replace")
            failure = self.arm.runtime.own_failure(done.evidence.exit_status, said) or done.failure
            if failure:
                done = replace(done, failure=failure)
                self.record("runtime_failure", failure, evidence=(done,))
        self.kept[done.evidence.id] = done
        return done


class _KeptTask:
    """A running task whose end is kept as evidence of its turn."""

    def __init__(self, task: LauncherTask, session: TurnSession, *, ours: bool = False) -> None:
        self._task = task
        self._session = session
        self._ours = ours

    @property
    def pid(self) -> int:
        """Process id of what was launched."""
        return self._task.pid

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to what was launched, or to its whole process group."""
        self._task.signal(number, group=group)

    def wait(self, timeout_s: float = 30.0) -> Completed:
        """Wait for its end."""
        return self._session._keep(self._task.wait(timeout_s), ours=self._ours)  # noqa: SLF001
