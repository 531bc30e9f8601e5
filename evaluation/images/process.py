"""How building and converting start processes: they are given the way, and stop at the first failure."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.folders import HeldFolder
from evaluation.model import Completed
from evaluation.reasons import reason_of

__all__ = ["Run", "UnreadableCacheError", "must", "note_in", "require_space", "without_addresses"]

Run = Callable[[Sequence[str], bytes, float], Completed]
"""``run(argv, stdin, timeout_s)``: starts a process as a certain user and waits for it."""

_PATIENCE_S = 3600.0
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL})
"""How a note is told to be none: nothing of this name, or no plain file."""


class UnreadableCacheError(EvaluationError):
    """What is kept of images cannot be read, so nobody knows what is there: nothing is built or removed."""


def note_in(folder: Path, name: str) -> bytes | None:
    """Read a note that the folder's owner has left there; ``None`` where there is none.

    Raises
    ------
    UnreadableCacheError
        There may be one, and it cannot be read: as root, for whom a home directory on NFS is closed.
    """
    try:
        with HeldFolder(folder) as held:
            return held.read(name, owner=held.owner)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise UnreadableCacheError(
            f"what is kept of images cannot be read ({error.strerror}), and so nothing is built or removed",
            where=str(folder),
            advice="Let who runs this read that folder, or name another one: EVALUATION_CACHE.",
        ) from None


def must(run: Run, argv: Sequence[str], *, stdin: bytes = b"", env: Sequence[str] = ()) -> Completed:
    """Run one step, and stop with the reason that it gave when it fails."""
    done = run(("env", *env, *argv) if env else argv, stdin, _PATIENCE_S)
    if done.evidence.timed_out:
        raise EvaluationError(f"{argv[0]} did not end within {_PATIENCE_S:.0f} s", where="image")
    if not done.ok:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()[-8:]
        ending = "\n    ".join(without_addresses(line) for line in said)
        raise EvaluationError(
            f"{argv[0]} ended with {done.evidence.exit_status}: {without_addresses(reason_of(done))}",
            where="image",
            advice=f"The end of what it said:\n    {ending}" if len(said) > 1 else "",
        )
    return done


def require_space(run: Run, folder: str, wanted_bytes: int, what: str) -> None:
    """Stop before a step that would fill the disk.

    Raises
    ------
    EvaluationError
        Less than ``wanted_bytes`` are free where ``folder`` is.
    """
    lines = must(run, ("df", "--output=avail", "--block-size=1", folder)).stdout.split()
    free = int(lines[-1])
    if free < wanted_bytes:
        raise EvaluationError(
            f"{what} takes about {wanted_bytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free",
            where=folder,
            advice="Make room ('evaluation image clean' removes what was built), or set EVALUATION_CACHE.",
        )


def without_addresses(text: str) -> str:
    """Leave download addresses out of a message: a mirror's may carry a password."""
    return re.sub(r"[a-z+]+://\S+", "<mirror>", text)
