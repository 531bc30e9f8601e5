"""Alone on the host: one measurement at a time, whoever starts it and wherever its temporary files are."""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import socket
import struct
from collections.abc import Iterator

from evaluation.errors import BusyError, EvaluationError

__all__ = ["LOCK", "alone"]

LOCK = "EVALUATION_LOCK"
"""The variable that names another lock, for tests. Measurements under different locks disturb each other."""

_WAITING = 128
"""So many who were refused may have asked who holds the lock."""
_PEER = struct.Struct("3i")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the host for ourselves: two measurements at once would disturb each other.

    The lock is the name of an abstract socket, unix(7). It needs no folder, so it is the same for every user
    and job of the host, even where each job has its own ``/tmp``; nobody can plant anything in its place,
    and it ends with its process, however that ends. Its scope is a network namespace: the host has one.

    Raises
    ------
    EvaluationError
        Another measurement is under way on this host.
    """
    name = f"container-evaluation/{os.environ.get(LOCK) or 'measurement'}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as held:
        try:
            held.bind(f"\0{name}")
            held.listen(_WAITING)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise EvaluationError(
                    f"the host's lock cannot be taken: {error.strerror or error}",
                    where=f"socket @{name}",
                    advice=f"Is the name in {LOCK} short, and are abstract sockets allowed here?",
                ) from None
            raise BusyError(
                f"another measurement is under way on this host{_holder(name)}",
                where=f"socket @{name}",
                advice="Wait until it ends: two at once would disturb each other.",
            ) from None
        yield


def _holder(name: str) -> str:
    """Tell which process holds the lock, as far as the kernel tells us."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(0)
        try:
            asking.connect(f"\0{name}")
            pid, uid, _ = _PEER.unpack(asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        except OSError:  # it has just ended, or too many have asked
            return ""
    with contextlib.suppress(KeyError):
        return f": process {pid} of {pwd.getpwuid(uid).pw_name}"
    return f": process {pid} of user {uid}"
