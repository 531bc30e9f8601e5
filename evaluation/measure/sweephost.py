"""What a sweep asks of the host between its levels, and removes of sweeps that were killed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from evaluation.marks import abandoned
from evaluation.measure.crowd import Crowd
from evaluation.measure.launcher import Command
from evaluation.model import Task
from evaluation.probes.controlgroups import cpu_of_processes_s
from evaluation.runtimes.base import Runtime

__all__ = ["NAMES", "drop_caches", "engine_cpu_s", "remove_abandoned"]

NAMES: Final = "container-evaluation-sweep-"
"""How the names of a sweep's containers begin; after it comes the mark of the process that started them."""

_DROP: Final = Path("/proc/sys/vm/drop_caches")


def drop_caches() -> str:
    """Have the kernel forget what it holds of files; why it could not, or nothing where it could."""
    if os.getuid() != 0:
        return "only root can empty the page cache: the image was still in memory"
    os.sync()
    try:
        _DROP.write_text("3\n")
    except OSError as error:
        return f"the page cache could not be emptied ({error.strerror}): the image was still in memory"
    return ""


def engine_cpu_s(names: Sequence[str]) -> float | None:
    """CPU time that an engine's daemons used so far; 0 without any, ``None`` where they cannot be seen."""
    return cpu_of_processes_s(names) if names else 0.0


def remove_abandoned(crowd: Crowd, runtime: Runtime) -> tuple[str, ...]:
    """Remove the containers of sweeps that were killed with everything below them; name them."""
    listing = runtime.listing()
    if not listing:
        return ()
    said = crowd.run(Command(argv=listing, env=crowd.user.env), timeout_s=30.0).stdout.decode(
        errors="replace"
    )
    removed = []
    for name in said.split():
        if name.startswith(NAMES) and abandoned(name.removeprefix(NAMES).partition("-")[0]):
            for argv in runtime.cleanup(Task(image="", argv=(), name=name)):
                crowd.run(Command(argv=argv, env=crowd.user.env), timeout_s=60.0)
            removed.append(name)
    return tuple(removed)
