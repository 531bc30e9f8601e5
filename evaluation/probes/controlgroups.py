"""What the kernel accounts to a container and to an engine, read on the host while they run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from evaluation.probes.hostprocesses import hidden

__all__ = ["cpu_of_processes_s", "cpu_used_s", "memory_peak_bytes"]

_PROCESSES = Path("/proc")
_GROUPS = Path("/sys/fs/cgroup")
_PEAKS = ("memory.peak", "memory.max_usage_in_bytes")
"""The peak's file: of version 2 (Linux 5.19), of version 1."""


def memory_peak_bytes(
    pid: int, *, unlike: int, processes: Path = _PROCESSES, groups: Path = _GROUPS
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
    own, ours = _memory_group(pid, processes), _memory_group(unlike, processes)
    if own is None or own == ours:
        return None
    controller, path = own
    for peak in _PEAKS:
        with suppress(OSError, ValueError):
            return int((groups / controller / path.lstrip("/") / peak).read_text())
    return None


def _memory_group(pid: int, processes: Path) -> tuple[str, str] | None:
    """Give controller folder and path of a process's memory group: version 1 first, else version 2."""
    with suppress(OSError):
        rows = [line.split(":", 2) for line in (processes / str(pid) / "cgroup").read_text().splitlines()]
        for _, controllers, path in rows:
            if "memory" in controllers.split(","):
                return "memory", path
        for _, controllers, path in rows:
            if not controllers:
                return "", path
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
