"""Images in use: while somebody measures with one, nobody builds it again, converts it anew or removes it.

Clones of the project, and the nodes of a cluster, share the measuring user's cache. A lock for each image
keeps them apart: shared while it is measured with, exclusive while it is made. It ends with its process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.images.process import Run

__all__ = ["changing", "release", "use"]

_PATIENCE_S = 3600.0
_LOOK_S = 0.5
_LOOKS = 2
"""So often an image is seen in use before that is said: once may be who made it, who has just ended."""

_held: dict[Path, int] = {}
"""By its folder, the open lock of each image that this process uses."""


def use(folder: Path, run: Run) -> None:
    """Keep an image as it is until `release`, or the end of this process.

    Raises
    ------
    EvaluationError
        Another is making it, and does not come to an end.
    """
    if folder not in _held and (lock := _opened(folder, run)) is not None:
        try:
            _wait(lock, fcntl.LOCK_SH, folder)
        except BaseException:
            os.close(lock)
            raise
        _held[folder] = lock


def release() -> None:
    """Let others change all that was used."""
    while _held:
        os.close(_held.popitem()[1])


@contextlib.contextmanager
def changing(folder: Path, run: Run) -> Iterator[None]:
    """Have an image for ourselves, to build, convert or remove it; another that makes it is waited for.

    What was looked at before is to be looked at again: it may have been made meanwhile. Where the file system
    knows no locks, nothing is kept apart.

    Raises
    ------
    EvaluationError
        A measurement uses it: nothing may be changed.
    """
    used = _held.get(folder)
    lock = _opened(folder, run) if used is None else used
    if lock is None:
        yield
        return
    try:
        _wait(lock, fcntl.LOCK_EX, folder)
        yield
    finally:
        if used is None:
            os.close(lock)
        else:
            _taken(lock, fcntl.LOCK_SH)


def _opened(folder: Path, run: Run) -> int | None:
    """Open an image's lock, made by whose cache it is; ``None`` where there can be none."""
    path = folder.with_name(f"{folder.name}.lock")
    if (lock := _descriptor(path)) is not None:
        return lock
    run(("mkdir", "-p", str(path.parent)), b"", 30.0)
    run(("touch", str(path)), b"", 30.0)
    return _descriptor(path)


def _descriptor(path: Path) -> int | None:
    for mode in (os.O_RDWR, os.O_RDONLY):  # NFS locks exclusively only what may be written
        with contextlib.suppress(OSError):
            return os.open(path, mode | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    return None


def _taken(lock: int, kind: int) -> bool:
    """Take a lock if nobody has it; ``True`` too where locks are not implemented."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def _wait(lock: int, kind: int, folder: Path) -> None:
    """Wait for one who makes the image; one who measures with it is not waited for."""
    give_up, in_use = time.monotonic() + _PATIENCE_S, 0
    while not _taken(lock, kind):
        if kind == fcntl.LOCK_EX and _taken(lock, fcntl.LOCK_SH):
            fcntl.flock(lock, fcntl.LOCK_UN)
            in_use += 1
        if in_use == _LOOKS:
            raise EvaluationError(
                "a measurement uses this image, so it is not changed",
                where=str(folder),
                advice="Wait until it ends, or name another folder for images: EVALUATION_CACHE.",
            )
        if time.monotonic() > give_up:
            raise EvaluationError(
                f"another has been making this image for {_PATIENCE_S:.0f} s",
                where=str(folder),
                advice="See what it is doing, or name another folder for images: EVALUATION_CACHE.",
            )
        time.sleep(_LOOK_S)
