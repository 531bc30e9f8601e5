"""Where the shares of a level meet: each connects to whoever submitted them, and waits there for the start.

The connection also tells each side at once that the other is gone. Both ends prove that they know a key,
which goes with the task (HMAC, by Python's `multiprocessing.connection`); what they say is JSON.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from queue import Empty, SimpleQueue
from typing import Any, Final, Self

from evaluation.errors import EvaluationError

__all__ = ["Address", "Meeting", "Seat", "attend", "watched"]

_CLOCK: Final = {"what": "clock"}
_LOOK_S: Final = 0.1


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

    def hear(self) -> dict[str, Any]:
        """Wait for what the other says.

        Raises
        ------
        EOFError
            The other is gone.
        """
        try:
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
        return int(self.hear()["ns"])

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
            self._listener = Listener((name, 0), authkey=self._key)
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
        while not self._closed:
            # A stranger without the key, or one that went at once, is nobody's concern.
            with suppress(OSError, EOFError, AuthenticationError):
                self._come.put(Seat(self._listener.accept()))


@contextmanager
def attend(address: Address) -> Iterator[Seat]:
    """Come to a meeting.

    Raises
    ------
    EvaluationError
        Nobody is there.
    """
    try:
        seat = Seat(Client((address.host, address.port), authkey=address.key))
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
