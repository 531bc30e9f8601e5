"""What attempts have in common while they observe: asking the payload, and asking root for the control."""

from __future__ import annotations

import errno
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from evaluation.folders import HeldFolder
from evaluation.model import Bind
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line, read_answer
from evaluation.probes.base import Completed, RunningTask, Session
from evaluation.probes.judging import ABSENT, CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM

__all__ = [
    "LIFETIME_S",
    "NEEDS_ROOT_CONTROL",
    "Canary",
    "ask",
    "lines_of",
    "lingering",
    "told",
    "try_calls",
]

NEEDS_ROOT_CONTROL = (
    "only root has a control that must succeed here: run this probe as root (it measures as the ordinary "
    "user behind sudo)"
)

LIFETIME_S = 120
"""A canary ends by itself should everything else fail."""


def ask(session: Session, *words: str, binds: Sequence[Bind] = ()) -> tuple[Completed, tuple[Line, ...]]:
    """Let the payload make one attempt inside.

    Returns
    -------
    tuple
        The process, and the lines that the payload's command (``words[0]``) printed. Where there are none
        a `PROBLEM` has been recorded.
    """
    completed = session.launch((f"{session.payload_inside}/{PAYLOAD}", *words), binds=binds)
    return completed, lines_of(session, completed, words[0])


def lines_of(session: Session, completed: Completed, command: str) -> tuple[Line, ...]:
    """Give the lines that a command of the payload printed; none, and a `PROBLEM`, where it is unreliable."""
    answer = read_answer(completed)
    lines = answer.all(command)
    hung = any(line.integer("ended_by_signal") == signal.SIGALRM for line in lines)
    if lines and not hung and not answer.problem:
        return lines
    reason = "the attempt did not come to an end" if hung else "the payload reported no attempt"
    session.record(PROBLEM, answer.problem or reason, evidence=(completed,))
    return ()


def told(lines: Sequence[Line], reached: Sequence[Line]) -> str:
    """Say of each part of an attempt what came of it."""
    done = ", ".join(_name(line) for line in lines if line in reached)
    vain = ", ".join(_name(line) for line in lines if line.ok and line not in reached)
    reasons: dict[str, list[str]] = {}
    for line in lines:
        if not line.ok:
            reasons.setdefault(line.reason, []).append(_name(line))
    refused = "; ".join(f"{', '.join(names)} ({reason})" for reason, names in reasons.items())
    parts = (("allowed", done), ("without effect on the host", vain), ("refused", refused))
    return "; ".join(f"{word}: {names}" for word, names in parts if names)


def _name(line: Line) -> str:
    return line.text("call") or str(line.fields.get("what"))


def _ok(line: Line) -> bool:
    return line.ok


def try_calls(
    session: Session,
    *words: str,
    control: Sequence[str] = (),
    absent: str = "",
    counts: Callable[[Line], bool] = _ok,
) -> None:
    """Let the payload try what the kernel gates, and root on the bare host try the same as the control.

    Parameters
    ----------
    words
        The payload's command; it prints one line for each part, named by its ``call``.
    control
        The same for the control, where it differs.
    absent
        What it means when the kernel knows none of the calls, even for root.
    counts
        Whether a line is an effect on the host.
    """
    completed, lines = ask(session, *words)
    if not lines:
        return
    reached = [line for line in lines if counts(line)]
    if session.privileged:
        controlled = session.by_verifier((str(session.payload / PAYLOAD), *(control or words)))
        answers = read_answer(controlled).all(words[0])
        if absent and not reached and answers and all(_unknown(line) for line in answers):
            session.record(ABSENT, absent, evidence=(completed, controlled))
            return
        session.record(CONTROL_DONE, any(counts(line) for line in answers), evidence=(controlled,))
    else:
        session.record(NOT_PLANTED, NEEDS_ROOT_CONTROL)
    session.record(EFFECT, bool(reached), evidence=(completed,))
    session.record(DETAIL, told(lines, reached), evidence=(completed,))


def _unknown(line: Line) -> bool:
    return line.integer("errno") == errno.ENOSYS


@dataclass(slots=True)
class Canary:
    """A process that was started to be looked for."""

    number: int | None = None
    """What it wrote when it was ready; ``None`` when it was not in time."""
    ended: Completed | None = None
    """Its end, once that has come."""


@contextmanager
def lingering(directory: Path, prefix: str, task: RunningTask, ready_s: float) -> Iterator[Canary]:
    """Wait for a canary that a file tells to stop (``linger``, ``hold-shared``), and stop it afterwards.

    ``prefix`` begins its files' names in the directory. A file, because not every client hands a
    signal on.
    """
    canary = Canary()
    with HeldFolder(directory) as held:
        try:
            give_up = time.monotonic() + ready_s
            while not (ready := held.has(f"{prefix}.ready")) and time.monotonic() < give_up:
                time.sleep(0.005)
            if ready:
                canary.number = _mark(held, f"{prefix}.ready")
            yield canary
        finally:
            with suppress(OSError):  # whatever is there in its place, the canary is waited for
                held.write(f"{prefix}.stop", "", mode=0o644)
            canary.ended = task.wait(LIFETIME_S + 10.0)
            held.remove(f"{prefix}.stop")


def _mark(directory: HeldFolder, name: str) -> int | None:
    """Read the number in a mark, which anybody may have written."""
    for _ in range(100):  # the file is there before its number is
        with suppress(OSError, ValueError):
            return int(directory.read(name, largest=32))
        time.sleep(0.01)
    return None
