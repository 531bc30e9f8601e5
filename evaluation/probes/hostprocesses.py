"""Processes as the host sees them: who started what, and what is still there after a command's end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.base import Session
from evaluation.probes.canaries import secret, wait_for
from evaluation.probes.controlgroups import process_with_argument

__all__ = [
    "HostProcess",
    "ancestors",
    "below",
    "found_by",
    "leaves_a_daemon",
    "marked",
    "named",
    "runs",
    "still_there",
]

_PROCESSES = Path("/proc")
_READY_S = 10.0
_LIFETIME_S = 120
_SURE_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class HostProcess:
    """A process; ``began`` is its start in clock ticks: a number alone may be another's later."""

    pid: int
    parent: int
    name: str
    began: int

    @property
    def runs(self) -> bool:
        """Whether it is still there, and no zombie."""
        now = _look(self.pid)
        return now is not None and now.began == self.began

    def end(self) -> None:
        """Kill it, if it is still the same one and we may."""
        if self.pid > 1 and self.runs:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, signal.SIGKILL)


def found_by(argument: str) -> HostProcess | None:
    """Find the process whose command line holds a word of ours; see `process_with_argument`."""
    pid = process_with_argument(argument)
    return _look(pid) if pid else None


def runs(pid: int) -> bool:
    """Whether a process is there, and no zombie.

    Asked twice: while a thread executes another program, its process looks like a zombie for a moment.
    """
    if _look(pid):
        return True
    time.sleep(_SURE_S)
    return _look(pid) is not None


def ancestors(process: HostProcess, *, until: int) -> tuple[HostProcess, ...]:
    """Give what stands above a process, up to and without process 1 and ``until``."""
    found: list[HostProcess] = []
    above = _look(process.parent)
    while above and above.pid not in {1, until}:
        found.append(above)
        above = _look(above.parent)
    return tuple(found)


def below(root: int) -> tuple[HostProcess, ...]:
    """Give a process and all below it."""
    everyone, found, level = _everyone(), [], {root}
    while level:
        here = [process for process in everyone if process.pid in level]
        found += here
        level = {process.pid for process in everyone if process.parent in level} - {one.pid for one in found}
    return tuple(found)


def marked(variable: str, value: str) -> tuple[HostProcess, ...]:
    """Give the processes that inherited a variable of this value, as far as we may read."""
    wanted, found = f"{variable}={value}".encode(), []
    for process in _everyone():
        with suppress(OSError):
            if wanted in (_PROCESSES / str(process.pid) / "environ").read_bytes().split(b"\0"):
                found.append(process)
    return tuple(found)


def still_there(processes: Iterable[HostProcess], within_s: float) -> tuple[HostProcess, ...]:
    """Wait for the end of processes; give those that are still there when the time is up."""
    left, give_up = tuple(processes), time.monotonic() + within_s
    while (left := tuple(process for process in left if process.runs)) and time.monotonic() < give_up:
        time.sleep(0.01)
    return left


@contextmanager
def leaves_a_daemon(session: Session) -> Iterator[HostProcess | None]:
    """The verifier's own control: a daemon on the bare host, which nobody ends with its command.

    Yields
    ------
    HostProcess or None
        The daemon, after its starter's process group was killed; ``None`` where it could not be seen.
    """
    token = secret()
    prefix = session.work / f"control-{token}"
    starter = session.start_on_host(
        (str(session.payload / PAYLOAD), "daemon", str(prefix), str(_LIFETIME_S), token)
    )
    ready = wait_for(prefix.with_name(f"{prefix.name}.ready"), _READY_S if starter.pid else 0.0)
    starter.signal(signal.SIGKILL, group=True)
    starter.wait(_READY_S)
    daemon = found_by(token) if ready else None
    try:
        yield daemon if daemon and daemon.runs else None
    finally:
        if daemon:
            daemon.end()


def named(processes: Collection[HostProcess]) -> str:
    """List the names of processes, each once."""
    return ", ".join(sorted({process.name for process in processes}))


def _everyone() -> Sequence[HostProcess]:
    found = (_look(int(entry.name)) for entry in _PROCESSES.iterdir() if entry.name.isdigit())
    return [process for process in found if process]


def _look(pid: int) -> HostProcess | None:
    """Look at a process; ``None`` where it is gone or a zombie.

    References
    ----------
    proc_pid_stat(5): name in brackets, state, parent, and the start as field 22.
    """
    try:
        head, _, tail = (_PROCESSES / str(pid) / "stat").read_text(errors="replace").rpartition(")")
    except OSError:
        return None
    fields = tail.split()
    if not fields or fields[0] in "ZX":
        return None
    return HostProcess(pid=pid, parent=int(fields[1]), name=head.partition("(")[2], began=int(fields[19]))
