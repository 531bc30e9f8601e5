"""What a probe is, and what it may ask of a session.

A probe is one question, asked identically of every runtime. It *observes* (it touches containers
and never judges) and *judges* (a pure function of recorded observations). It is one file in
``performance/``, ``security/`` or ``operations/`` that defines a frozen ``PROBE``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from evaluation.model import (
    DEFAULT_IMAGE,
    Bind,
    Completed,
    Observation,
    Outcome,
    ProbeTexts,
    Reference,
    Severity,
)
from evaluation.probes.batchsystem import BatchSystem
from evaluation.runtimes.base import Runtime

__all__ = [
    "Completed",
    "Judgement",
    "Launch",
    "Observations",
    "PreparedForm",
    "Probe",
    "RunningTask",
    "Session",
    "Value",
]

Value = int | float | str | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedForm:
    """One runtime's form of an image, as it was recorded when it was made.

    ``path`` is its file or directory; empty where the image lies in an engine's or a site's store, which
    knows it by ``reference``. ``convert_s`` is the time it took to make, ``first_start_s`` the first start
    of /bin/true after that; ``None`` where nobody measured.
    """

    path: str
    size_bytes: int | None
    convert_s: float | None
    first_start_s: float | None
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A command line that would start a command in the runtime, for somebody else to run.

    ``name`` is the container's, where there is an engine; ``cleanup`` ends what it may have left there, and
    ``listing`` prints the names of all that the engine holds.
    """

    argv: tuple[str, ...]
    name: str
    cleanup: tuple[tuple[str, ...], ...]
    listing: tuple[str, ...]


class RunningTask(Protocol):
    """A process that is still running; for probes that look at it or signal it meanwhile."""

    @property
    def pid(self) -> int:
        """The process id of the client that was launched (not of the payload)."""

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to the launched client alone, or to its whole process group."""

    def wait(self, timeout_s: float = 30.0) -> Completed:
        """Wait for the end; on timeout the whole tree is ended and the evidence says so."""


class Session(Protocol):
    """One turn of one probe on one arm: everything a probe may touch.

    Paths: ``payload`` and ``work`` are directories of the host; inside a container they appear as
    `payload_inside` and `work_inside` (on the bare host these are the host paths themselves).
    ``work`` is fresh for this turn, writable by the measuring user and removed afterwards.
    """

    @property
    def runtime(self) -> str:
        """The runtime's id; ``host`` for both control arms."""

    @property
    def is_control(self) -> bool:
        """Whether this is the bare host."""

    @property
    def uid(self) -> int:
        """Numeric id of the measuring user: who runs the containers."""

    @property
    def gid(self) -> int:
        """Numeric id of the measuring user's group."""

    @property
    def user_home(self) -> Path:
        """Home of the measuring user."""

    @property
    def privileged(self) -> bool:
        """Whether this process (not the containers) is root, and so can plant root's canaries."""

    @property
    def limits_memory(self) -> bool:
        """Whether a memory limit can be asked of this runtime by an option of its own."""

    @property
    def payload(self) -> Path:
        """The payload's directory on the host."""

    @property
    def work(self) -> Path:
        """The turn's own directory on the host."""

    @property
    def payload_inside(self) -> str:
        """The payload's directory as the command sees it."""

    @property
    def work_inside(self) -> str:
        """The turn's directory as the command sees it."""

    @property
    def image_contents(self) -> str:
        """The list of the image's own paths, beside the payload, as the command sees it."""

    @property
    def form(self) -> PreparedForm | None:
        """What was recorded when this runtime's form of the image was made; ``None`` without an image."""

    @property
    def engine_processes(self) -> tuple[str, ...]:
        """Names of the daemons that work for this runtime."""

    @property
    def adapter(self) -> Runtime:
        """The runtime's adapter, which says how its images are made and runs nothing."""

    @property
    def batch(self) -> BatchSystem | None:
        """The batch system that this site submits to; ``None`` where there is none."""

    def described(self, argv: Sequence[str], *, options: Sequence[str] = ()) -> Launch:
        """Say how the runtime would run a command, with run options more, and run nothing.

        Raises
        ------
        RuntimeRefusalError
            It cannot.
        """

    def with_image(self, reference: str) -> Session:
        """The same turn with another image, in the runtime's own form; for probes that bring their own."""

    def other_image(self, name: str) -> str:
        """What `with_image` takes for another image of the ladder; empty where it is not in this form."""

    def image_path(self, path: str) -> str:
        """Where a path of the image is found by the command: itself, or in the tree on the host."""

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
        """Run a command in the runtime and wait for its end.

        ``payload`` (read-only) and ``work`` are always bound, unless the probe declares ``bare``.
        ``env`` is set inside by the runtime's own option; ``host_env`` is put in the client's
        environment. ``cpus`` are the processors it may run on, all of them when empty. ``before`` is
        put before the client on the host, as a batch job's script stands before it. ``memory_bytes``
        is the memory to ask the runtime for by its own option. With ``terminal`` the command gets the
        client's terminal, with ``writable`` an image's tree that it can write to.
        """

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
        """Like `launch`, without waiting."""

    def on_host(self, argv: Sequence[str], *, timeout_s: float = 30.0, stdin: bytes = b"") -> Completed:
        """Run a command on the bare host as the measuring user: the verifier's hand."""

    def start_on_host(self, argv: Sequence[str]) -> RunningTask:
        """Start a canary process on the bare host as the measuring user."""

    def by_verifier(self, argv: Sequence[str], *, timeout_s: float = 30.0) -> Completed:
        """Run a command on the bare host as this process's own user: as root where that is `privileged`.

        The control of what root could do, and nothing else: no container is ever run so.
        """

    def start_by_verifier(self, argv: Sequence[str]) -> RunningTask:
        """Start a canary process on the bare host as this process's own user."""

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
        """Keep one raw value of this turn."""


