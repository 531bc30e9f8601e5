"""Where an attempt shows itself while it stands: the verifier's socket, and what was seen at it."""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from evaluation.folders import HeldFolder
from evaluation.model import Bind
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Answer, read_answer
from evaluation.probes.base import Completed, Session
from evaluation.probes.visits import Visit, look

__all__ = ["SEEN", "Attended", "Reception", "attend"]

SEEN = "seen_from_the_host"
"""Text: what the verifier saw of the payload's process."""

_SOCKET_NAME = "verifier.sock"
_PEER = struct.Struct("3i")
_ENTERED_BY_ALL = 0o711
"""Root without capabilities may not enter a directory of the user's either, and has to reach the socket."""


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


def attend(session: Session, *words: str, on_host: bool = False, binds: Sequence[Bind] = ()) -> Attended:
    """Let the payload make an attempt, and look at it while it stands.

    What was seen is recorded. ``on_host`` lets the measuring user make the attempt on the bare host: a
    control of the verifier's own.
    """
    with Reception(session.work) as reception:
        if on_host:
            completed = session.on_host((str(session.payload / PAYLOAD), *words))
        else:
            completed = session.launch((f"{session.payload_inside}/{PAYLOAD}", *words), binds=binds)
    for visit in () if on_host else reception.visits:
        session.record(SEEN, visit.told(), evidence=(completed,))
    return Attended(completed=completed, answer=read_answer(completed), visits=reception.visits)


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
        self._directory = HeldFolder(directory)
        os.fchmod(self._directory.descriptor, _ENTERED_BY_ALL)
        self._socket = self._directory.listen(_SOCKET_NAME)
        self._visits: list[Visit] = []
        self._over = os.eventfd(0)
        self._thread = threading.Thread(target=self._receive, name="reception", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.eventfd_write(self._over, 1)
        self._thread.join()
        os.close(self._over)
        self._socket.close()
        self._directory.remove(_SOCKET_NAME)
        self._directory.close()

    @property
    def visits(self) -> tuple[Visit, ...]:
        """Those who came so far, in order."""
        return tuple(self._visits)

    def _receive(self) -> None:
        while self._speaks(self._socket):
            caller, _ = self._socket.accept()
            with caller:
                self._attend(caller)

    def _speaks(self, line: socket.socket) -> bool:
        """Wait for a caller, or for what it says; false as soon as it is over."""
        either = select.poll()
        either.register(line, select.POLLIN)
        either.register(self._over, select.POLLIN)
        return self._over not in dict(either.poll())

    def _attend(self, caller: socket.socket) -> None:
        pid, _, _ = _PEER.unpack(caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        while self._speaks(caller):
            try:
                said, handed, _, _ = socket.recv_fds(caller, 1, 1)
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
    status, closed, readable = None, False, False
    for descriptor in handed:
        try:
            status = os.fstat(descriptor)
            flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
            readable = not flags & os.O_PATH and flags & os.O_ACCMODE != os.O_WRONLY
        except OSError:
            closed = True
        finally:
            os.close(descriptor)
    return look(pid, letter, status, closed=closed, readable=readable)
