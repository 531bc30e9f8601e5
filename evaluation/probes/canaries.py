"""What the host-side verifier plants and looks at. It never trusts what a container says of itself.

Our process may be root, and the work directory belongs to the measuring user: what is made there is made
through `evaluation.folders`, and only what was made here is removed.
"""

from __future__ import annotations

import os
import secrets
import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from evaluation.folders import HeldFolder
from evaluation.probes.base import Completed, Session
from evaluation.scratch import remove_tree

__all__ = [
    "NEEDS_PLANTING",
    "NEEDS_ROOT",
    "NO_CANARY",
    "PLANT_ONCE",
    "Callers",
    "plant_file",
    "plant_setgid",
    "plant_setuid",
    "root_directory",
    "run_planted",
    "secret",
    "setuid_works_under",
    "wait_for",
]

NEEDS_ROOT = (
    "only root can plant this canary: run this probe as root (it measures as the ordinary user behind sudo, "
    "and removes the canary again)"
)

NO_CANARY = "no canary of root's is planted here"
PLANT_ONCE = (
    "an administrator plants it once for all users: 'evaluation plant' (kit: './evaluate plant') as root"
)
NEEDS_PLANTING = f"{NO_CANARY}; {PLANT_ONCE}"

_SOCKET_NAME = "verifier.sock"
_PEER = struct.Struct("3i")


def secret() -> str:
    """A new random word that nothing on this host can know or guess."""
    return secrets.token_hex(16)


class Callers:
    """A Unix socket that tells who called it: host uids, as the kernel sees them from here.

    A program inside may see itself as uid 0, or its namespace's map as "host 0", and be neither. The
    kernel translates the caller's effective uid into the verifier's own namespaces (``SO_PEERCRED``,
    unix(7)), and it was taken when the caller connected: no race, nothing to pretend.

    Parameters
    ----------
    directory : Path
        A directory that is bound into the container. Anybody may call.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = HeldFolder(directory)
        # Root without capabilities may not enter a directory of the user's, and has to get to the socket.
        os.fchmod(self._directory.descriptor, 0o711)
        self._socket = self._directory.listen(_SOCKET_NAME)
        self._socket.settimeout(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._directory.remove(_SOCKET_NAME)
        self._directory.close()

    def call(self) -> None:
        """Call as this process: the verifier's own control of what it would see."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            caller.connect(self._directory.path_of(_SOCKET_NAME))

    def uids(self) -> tuple[int, ...]:
        """Host uids of those who called since the last time this or `ids` was asked."""
        return tuple(uid for uid, _ in self.ids())

    def ids(self) -> tuple[tuple[int, int], ...]:
        """Host uid and gid of those who called since the last time."""
        found: list[tuple[int, int]] = []
        while True:
            try:
                caller, _ = self._socket.accept()
            except BlockingIOError:
                return tuple(found)
            with caller:
                _, uid, gid = _PEER.unpack(
                    caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
                )
                found.append((uid, gid))


def plant_file(directory: Path, name: str, text: str, *, mode: int, uid: int = -1, gid: int = -1) -> None:
    """Make a new file in a directory that others may write to: never through a link, never over a file."""
    with HeldFolder(directory) as folder:
        folder.write(name, text, mode=mode, uid=uid, gid=gid)


@contextmanager
def plant_setuid(helper: Path, directory: Path, name: str) -> Iterator[Path]:
    """Make a setuid-root copy of the helper; on the way out its mode goes first, then its name.

    The mode first, because a hard link somebody made meanwhile would keep the file alive.
    """
    # The very file that was made, and not its name: whoever owns the directory may rename it at any moment.
    with (
        HeldFolder(directory) as folder,
        folder.keep(name, helper.read_bytes(), mode=0o700, uid=0, gid=0) as kept,
    ):
        try:
            os.fchmod(kept.fileno(), 0o4755)  # last: writing and changing the owner both clear the bit
            yield directory / name
        finally:
            os.fchmod(kept.fileno(), 0)
            folder.remove(name)


@contextmanager
def plant_setgid(helper: Path, directory: Path, name: str, gid: int) -> Iterator[Path]:
    """Make a setgid copy of the helper, of one of our own user's other groups, and remove it afterwards.

    It needs no root: chown(2) lets the owner of a file give it to any group that the owner is in.
    """
    with (
        HeldFolder(directory) as folder,
        folder.keep(name, helper.read_bytes(), mode=0o700, gid=gid) as kept,
    ):
        try:
            os.fchmod(kept.fileno(), 0o2755)  # last: writing and changing the group both clear the bit
            yield directory / name
        finally:
            os.fchmod(kept.fileno(), 0)
            folder.remove(name)


def setuid_works_under(directory: Path) -> bool:
    """Whether the file system under a directory is mounted so that setuid programs can work."""
    return not os.statvfs(directory).f_flag & (os.ST_NOSUID | os.ST_NOEXEC)


@contextmanager
def root_directory(*, setuid: bool = False) -> Iterator[Path | None]:
    """Make a directory of our own process under a temporary directory, and remove it afterwards.

    Parameters
    ----------
    setuid : bool
        Ask for a place where setuid programs can work.

    Yields
    ------
    Path or None
        Everybody may enter it, only its owner may write. ``None`` when every place is mounted nosuid.
    """
    places = [Path(tempfile.gettempdir()), Path("/var/tmp")]  # noqa: S108 - mkdtemp makes a name of its own
    place = next((place for place in places if not setuid or setuid_works_under(place)), None)
    if place is None:
        yield None
        return
    directory = Path(tempfile.mkdtemp(prefix="evaluation-canary-", dir=place))
    try:
        directory.chmod(0o755)
        yield directory
    finally:
        remove_tree(directory)


def run_planted(session: Session, callers: Callers, program: Path) -> tuple[bool, Completed]:
    """Let the measuring user run a planted helper on the host; whether it then called as uid 0."""
    ran = session.on_host((str(program), str(session.work)))
    return 0 in callers.uids(), ran


def wait_for(path: Path, timeout_s: float) -> bool:
    """Wait until a path exists; whether it did in time."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if path.is_symlink() or path.exists():
            return True
        time.sleep(0.005)
    return False
