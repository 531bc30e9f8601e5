"""Where the shares of a level meet: each connects to whoever submitted them, and waits there for the start.

The connection also tells each side at once that the other is gone. Both ends prove that they know a key,
which goes with the task (HMAC, by Python's `multiprocessing.connection`); what they say is JSON.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from queue import Empty, SimpleQueue
from typing import Any, Final, Self

from evaluation.errors import EvaluationError

__all__ = ["Address", "Meeting", "Seat", "attend", "watched"]

_CLOCK: Final = {"what": "clock"}
_LOOK_S: Final = 0.1
_PROOF_S: Final = 10
"""So long whoever connects may take to prove that it knows the key."""
_AT_ONCE: Final = 128
"""So many may be about to prove it; what is beyond waits in the kernel's queue."""
_FOR_EVER: Final = 0
_TIME: Final = struct.Struct("ll")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a meeting is, and the key to it."""

    host: str
    port: int
    key: bytes


class Seat:
    """One end of a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def say(self, **words: object) -> None:
        """Send something.

        Raises
        ------
        EOFError
            The other is gone.
        """
        try:
            self._connection.send_bytes(json.dumps(words).encode())
        except OSError as error:
            raise EOFError from error

    def hear(self, within_s: float | None = None) -> dict[str, Any]:
        """Wait for what the other says; ``None`` waits as long as it is there.

        Raises
        ------
        EOFError
            The other is gone, or has said nothing within the time.
        """
        try:
            if within_s is not None and not self._connection.poll(max(0.0, within_s)):
                raise EOFError
            told: dict[str, Any] = json.loads(self._connection.recv_bytes())
        except OSError as error:
            raise EOFError from error
        return told

    def gone(self, within_s: float) -> bool:
        """Whether the other is gone; it has nothing to say meanwhile."""
        try:
            if self._connection.poll(within_s):
                self.hear()
        except (OSError, EOFError):
            return True
        return False

    def clock(self) -> int:
        """Ask for the other's monotonic clock."""
        self.say(**_CLOCK)
        return int(self.hear(_PROOF_S)["ns"])

    def order(self) -> dict[str, Any]:
        """Tell the clock as often as the other asks; give the first thing that it says else."""
        while (told := self.hear()) == _CLOCK:
            self.say(ns=time.monotonic_ns())
        return told

    def close(self) -> None:
        """Leave."""
        self._connection.close()


class Meeting:
    """Where shares come to; a context manager."""

    def __init__(self, host: str | None) -> None:
        self._key = secrets.token_bytes(32)
        name = host or socket.getfqdn()
        try:
            self._listener = Listener((name, 0), backlog=_AT_ONCE)
        except OSError as error:
            raise EvaluationError(
                f"no port can be opened at {name}: {error.strerror}",
                where="batch: address",
                advice="Name the address of this host that nodes can connect to, in the site's file.",
            ) from None
        self.address = Address(host=name, port=int(self._listener.address[1]), key=self._key)
        self._come: SimpleQueue[Seat] = SimpleQueue()
        self._closed = False
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._listener.close()

    def next(self, within_s: float) -> Seat | None:
        """Give the next that has come."""
        with suppress(Empty):
            return self._come.get(timeout=within_s)
        return None

    def _listen(self) -> None:
        """Let all in that come; each proves itself on its own time, so that a silent one holds up nobody."""
        free = threading.BoundedSemaphore(_AT_ONCE)
        while not self._closed:
            with suppress(OSError):
                connection = self._listener.accept()
                free.acquire()
                threading.Thread(target=self._admit, args=(connection, free), daemon=True).start()

    def _admit(self, connection: Connection, free: threading.BoundedSemaphore) -> None:
        # A stranger without the key, one that says nothing or goes at once, is nobody's concern.
        try:
            with _patience(connection):
                deliver_challenge(connection, self._key)
                answer_challenge(connection, self._key)
        except (OSError, EOFError, AuthenticationError):
            connection.close()
        else:
            self._come.put(Seat(connection))
        finally:
            free.release()


@contextmanager
def attend(address: Address) -> Iterator[Seat]:
    """Come to a meeting.

    Raises
    ------
    EvaluationError
        Nobody is there.
    """
    try:
        connection = Client((address.host, address.port))
        with _patience(connection):
            answer_challenge(connection, address.key)
            deliver_challenge(connection, address.key)
        seat = Seat(connection)
    except (OSError, EOFError, AuthenticationError) as error:
        raise EvaluationError(
            f"this node cannot connect to {address.host}, port {address.port}: {error}",
            where="batch: address",
            advice="Name the address of the submitting host that nodes can connect to, in the site's file.",
        ) from None
    try:
        yield seat
    finally:
        seat.close()


@contextmanager
def _patience(connection: Connection) -> Iterator[None]:
    """Have whatever is read or written fail that takes too long, socket(7)."""

    def limit(seconds: int) -> None:
        with socket.socket(fileno=os.dup(connection.fileno())) as same:
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                same.setsockopt(socket.SOL_SOCKET, option, _TIME.pack(seconds, 0))

    limit(_PROOF_S)
    yield
    limit(_FOR_EVER)


@contextmanager
def watched(seat: Seat, end: Callable[[], object]) -> Iterator[None]:
    """Call ``end`` as soon as the other is gone, in a thread of its own, as long as this lasts."""
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if seat.gone(_LOOK_S):
                end()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
