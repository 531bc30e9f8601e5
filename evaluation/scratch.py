"""Folders for the moment: removed at the end, and after a crash by whoever comes next."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.folders import HeldFolder
from evaluation.marks import abandoned, mark

__all__ = [
    "in_use",
    "labelled",
    "open_to_others",
    "remove_tree",
    "scratch_directory",
    "temporary_folder",
]

_PREFIX = "container-evaluation-"
_FORM = re.compile(rf"{_PREFIX}([0-9a-f.]+)-")
_SOCKET_PATH = 107
"""Bytes of a socket's path, unix(7): ``sun_path`` less its end. A batch job's TMPDIR may leave too few."""
_NAMES_WITHIN = 80
"""Bytes for our folder's own name, and for a socket's in it."""


_ENFORCE = Path("/sys/fs/selinux/enforce")
"""It is there where SELinux is on: 1 where it enforces, selinux(8)."""
_LABEL = "security.selinux"
_SHARED = "container_file_t:s0"
"""Type and level of files that every container may use."""

_USUAL = ("/tmp", "/var/tmp")  # noqa: S108 - the two that file-hierarchy(7) has


def temporary_folder() -> Path:
    """Where folders for the moment are made.

    TMPDIR, where the user has one. Else that of the two usual places whose mount takes less away: systemd's
    /tmp is memory, and mounted nosuid and nodev, so that no attempt with a setuid program or a device could
    succeed there. Where both are alike, the first.
    """
    chosen = Path(tempfile.gettempdir())
    if str(chosen) not in _USUAL or os.environ.get("TMPDIR"):
        return chosen
    usable = [place for place in _USUAL if os.access(place, os.W_OK | os.X_OK)]
    return Path(min(usable, key=_taken_away, default=chosen))


def _taken_away(place: str) -> tuple[bool, ...]:
    """What its mount forbids, the worst first."""
    flags = os.statvfs(place).f_flag
    return tuple(bool(flags & flag) for flag in (os.ST_NOEXEC, os.ST_NOSUID, os.ST_NODEV))


@contextlib.contextmanager
def scratch_directory(*, for_sockets: bool = False, bound: bool = False) -> Iterator[Path]:
    """Make a folder that only we can enter, and remove it afterwards.

    One ``for_sockets`` is in ``/tmp`` where the usual place has too long a path for them. What is in one that
    is ``bound`` goes into containers: everybody may enter it, and SELinux lets containers use it.

    Its name holds the mark of its process. So what a process of this host that is gone has left is known,
    and removed; of what may be another host's nothing is. No lock is needed: some file systems have none.
    """
    place = str(temporary_folder())
    if for_sockets and len(os.fsencode(place)) + _NAMES_WITHIN > _SOCKET_PATH:
        place = "/tmp"  # noqa: S108 - made by mkdtemp
    _require_roots(Path(place))
    _remove_abandoned(place)
    path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{mark()}-", dir=place))
    try:
        if bound:
            path.chmod(0o755)
            labelled(path)
        yield path
    finally:
        remove_tree(path)


def labelled(path: Path, enforce: Path = _ENFORCE) -> str:
    """Let SELinux's containers use a new folder, and what will be made in it; say so, or why not.

    The label is that of ``relabel=shared`` of podman-run(1), and ``:z`` of docker-run(1). The owner gives
    it here, once, for every engine: Docker's ``--mount`` cannot ask for it, and rootless Podman may not give
    it to what is root's. What is made in a folder inherits its type. Where SELinux is off nothing is done.

    References
    ----------
    selinux(8); container_selinux(8), ``container_file_t``.
    """
    try:
        enforcing = enforce.read_text().strip() == "1"
    except OSError:
        return ""
    mode = f"SELinux is {'enforcing' if enforcing else 'permissive'}"
    try:
        who, role, *_ = os.getxattr(path, _LABEL).decode().rstrip("\0").split(":")
        os.setxattr(path, _LABEL, f"{who}:{role}:{_SHARED}".encode())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", "") or str(error)
        return f"{mode}, and what is bound into containers could not be labelled for them ({why})"
    return f"{mode}: what is bound into containers is labelled {_SHARED}, as relabel=shared does"


def remove_tree(path: Path) -> None:
    """Remove a folder with everything in it, as far as we may; see whether it is gone by its being there.

    What is mounted in it is left alone. Somebody else may rename things in it meanwhile.
    """
    with contextlib.suppress(OSError, RecursionError):
        with HeldFolder(path) as folder:
            folder.empty()
        path.rmdir()


def open_to_others(place: Path) -> Path | None:
    """Find a folder on the way in which others than root can rename what root has put there; else nothing.

    A folder of root's with the sticky bit, as /tmp has it, lets nobody rename what is another's.
    """
    whole = place.resolve()
    for folder in (whole, *whole.parents):
        found = folder.stat()
        others = found.st_mode & stat.S_IWOTH or (found.st_gid != 0 and found.st_mode & stat.S_IWGRP)
        if found.st_uid != 0 or (others and not found.st_mode & stat.S_ISVTX):
            return folder
    return None


def _require_roots(place: Path) -> None:
    """Refuse, as root, a place whose path another user can lead elsewhere at any moment.

    Raises
    ------
    EvaluationError
        A folder on the way belongs to another user, or others may rename what is in it.
    """
    if os.getuid() == 0 and (folder := open_to_others(place)):
        raise EvaluationError(
            f"other users can rename what is in {folder}, and root would work there",
            where="temporary folder",
            advice="Set TMPDIR to a folder of root's or one with the sticky bit, such as /tmp.",
        )


def in_use(path: Path) -> bool:
    """Whether somebody measures with a folder of ours just now, as far as can be told."""
    found = _FORM.match(path.name)
    return found is not None and not abandoned(found[1]) and path.exists()


def _remove_abandoned(place: str) -> None:
    for path in Path(place).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid():
                found = _FORM.match(path.name)
                if found and abandoned(found[1]):
                    remove_tree(path)
