"""What a sweep asks of the host between its levels, and removes of sweeps that were killed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from evaluation.marks import abandoned
from evaluation.measure.crowd import Crowd
from evaluation.measure.launcher import Command
from evaluation.measure.launcher_main import stat_of
from evaluation.model import Task
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


def engine_cpu_s(names: Sequence[str]) -> float:
    """CPU time that an engine's daemons, and their children that have ended, used so far."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*") if names else ():
        name, fields = stat_of(int(path.name))
        if name in names:
            with suppress(IndexError, ValueError):
                ticks += sum(map(int, fields[11:15]))  # proc_pid_stat(5): utime, stime, cutime, cstime
    return ticks / os.sysconf("SC_CLK_TCK")


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
