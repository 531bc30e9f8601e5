"""What the probes that time the payload have in common: read its lines, and trust none without a check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from evaluation.model import Completed
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line, read_answer
from evaluation.probes.base import Session
from evaluation.probes.judging import PROBLEM, UNAVAILABLE

__all__ = ["LIBRARY", "evict", "lacks", "record_cost", "record_lines", "run_in_image", "run_payload"]

LIBRARY = "usr/lib/python3.11"
"""The standard library of Debian 12's python3; probes of files use those of it, not those of its folders."""

MOST_RESIDENT = 0.05
"""Of the bytes that should be gone from the page cache, the share that may be left."""


def run_payload(session: Session, *words: str, timeout_s: float = 60.0, cpus: str = "") -> Completed:
    """Run a command of the payload inside."""
    return session.launch((f"{session.payload_inside}/{PAYLOAD}", *words), timeout_s=timeout_s, cpus=cpus)


def run_in_image(session: Session, *words: str, timeout_s: float = 60.0, cpus: str = "") -> Completed:
    """Run a command of the payload from the image's root, so that its paths are equally long everywhere.

    The unpacked tree lies deep in a cache, and every component of a path costs: with absolute paths the
    bare host would look slower than it is.
    """
    return run_payload(session, "cd", session.image_path("/"), "--", *words, timeout_s=timeout_s, cpus=cpus)


def record_cost(
    session: Session, completed: Completed, what: str, *, name: str, calls: int, repetitions: int
) -> None:
    """Record the nanoseconds of one call on a file, for loops of so many calls; and over how many files."""
    record_lines(
        session,
        completed,
        what,
        name=name,
        unit="ns",
        worth=lambda _, elapsed_s: elapsed_s * 1e9 / calls,
        repetitions=repetitions,
        checks=("files",),
    )


def record_lines(
    session: Session,
    completed: Completed,
    what: str,
    *,
    name: str,
    unit: str,
    worth: Callable[[Line, float], float],
    repetitions: int = 1,
    checks: Sequence[str] = (),
) -> tuple[Line, ...]:
    """Record the value of every line that a command printed, or why they say nothing.

    Parameters
    ----------
    what : str
        The command, as its lines name it.
    name, unit : str
        Under which the values are recorded.
    worth : callable
        The value of a line, from it and its elapsed time in seconds.
    repetitions : int
        How many lines are due; with another number nothing is recorded but the problem.
    checks : sequence of str
        Fields recorded beside the value, by which the judge sees that the same work was done.

    Returns
    -------
    tuple of Line
        The lines that were recorded; none where there was a problem.
    """
    answer = read_answer(completed)
    lines = answer.all(what)
    fault = answer.problem
    if not fault and len(lines) != repetitions:
        fault = f"{len(lines)} of {repetitions} repetitions reported"
    for line in lines:
        if not fault and not line.integer("elapsed_ns"):
            fault = f"{what} reported no time"
        if not fault and (line.integer("errors") or line.fields.get("failed")):
            count = line.fields.get("failed") or line.integer("errors")
            fault = f"{what} had errors: {count} ({line.reason})"
    if fault:
        session.record(PROBLEM, fault, evidence=(completed,))
        return ()
    for repetition, line in enumerate(lines):
        elapsed_s = (line.integer("elapsed_ns") or 0) / 1e9
        session.record(name, worth(line, elapsed_s), unit, evidence=(completed,), repetition=repetition)
        for check in checks:
            value = line.integer(check)
            seen = line.text(check) if value is None else value
            session.record(check, seen, evidence=(completed,), repetition=repetition)
    return lines


def lacks(session: Session, *programs: str, of_image: bool = True) -> bool:
    """Record which of these programs are missing, and say whether any is.

    Parameters
    ----------
    of_image : bool
        On the bare host: whether the image's unpacked tree is asked, out of which a bare command name is
        run, or else the host itself.
    """
    tree = session.image_path("/").rstrip("/")
    if session.is_control and of_image and tree:
        missing = [name for name in programs if not Path(f"{tree}/usr/bin/{name}").exists()]
        evidence: tuple[Completed, ...] = ()
    else:
        completed = run_payload(session, "programs", *programs)
        answer = read_answer(completed)
        evidence = (completed,)
        lines = answer.all("program")
        if len(lines) != len(programs):
            session.record(PROBLEM, answer.problem or "no answer about programs", evidence=evidence)
            return True
        missing = [str(line.text("name")) for line in lines if not line.ok]
    if missing:
        where = "the host" if session.is_control else "the image"
        session.record(UNAVAILABLE, f"{where} has no {', '.join(missing)}", evidence=evidence)
    return bool(missing)


def evict(session: Session) -> bool:
    """Throw the form's own files out of the page cache, and say whether they are gone.

    Only the files of this form are touched (``posix_fadvise`` with ``POSIX_FADV_DONTNEED``), never the
    whole cache of the machine. An engine's store is out of the user's reach.
    """
    if session.form is None:
        session.record(PROBLEM, "nothing was recorded about the image's form")
        return False
    if not session.form.path:
        session.record(
            UNAVAILABLE,
            "the image lies in a store whose files a user cannot put out of the cache",
        )
        return False
    completed = session.on_host((str(session.payload / PAYLOAD), "evict", session.form.path))
    line = read_answer(completed).first("evict")
    total, left = (line.integer("bytes"), line.integer("resident_bytes")) if line else (None, None)
    if not total or left is None:
        session.record(PROBLEM, "the image's files could not be put out of the cache", evidence=(completed,))
        return False
    if left > MOST_RESIDENT * total:
        message = f"{left} of {total} bytes stayed in the page cache: somebody else uses them, or a RAM disk"
        session.record(UNAVAILABLE, message, evidence=(completed,))
        return False
    session.record("evicted", total, "bytes", evidence=(completed,))
    return True
