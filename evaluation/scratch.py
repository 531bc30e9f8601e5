"""Folders for the moment: removed at the end, and after a crash by whoever comes next."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.folders import HeldFolder

__all__ = ["in_use", "remove_tree", "scratch_directory"]

_PREFIX = "container-evaluation-"
_SOCKET_PATH = 107
"""Bytes of a socket's path, unix(7): ``sun_path`` less its end. A batch job's TMPDIR may leave too few."""
_NAMES_WITHIN = 40
"""Bytes for our folder's own name, and for a socket's in it."""


@contextlib.contextmanager
def scratch_directory(*, for_sockets: bool = False) -> Iterator[Path]:
    """Make a folder that only we can enter, and remove it afterwards.

    One ``for_sockets`` is in ``/tmp`` where the usual place has too long a path for them.

    While it is in use it is locked; a lock ends with its process, however that ends. So what is found
    unlocked was left by a process that is gone, and is removed.
    """
    place = tempfile.gettempdir()
    if for_sockets and len(os.fsencode(place)) + _NAMES_WITHIN > _SOCKET_PATH:
        place = "/tmp"  # noqa: S108 - made by mkdtemp
    _require_roots(Path(place))
    _remove_abandoned(place)
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        with _locked(path) as ours:
            if ours and path.exists():  # or another took it for abandoned, before it was locked
                try:
                    yield path
                finally:
                    remove_tree(path)
                return


def remove_tree(path: Path) -> None:
    """Remove a folder with everything in it, as far as we may; see whether it is gone by its being there.

    What is mounted in it is left alone. Somebody else may rename things in it meanwhile.
    """
    with contextlib.suppress(OSError, RecursionError):
        with HeldFolder(path) as folder:
            folder.empty()
        path.rmdir()


def _require_roots(place: Path) -> None:
    """Refuse, as root, a place whose path another user can lead elsewhere at any moment.

    Raises
    ------
    EvaluationError
        A folder on the way belongs to another user, or others may rename what is in it.
    """
    if os.getuid() != 0:
        return
    for folder in (place.resolve(), *place.resolve().parents):
        found = folder.stat()
        others = found.st_mode & stat.S_IWOTH or (found.st_gid != 0 and found.st_mode & stat.S_IWGRP)
        if found.st_uid != 0 or (others and not found.st_mode & stat.S_ISVTX):
            raise EvaluationError(
                f"other users can rename what is in {folder}, and root would work there",
                where="temporary folder",
                advice="Set TMPDIR to a folder of root's or one with the sticky bit, such as /tmp.",
            )


def in_use(path: Path) -> bool:
    """Whether somebody measures with a folder of ours just now."""
    if not path.name.startswith(_PREFIX):
        return False
    with _locked(path) as ours:
        return not ours and path.exists()


def _remove_abandoned(place: str) -> None:
    for path in Path(place).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
                with _locked(path) as ours:
                    if ours:
                        remove_tree(path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Lock a folder if nobody has; tell whether it is ours."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # removed by another already
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
