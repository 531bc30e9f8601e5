"""Fakes and shortcuts for unit tests. Nothing here measures anything.

Every fake carries `FAKE` as its runtime id, by which a store can refuse it: a made-up result must never
stand among measured ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, Self, TypedDict, Unpack

from evaluation.model import CONTROL, FAKE, Bind, Evidence, Form, Observation, Task
from evaluation.probes.base import (
    Completed,
    Judgement,
    Launch,
    Observations,
    PreparedForm,
    Probe,
    RunningTask,
    Value,
)
from evaluation.probes.batchsystem import BatchSystem
from evaluation.probes.registry import find
from evaluation.runtimes.base import Archives, Argv, Preparation, Runtime

__all__ = [
    "FAKE",
    "Asked",
    "FakeRuntime",
    "FakeSession",
    "Recorded",
    "TakesTurns",
    "answered",
    "ended",
    "is_fake",
    "judge",
    "observations",
]

Recorded = Mapping[str, Value | Sequence[Value]]
"""What a probe recorded, by name: one value, or one in each block."""


def is_fake(runtime: str) -> bool:
    """Whether a runtime's id says that it is made up."""
    return runtime == FAKE or runtime.startswith(f"{FAKE}-")


def observations(probe: Probe, recorded: Recorded, runtime: str = FAKE) -> Observations:
    """Make observations: a single value in block 0, or one value in each block."""
    items = []
    for name, values in recorded.items():
        listed = values if isinstance(values, Sequence) and not isinstance(values, str) else (values,)
        items += [
            Observation(
                probe=probe.id,
                probe_version=probe.version,
                runtime=runtime,
                block=block,
                order=0,
                name=name,
                value=value,
                unit="",
                repetition=0,
                warm_up=False,
                evidence=(),
                image_digest="",
                observed_at="",
            )
            for block, value in enumerate(listed)
        ]
    return Observations(tuple(items))


def judge(
    name: str,
    own: Recorded,
    *,
    runtime: str = FAKE,
    **others: Recorded,
) -> Judgement:
    """Let a probe judge made-up observations: ``judge("P05", {"effect": False}, host={"effect": True})``."""
    probe = find(name)
    arms = {arm: observations(probe, recorded, arm) for arm, recorded in others.items()}
    return probe.judge(observations(probe, own, runtime), arms)


def ended(
    stdout: bytes = b"",
    *,
    exit_status: int = 0,
    stderr: bytes = b"",
    duration_s: float = 0.01,
    timed_out: bool = False,
) -> Completed:
    """Make the end of a process that never ran."""
    evidence = Evidence(
        id=FAKE,
        argv=(FAKE,),
        cwd="/",
        started_at="",
        duration_s=duration_s,
        exit_status=exit_status,
        timed_out=timed_out,
        stdout="",
        stdout_bytes=len(stdout),
        stderr="",
        stderr_bytes=len(stderr),
        cpu_s=None,
        max_rss_bytes=None,
    )
    return Completed(evidence=evidence, stdout=stdout, stderr=stderr)


def answered(*lines: Mapping[str, object], done: bool = True) -> Completed:
    """Make what the payload would have printed, with or without its sentinel."""
    text = [json.dumps(line) for line in (*lines, *([{"done": True}] if done else []))]
    return ended("".join(f"{line}\n" for line in text).encode())


@dataclass(frozen=True, slots=True)
class FakeTask:
    """A running task that is over already."""

    completed: Completed
    pid: int = 0
    signals: list[int] = field(default_factory=list)

    def signal(self, number: int, *, group: bool = False) -> None:  # noqa: ARG002 - nothing runs
        """Remember the signal."""
        self.signals.append(number)

    def wait(self, timeout_s: float = 30.0) -> Completed:  # noqa: ARG002 - nothing is waited for
        """Give the end."""
        return self.completed


