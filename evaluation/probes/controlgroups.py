"""What the kernel accounts to a container and to an engine, read on the host while they run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evaluation.probes.hostprocesses import hidden

__all__ = ["Group", "cpu_of_processes_s", "cpu_used_s", "groups_in", "hierarchies", "memory_peak_bytes"]

_PROCESSES = Path("/proc")
_MOUNTS = Path("/proc/mounts")
_PEAKS = ("memory.peak", "memory.max_usage_in_bytes")
"""The peak's file: of version 2 (Linux 5.19), of version 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A control group: the controllers of its hierarchy (none in version 2), its path, its directory."""

    controllers: tuple[str, ...]
    path: str
    folder: Path


def groups_in(told: str, mounts: Path = _MOUNTS) -> tuple[Group, ...]:
    """Find the directories of the control groups that a process is told to be in.

    Parameters
    ----------
    told : str
        Lines of ``/proc/PID/cgroup``; others are passed over.
    mounts : Path
        The table of mounts: a hierarchy is where it is mounted, in either version.

    Returns
    -------
    tuple of Group
        In the order of the lines, without the hierarchies that are not mounted here. A directory need not be
        there any more.

    References
    ----------
    cgroups(7), ``/proc/[pid]/cgroup``; proc_pid_mounts(5).
    """
    rows = [line.split() for line in mounts.read_text(errors="replace").splitlines()]
    found = []
    for line in told.splitlines():
        number, first, rest = line.partition(":")
        names, second, path = rest.partition(":")
        if not (number.isdigit() and first and second):
            continue
        controllers = tuple(filter(None, names.split(",")))
        for _, place, kind, options, *_ in rows:
            if kind == ("cgroup" if controllers else "cgroup2") and {*controllers} <= {*options.split(",")}:
                found.append(Group(controllers=controllers, path=path, folder=Path(place, path.lstrip("/"))))
                break
    return tuple(found)


def hierarchies(number: int) -> str:
    """Say how many: version 2 has one alone."""
    return f"{number} {'hierarchy' if number == 1 else 'hierarchies'}"


def memory_peak_bytes(
    pid: int, *, unlike: int, processes: Path = _PROCESSES, mounts: Path = _MOUNTS
) -> int | None:
    """Read the peak of a process's memory control group, if that is the container's own.

    Parameters
    ----------
    pid : int
        A process of the container, as the host numbers it.
    unlike : int
        A process of ours: a group that it is in too is no container's own.

    Returns
    -------
    int or None
        Bytes; ``None`` where there is no such group, or it tells no peak.

    References
    ----------
    cgroups(7); Linux kernel documentation, Control Group v2 (memory.peak) and v1 (memory.max_usage_in_bytes).
    """
    own, ours = _memory_group(pid, processes, mounts), _memory_group(unlike, processes, mounts)
    if own is None or own == ours:
        return None
    for peak in _PEAKS:
        with suppress(OSError, ValueError):
            return int((own / peak).read_text())
    return None


def _memory_group(pid: int, processes: Path, mounts: Path) -> Path | None:
    """Give the directory of a process's memory group: version 1 first, else version 2."""
    with suppress(OSError):
        groups = groups_in((processes / str(pid) / "cgroup").read_text(), mounts)
        for group in sorted(groups, key=lambda group: "memory" not in group.controllers):
            if not group.controllers or "memory" in group.controllers:
                return group.folder
    return None


def cpu_of_processes_s(names: Sequence[str], processes: Path = _PROCESSES) -> float | None:
    """Sum the CPU time of all processes of these names, and of the children they waited for.

    Returns
    -------
    float or None
        Seconds, in steps of a clock tick (10 ms); ``None`` where no such process runs, or where the host
        hides processes: those that are seen are then some of them at most.

    References
    ----------
    proc_pid_stat(5), fields 14 to 17.
    """
    ticks, found = 0, False
    if not names or hidden(processes):
        return None
    for entry in processes.iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError):
                name, _, rest = (entry / "stat").read_text().partition(" (")[2].rpartition(") ")
                if name in names:
                    found = True
                    ticks += sum(int(field) for field in rest.split()[11:15])
    return ticks / os.sysconf("SC_CLK_TCK") if found else None


def cpu_used_s(before: float | None, after: float | None) -> float | None:
    """CPU time between two answers of `cpu_of_processes_s`.

    ``None`` where one of them is missing, or where a process that was counted has ended meanwhile.
    """
    if before is None or after is None or after < before:
        return None
    return after - before
