"""Folders for the moment: removed at the end, and after a crash by whoever comes next."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

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
    """Remove a folder with everything in it, as far as we may; see whether it is gone by its being there."""
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        with contextlib.suppress(OSError):
            path.chmod(0o700)
        for folder, names, _ in os.walk(path):  # from the top, each made enterable before it is entered
            for inner in (Path(folder, name) for name in names):
                with contextlib.suppress(OSError):
                    if not inner.is_symlink():
                        inner.chmod(0o700)
        shutil.rmtree(path, ignore_errors=True)


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
