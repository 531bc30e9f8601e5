"""How many containers may be started at once here before the host is in danger: asked before each level.

None of these figures moves a score: they keep a sweep from doing harm, and each is said where it ends one.
"""

from __future__ import annotations

import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluation.manifest import RuntimeFacts, fact
from evaluation.measure.apptainerhere import KERNEL, UNKNOWN_MOUNT

__all__ = ["Ceiling", "ceiling", "floor_bytes"]

_LEAST_FLOOR: Final = 512 << 20
_FLOOR_SHARE: Final = 10
"""One part in so many of the memory stays free."""
_FIRST_GUESS_BYTES: Final = 64 << 20
"""Of one container, as long as none was measured: an engine's client with its helpers."""
_LEAST_BYTES: Final = 16 << 20
"""Of one container, however little was seen."""
_SAFETY: Final = 2
"""A level may need so many times what the one before it lets expect."""
_TASKS: Final = 40
"""Processes and threads of one container at most: a Go client, its shim and its runtime have a dozen each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """At most so many at once, and what would run out first."""

    width: int
    reason: str


def floor_bytes(*, proc: Path = Path("/proc")) -> int:
    """Tell how much memory has to stay available: a tenth of it, and half a GiB at least."""
    return max(_LEAST_FLOOR, _meminfo(proc, "MemTotal") // _FLOOR_SHARE)


def ceiling(
    facts: RuntimeFacts,
    each_bytes: float | None,
    *,
    proc: Path = Path("/proc"),
    sys: Path = Path("/sys"),
) -> Ceiling:
    """Ask the host how many containers of one runtime it can take now.

    Parameters
    ----------
    facts : RuntimeFacts
        The runtime; its configuration may bound its loop devices.
    each_bytes : float or None
        What one container was seen to need; ``None`` where none was seen.
    """
    found = []
    spare = max(0, _meminfo(proc, "MemAvailable") - floor_bytes(proc=proc))
    each = _FIRST_GUESS_BYTES if each_bytes is None else max(each_bytes * _SAFETY, _LEAST_BYTES)
    found.append(Ceiling(width=int(spare / each), reason=f"memory: {each / (1 << 20):.0f} MiB for each"))
    found += [
        Ceiling(width=free // _TASKS, reason=f"{what}: {_TASKS} allowed for each")
        for what, free in _free_tasks(proc, sys)
    ]
    if most := _loop_devices(facts):
        used = sum(1 for _ in sys.glob("block/loop*/loop/backing_file"))
        found.append(Ceiling(width=most - used, reason=f"loop devices: {most} by its configuration"))
    return min(found, key=lambda one: one.width)


def _loop_devices(facts: RuntimeFacts) -> int:
    """Give the most loop devices that a runtime uses by its configuration; 0 where it was seen to use none.

    The kernel makes them on demand and has no bound of its own.
    """
    if fact(facts.seen, "image mount") not in {KERNEL, UNKNOWN_MOUNT}:
        return 0
    most, _, _ = fact(facts.security, "max loop devices").partition(" ")
    return int(most) if most.isdigit() else 0


def _free_tasks(proc: Path, sys: Path) -> list[tuple[str, int]]:
    """Tell how many processes and threads could still be made, by each limit that there is."""
    running = _running(proc)
    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    limits = {"threads-max": "sys/kernel/threads-max", "pid_max": "sys/kernel/pid_max"}
    free = [
        (f"processes ({name})", most - running)
        for name, path in limits.items()
        if (most := _number(proc / path))
    ]
    if soft != resource.RLIM_INFINITY:
        free.append(("processes (ulimit -u)", soft - running))
    for line in _text(proc / "self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for root in (sys / "fs/cgroup/pids", sys / "fs/cgroup"):
            group = root / path.lstrip("/")
            if controllers in {"", "pids"} and (most := _number(group / "pids.max")):
                free.append(("processes (control group)", most - _number(group / "pids.current")))
    return free


def _running(proc: Path) -> int:
    """Count all processes and threads: those of every user, which is more than the limit counts."""
    with suppress(IndexError, ValueError):
        return int(_text(proc / "loadavg").split()[3].partition("/")[2])
    return 0


def _meminfo(proc: Path, name: str) -> int:
    for line in _text(proc / "meminfo").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


def _number(path: Path) -> int:
    """Read a number; 0 where there is none, or no limit."""
    text = _text(path)
    return int(text) if text.isdigit() else 0


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(errors="replace").strip()
    return ""
