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

__all__ = [
    "HostProcess",
    "ancestors",
    "below",
    "everyone",
    "found_by",
    "hidden",
    "leaves_a_daemon",
    "marked",
    "named",
    "not_found",
    "runs",
    "setuid_starter",
    "still_there",
]

_PROCESSES = Path("/proc")
_SHOWN = frozenset({"0", "off"})
"""Values of proc's mount option ``hidepid`` with which every process is seen by everybody."""
_CAP_SYS_PTRACE = 19
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


def found_by(program: str, token: str, processes: Path = _PROCESSES, *, then: str = "") -> HostProcess | None:
    """Find the process that runs a program with a word of ours, as far as we can see.

    Parameters
    ----------
    program : str
        The first word of its command line, as the payload is called where it runs. A client's command
        line holds the same words behind its own name, and a client is never taken for the payload.
    token : str
        A random word among the others.
    processes : Path
        Where proc is mounted.
    then : str
        The second word, where a client may be a script that the same program runs.

    Returns
    -------
    HostProcess or None
        The first of them; ``None`` where there is none, or where it is `hidden` from us.
    """
    wanted, found = (program.encode(), token.encode()), []
    for entry in processes.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                first, *others = (entry / "cmdline").read_bytes().split(b"\0")
                if first == wanted[0] and wanted[1] in others and others[0] == (then.encode() or others[0]):
                    found.append(int(entry.name))
    seen = (_look(pid, processes) for pid in sorted(found))
    return next((process for process in seen if process), None)


def hidden(processes: Path = _PROCESSES) -> str:
    """Say why other users' processes cannot be seen from here; empty where they can.

    References
    ----------
    proc(5), mount options ``hidepid`` and ``gid``.
    """
    option = ""
    for line in (processes / "self" / "mounts").read_text(errors="replace").splitlines():
        _, place, kind, options, *_ = line.split()
        if (place, kind) == (str(processes), "proc"):
            named_ = dict(word.partition("=")[::2] for word in options.split(","))
            option = named_.get("hidepid", "")
    if not option or option in _SHOWN:
        return ""
    first = processes / "1"
    with suppress(OSError):
        (first / "stat").read_bytes()
        if first.stat().st_uid != os.geteuid() or _may_trace(processes):
            return ""  # exempt: by a capability, or by the group that ``gid`` names
    return f"{processes} is mounted with hidepid={option}: only root sees the processes of other users"


def _may_trace(processes: Path) -> bool:
    """Whether we have CAP_SYS_PTRACE, capabilities(7)."""
    _, _, told = (processes / "self" / "status").read_text().partition("CapEff:")
    return bool(int(told.split()[0], 16) >> _CAP_SYS_PTRACE & 1)


def not_found() -> str:
    """Say why a payload that told us that it runs is not among the processes that we see."""
    why = hidden() or "it is in a process namespace that this one does not see into"
    return f"the payload runs, but is not among the processes that can be seen from here: {why}"


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


def setuid_starter(process: HostProcess) -> str:
    """Name Apptainer's or SingularityCE's setuid starter above a process; empty where there is none.

    It gives root up as its user id and keeps capabilities. One that lost its setuid bit has its name left
    and none of them, but in a user namespace of its own, where anybody has all. Whose namespace we may not
    read has more than we have.
    """
    for above in ancestors(process, until=os.getpid()):
        if above.name.startswith("starter-suid") and _has_capabilities(above.pid):
            return above.name
    return ""


def _has_capabilities(pid: int) -> bool:
    with suppress(OSError, IndexError):
        told = (_PROCESSES / str(pid) / "status").read_text(errors="replace").partition("CapPrm:")[2]
        if not int(told.split()[0], 16):
            return False
        with suppress(PermissionError):
            ours = (_PROCESSES / "self/ns/user").readlink()
            return (_PROCESSES / str(pid) / "ns/user").readlink() == ours
        return True
    return False


def below(root: int) -> tuple[HostProcess, ...]:
    """Give a process and all below it."""
    processes, found, level = everyone(), [], {root}
    while level:
        here = [process for process in processes if process.pid in level]
        found += here
        level = {process.pid for process in processes if process.parent in level} - {one.pid for one in found}
    return tuple(found)


def marked(variable: str, value: str) -> tuple[HostProcess, ...]:
    """Give the processes that inherited a variable of this value, as far as we may read."""
    wanted, found = f"{variable}={value}".encode(), []
    for process in everyone():
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
    daemon = found_by(str(session.payload / PAYLOAD), token) if ready else None
    try:
        yield daemon if daemon and daemon.runs else None
    finally:
        if daemon:
            daemon.end()


def named(processes: Collection[HostProcess]) -> str:
    """List the names of processes, each once."""
    return ", ".join(sorted({process.name for process in processes}))


def everyone() -> Sequence[HostProcess]:
    """Give every process that can be seen from here."""
    found = (_look(int(entry.name)) for entry in _PROCESSES.iterdir() if entry.name.isdigit())
    return [process for process in found if process]


def _look(pid: int, processes: Path = _PROCESSES) -> HostProcess | None:
    """Look at a process; ``None`` where it is gone or a zombie.

    References
    ----------
    proc_pid_stat(5): name in brackets, state, parent, and the start as field 22.
    """
    try:
        head, _, tail = (processes / str(pid) / "stat").read_text(errors="replace").rpartition(")")
    except OSError:
        return None
    fields = tail.split()
    if not fields or fields[0] in "ZX":
        return None
    return HostProcess(pid=pid, parent=int(fields[1]), name=head.partition("(")[2], began=int(fields[19]))