@dataclass(frozen=True, slots=True)
class Observations:
    """All observations of one probe on one arm, in the order they were taken."""

    items: tuple[Observation, ...] = ()

    def values(self, name: str) -> tuple[Value, ...]:
        """Every value recorded under a name, warm-up turns left out."""
        return tuple(item.value for item in self.items if item.name == name and not item.warm_up)

    def last(self, name: str) -> Value:
        """The newest value recorded under a name; ``None`` when there is none."""
        values = self.values(name)
        return values[-1] if values else None

    def by_block(self, name: str) -> dict[int, list[float]]:
        """Numbers recorded under a name, per block; warm-up turns left out."""
        blocks: dict[int, list[float]] = {}
        for item in self.items:
            if item.name == name and not item.warm_up and isinstance(item.value, int | float):
                blocks.setdefault(item.block, []).append(float(item.value))
        return blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a probe makes of its observations for one runtime.

    For ``MEASURED``, ``samples`` maps a block to this runtime's value (the median of the block). ``work`` is
    what one turn did of the work that other probes price, by the id of the probe and in what that counts.
    """

    outcome: Outcome
    message: str
    verdict: str = ""
    samples: Mapping[int, float] | None = None
    work: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One question. ``id`` is the stem of the file that defines it.

    ``needs`` names what the bare host, too, must have: ``image`` (the image's unpacked tree), ``payload``
    (the static binary), ``batch`` (a batch system that the site submits to). No container runs without an
    image anyway.
    ``image`` is the name of the image it runs in, a folder of ``images/``; at a site where that image is
    not built the finding is ``UNAVAILABLE``. ``bare`` launches without any bind. ``repeat`` says how a
    run repeats it: ``"paired"`` (a measured value, as many blocks as the profile asks for) or ``"once"``
    (a functional attempt, or a figure that is known once and for all). ``quick`` says whether the quick
    profile takes it; what it leaves out is ``UNAVAILABLE`` there, and measured in full.
    ``turns`` is how often a functional probe is asked of what is timed (what is ranked, and the bare host):
    several times where the answer could depend on a moment. It is then ``SOMETIMES`` where it held in some
    turns only, and each turn is judged by itself; an attempt of the checklist that had its effect once is
    exposed.
    ``modes`` says whether a paired probe is put to the modes of a runtime too, in a few blocks: a mode's
    options change how it starts, and hardly how it computes.
    ``beside`` says whether it is put to what is no container too (a virtual machine), because something is
    said of that which it can check.
    ``checks`` says whether a paired probe only holds against the whole what others measured in parts: a few
    blocks are enough, and no runtime is said to be better or worse by it.
    An attempt of the security checklist has its ``checklist_id`` there, a ``severity`` and, as a sentence,
    the ``severity_reason``.
    """

    id: str
    version: int
    question: str
    why: str
    method: str
    remedy: str
    observe: Callable[[Session], None]
    judge: Callable[[Observations, Mapping[str, Observations]], Judgement]
    """``judge(own, others)``: ``others`` maps every other arm's id, ``host`` too, to its observations."""
    unit: str = ""
    checklist_id: str = ""
    severity: Severity | None = None
    severity_reason: str = ""
    needs: tuple[str, ...] = ()
    image: str = DEFAULT_IMAGE
    bare: bool = False
    repeat: str = "paired"
    turns: int = 1
    quick: bool = True
    modes: bool = False
    beside: bool = False
    checks: bool = False
    references: tuple[Reference, ...] = ()

    def texts(self, group: str) -> ProbeTexts:
        """The words that travel with a finding."""
        return ProbeTexts(
            question=self.question,
            why=self.why,
            method=self.method,
            remedy=self.remedy,
            group=group,
            unit=self.unit,
            checklist_id=self.checklist_id,
            severity=self.severity,
            severity_reason=self.severity_reason,
            references=self.references,
        )