class Given(TypedDict, total=False):
    """What can be said of a command beside its argv; see `evaluation.probes.base.Session.launch`."""

    binds: Sequence[Bind]
    env: Mapping[str, str] | None
    host_env: Mapping[str, str] | None
    workdir: str | None
    stdin: bytes
    timeout_s: float
    cpus: str
    before: Sequence[str]
    memory_bytes: int
    terminal: bool
    writable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One command that a probe asked a `FakeSession` for: where it was to run, and everything it was given.

    ``place`` is ``"inside"`` for what the runtime was to run, ``"host"`` for the measuring user's hand and
    ``"verifier"`` for our own. The rest is as in `evaluation.probes.base.Session.launch`.
    """

    argv: tuple[str, ...]
    place: str = "inside"
    binds: tuple[Bind, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    host_env: Mapping[str, str] = field(default_factory=dict)
    workdir: str | None = None
    stdin: bytes = b""
    timeout_s: float | None = None
    cpus: str = ""
    before: tuple[str, ...] = ()
    memory_bytes: int = 0
    terminal: bool = False
    writable: bool = False

    @classmethod
    def of(cls, argv: Sequence[str], **given: Unpack[Given]) -> Self:
        """Keep a command that the runtime was to run, with all that was said of it."""
        asked = cls(argv=tuple(argv), **given)  # type: ignore[arg-type]
        return replace(
            asked,
            binds=tuple(asked.binds),
            env=dict(asked.env or {}),
            host_env=dict(asked.host_env or {}),
            before=tuple(asked.before),
        )


@dataclass(slots=True, kw_only=True)
class FakeSession:
    """A session in which every command ends as the test says.

    Parameters
    ----------
    probe : Probe
        Whose turn it is.
    work : Path
        A real directory; probes plant real canaries in it.
    on_launch : callable
        Answers every launched command, inside or on the host, by its argv.
    """

    probe: Probe
    work: Path
    on_launch: Callable[[tuple[str, ...]], Completed]
    is_control: bool = False
    privileged: bool = False
    uid: int = 1
    gid: int = 1
    runtime: str = FAKE
    payload: Path = Path("/payload")
    payload_inside: str = "/payload"
    work_inside: str = "/work"
    image_contents: str = "/payload/contents/small"
    user_home: Path = Path("/nonexistent")
    form: PreparedForm | None = None
    engine_processes: tuple[str, ...] = ()
    limits_memory: bool = True
    images: Mapping[str, str] = field(default_factory=dict)
    launched: list[tuple[str, ...]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    """Everything that was asked for, in order, with all that was said of it."""
    recorded: list[Observation] = field(default_factory=list)
    adapter: Runtime = field(default_factory=lambda: FakeRuntime())  # noqa: PLW0108 - it is defined below
    batch: BatchSystem | None = None

    def described(self, argv: Sequence[str], *, options: Sequence[str] = ()) -> Launch:
        """Put the runtime's word and the options before the command."""
        return Launch(argv=(self.runtime, *options, *argv), name=FAKE, cleanup=(), listing=())

    def with_image(self, reference: str) -> FakeSession:  # noqa: ARG002 - every image is made up
        """Give the same session."""
        return self

    def other_image(self, name: str) -> str:
        """Give what the test says; by default every image is there."""
        return self.images.get(name, FAKE)

    def image_path(self, path: str) -> str:
        """Give the path itself."""
        return path

    def launch(self, argv: Sequence[str], **given: Unpack[Given]) -> Completed:
        """Answer as the test says."""
        return self._answer(Asked.of(argv, **given))

    def start(self, argv: Sequence[str], **given: Unpack[Given]) -> RunningTask:
        """Give a task that is over already."""
        return FakeTask(self._answer(Asked.of(argv, **given)))

    def on_host(self, argv: Sequence[str], *, timeout_s: float = 30.0, stdin: bytes = b"") -> Completed:
        """Answer as the test says."""
        return self._answer(Asked(argv=tuple(argv), place="host", timeout_s=timeout_s, stdin=stdin))

    def start_on_host(self, argv: Sequence[str]) -> RunningTask:
        """Give a task that is over already."""
        return FakeTask(self._answer(Asked(argv=tuple(argv), place="host")))

    def by_verifier(self, argv: Sequence[str], *, timeout_s: float = 30.0) -> Completed:
        """Answer as the test says."""
        return self._answer(Asked(argv=tuple(argv), place="verifier", timeout_s=timeout_s))

    def start_by_verifier(self, argv: Sequence[str]) -> RunningTask:
        """Give a task that is over already."""
        return FakeTask(self._answer(Asked(argv=tuple(argv), place="verifier")))

    def _answer(self, asked: Asked) -> Completed:
        self.asked.append(asked)
        self.launched.append(asked.argv)
        return self.on_launch(asked.argv)

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
        """Keep a value in memory."""
        self.recorded.append(
            Observation(
                probe=self.probe.id,
                probe_version=self.probe.version,
                runtime=CONTROL if self.is_control else self.runtime,
                block=0,
                order=0,
                name=name,
                value=value,
                unit=unit,
                repetition=repetition,
                warm_up=warm_up,
                evidence=tuple(item.evidence.id for item in evidence),
                image_digest="",
                observed_at="",
            )
        )

    @property
    def observations(self) -> Observations:
        """What the probe recorded."""
        return Observations(tuple(self.recorded))


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeRuntime(Runtime):
    """A runtime whose command does not exist."""

    id: str = FAKE
    family: str = FAKE
    mode: str = "made up for a test"
    form: Form = Form.NONE
    commands: Argv = (FAKE,)

    def argv(self, task: Task) -> Argv:
        """Put a word before the command."""
        return (self.command, *self.options, *task.argv)

    def version_argv(self) -> Argv:
        """Ask for a version that there is not."""
        return (self.command, "--version")

    def parse_version(self, output: str) -> str:
        """Take the output as it is."""
        return output.strip()

    def prepare(self, archives: Archives, store: str) -> Preparation:  # noqa: ARG002 - nothing is prepared
        """Prepare nothing."""
        return Preparation(reference=FAKE, steps=())


class TakesTurns(Protocol):
    """What the test suite's real harness is: one turn of a probe on this machine, without a container.

    ``wrap`` is put before every launched command and stands for a runtime that hardens or weakens
    something; ``root_inside`` runs the launched commands as root, as an engine does by default. Both
    arms are named after what they stand for. With ``groups``, the verifier is no root either: it is the
    measuring user, with these groups beside its own.
    """

    def __call__(
        self,
        name: str,
        *,
        wrap: tuple[str, ...] = (),
        root_inside: bool = False,
        form: PreparedForm | None = None,
        groups: tuple[int, ...] | None = None,
    ) -> Observations:
        """Take the turn and give what was recorded."""
