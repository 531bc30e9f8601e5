"""What the host's kernel says of an attempt while it stands: credentials, namespaces, mounts, devices.

A program inside sees itself through its own namespaces. The verifier sees it through the host's ``/proc``,
which no namespace of a container's can change.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Answer, read_answer
from evaluation.probes.base import Completed, Session

__all__ = ["CANNOT_LOOK", "Attended", "Reception", "Visit", "attend", "look"]

CANNOT_LOOK = (
    "the verifier may not look at the namespaces of the payload's process; run this probe as root (it "
    "measures as the ordinary user behind sudo)"
)

_SOCKET_NAME = "verifier.sock"
_PEER = struct.Struct("3i")
_NAMESPACES = ("mnt", "net", "user", "uts")
_PATIENCE_S = 0.2
ENTERED_BY_ALL = 0o711
"""Root without capabilities may not enter a directory of the user's either, and has to reach the socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A process as the host's kernel describes it.

    Parameters
    ----------
    letter : str
        What the payload called this moment of its attempt.
    pid : int
        Its number in the verifier's own process namespace.
    status : mapping of str to str
        ``/proc/PID/status``: ids and capability sets as of the host, proc_pid_status(5).
    namespaces : mapping of str to str
        Kind to ``kind:[inode]``; without those that the verifier may not look at, namespaces(7).
    uid_map : str
        ``/proc/PID/uid_map`` as the verifier's user namespace reads it, user_namespaces(7).
    mounts : str
        ``/proc/PID/mountinfo``, proc_pid_mountinfo(5).
    handed : os.stat_result or None
        The open file that was handed over.
    closed : bool
        Whether a file was handed over that the verifier may not look at (a FUSE file system of the user's).
    """

    letter: str
    pid: int
    status: Mapping[str, str]
    namespaces: Mapping[str, str]
    uid_map: str
    mounts: str
    handed: os.stat_result | None = None
    closed: bool = False

    def mask(self, name: str) -> int | None:
        """A set of capabilities, as a bit mask."""
        value = self.status.get(name)
        return int(value, 16) if value else None

    def number(self, name: str) -> int | None:
        """A number of the status."""
        value = self.status.get(name)
        return int(value) if value else None

    @property
    def effective_uid(self) -> int | None:
        """The effective uid on the host."""
        ids = self.status.get("Uid", "").split()
        return int(ids[1]) if len(ids) > 1 else None

    @property
    def in_user_namespace_of_host(self) -> bool | None:
        """Whether its capabilities count on the host. ``None`` where that cannot be seen.

        Where the link is closed to us, the map of ids tells: a process that shares our user namespace shares
        its map.
        """
        return self.shares("user") if "user" in self.namespaces else self._shares_map()

    def shares(self, kind: str) -> bool | None:
        """Whether it is in the verifier's own namespace of that kind; ``None`` where that is closed to us."""
        theirs = self.namespaces.get(kind)
        return None if theirs is None else theirs == str(Path(f"/proc/self/ns/{kind}").readlink())

    def _shares_map(self) -> bool | None:
        ours = _text(Path("/proc/self/uid_map"))
        return None if not self.uid_map or not ours else self.uid_map.split() == ours.split()

    @property
    def device(self) -> tuple[str, int, int] | None:
        """Kind (``b`` or ``c``), major and minor number of the device that was handed over."""
        if self.handed is None:
            return None
        kind = "b" if stat.S_ISBLK(self.handed.st_mode) else "c" if stat.S_ISCHR(self.handed.st_mode) else ""
        device = self.handed.st_rdev
        return (kind, os.major(device), os.minor(device)) if kind else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attended:
    """An attempt that was looked at: how it ended, what the payload says, and what the host's kernel said."""

    completed: Completed
    answer: Answer
    visits: tuple[Visit, ...]

    def all(self, letter: str) -> tuple[Visit, ...]:
        """What was seen when the payload said this letter, in order."""
        return tuple(visit for visit in self.visits if visit.letter == letter)

    def first(self, letter: str) -> Visit | None:
        """What was seen when it first said this letter."""
        return next(iter(self.all(letter)), None)

    @property
    def missing(self) -> str:
        """Why there is nothing to judge, when what was looked for is not among this."""
        if self.answer.problem:
            return self.answer.problem
        line = self.answer.first("visit")
        if line is not None and not line.ok:
            return f"the payload could not show itself to the verifier: {line.reason}"
        return "the payload reported too little"


def attend(session: Session, *words: str, on_host: bool = False) -> Attended:
    """Let the payload make an attempt, and look at it while it stands.

    ``on_host`` lets the measuring user make it on the bare host: a control of the verifier's own.
    """
    with Reception(session.work) as reception:
        if on_host:
            completed = session.on_host((str(session.payload / PAYLOAD), *words))
        else:
            completed = session.launch((f"{session.payload_inside}/{PAYLOAD}", *words))
    return Attended(completed=completed, answer=read_answer(completed), visits=reception.visits)


def look(pid: int, letter: str = "", handed: os.stat_result | None = None, *, closed: bool = False) -> Visit:
    """Describe a process of the verifier's own process namespace."""
    here = Path(f"/proc/{pid}")
    lines = (line.partition(":") for line in _text(here / "status").splitlines())
    namespaces = {}
    for kind in _NAMESPACES:
        with suppress(OSError):
            namespaces[kind] = str((here / "ns" / kind).readlink())
    return Visit(
        letter=letter,
        pid=pid,
        status={name: value.strip() for name, _, value in lines},
        namespaces=namespaces,
        uid_map=_text(here / "uid_map"),
        mounts=_text(here / "mountinfo"),
        handed=handed,
        closed=closed,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


class Reception:
    """A Unix socket that looks at whoever calls it, each time they say a letter, and then lets them go on.

    The kernel tells the caller's pid (``SO_PEERCRED``, unix(7)), and while it waits for our answer it cannot
    end and leave its number to another.

    Parameters
    ----------
    directory : Path
        A directory of the user's that is bound into the container. Anybody may enter it and call.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        os.fchmod(self._directory, ENTERED_BY_ALL)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(_PATIENCE_S)
        # By descriptor: a socket's path must be shorter than 108 bytes, and a work directory's is not.
        before = os.umask(0)
        try:
            self._socket.bind(f"/proc/self/fd/{self._directory}/{_SOCKET_NAME}")
        finally:
            os.umask(before)
        self._socket.listen(16)
        self._visits: list[Visit] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._receive, name="reception", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()
        with suppress(FileNotFoundError):
            os.unlink(_SOCKET_NAME, dir_fd=self._directory)
        os.close(self._directory)

    @property
    def visits(self) -> tuple[Visit, ...]:
        """Those who came so far, in order."""
        return tuple(self._visits)

    def _receive(self) -> None:
        while not self._over.is_set():
            try:
                caller, _ = self._socket.accept()
            except TimeoutError:
                continue
            with caller:
                self._attend(caller)

    def _attend(self, caller: socket.socket) -> None:
        caller.settimeout(_PATIENCE_S)
        pid, _, _ = _PEER.unpack(caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        while not self._over.is_set():
            try:
                said, handed, _, _ = socket.recv_fds(caller, 1, 1)
            except TimeoutError:
                continue
            except OSError:
                return
            if not said:
                return
            if pid > 0:
                self._visits.append(_looked_at(pid, said.decode("latin-1"), handed))
            with suppress(OSError):
                caller.sendall(b".")


def _looked_at(pid: int, letter: str, handed: list[int]) -> Visit:
    """Describe the caller and what it handed over, and close that."""
    status, closed = None, False
    for descriptor in handed:
        try:
            status = os.fstat(descriptor)
        except OSError:
            closed = True
        finally:
            os.close(descriptor)
    return look(pid, letter, status, closed=closed)
