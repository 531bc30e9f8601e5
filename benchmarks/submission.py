"""What the submission layer costs for each piece of work: Parsl's threads, its pilots, and none."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.record import CONFIDENCE, Part, Row, of_interval
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.submission.executor import Executor
from evaluation.measure.submission.pool import LocalPilots, ThreadPool
from evaluation.measure.user import ourselves
from evaluation.statistics import median_interval, paired_ratio

__all__ = ["submission"]

TASKS = 50
"""Handed in at once and waited for together, in each block and by each way."""
BLOCKS = 20
WORKERS = 2
NOTHING = os.getpid
"""What is measured is how it gets there and back; a pilot has it, wherever it was started."""
PLAIN = "launching /bin/true, no layer"
THREADS = "Parsl, threads here (local)"
PILOTS = "Parsl, a pilot (as on nodes)"


def submission(_: Path, *, blocks: int = BLOCKS, tasks: int = TASKS) -> Part:
    """Hand in pieces of work that do nothing, by each way in random order, block by block.

    Beside them stands the least that a real piece of work does: start one program, from a loop.
    """
    order = random.Random(blocks)  # noqa: S311 - an order that anybody can repeat is the purpose
    with Launcher(ourselves()) as launcher, ThreadPool(WORKERS) as threads, LocalPilots(WORKERS) as pilot:
        ways: dict[str, Callable[[], None]] = {
            PLAIN: lambda: _launched(launcher, tasks),
            THREADS: lambda: _all(threads, tasks),
            PILOTS: lambda: _all(pilot, tasks),
        }
        began = time.monotonic()
        pilot.submit(NOTHING).result()
        first_s = time.monotonic() - began
        for way in ways.values():
            way()
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _block in range(blocks):
            for name in order.sample(list(ways), len(ways)):
                began = time.monotonic()
                ways[name]()
                taken[name].append((time.monotonic() - began) / tasks)
    return _part(taken, first_s)


def _launched(launcher: Launcher, tasks: int) -> None:
    true = Command(argv=("/bin/true",), env=launcher.user.env)
    for _ in range(tasks):
        launcher.run(true, timeout_s=60.0)


def _all(executor: Executor, tasks: int) -> None:
    for asked in [executor.submit(NOTHING) for _ in range(tasks)]:
        asked.result()


def _part(taken: dict[str, list[float]], first_s: float) -> Part:
    rows = [
        of_interval(f"{name}, per piece of work", median_interval(values, confidence=CONFIDENCE), "s")
        for name, values in taken.items()
    ]
    rows += [
        of_interval(
            f"{name} / {PLAIN}",
            paired_ratio(taken[name], taken[PLAIN], confidence=CONFIDENCE),
            "1",
            "of the least that a piece of work can do",
        )
        for name in (THREADS, PILOTS)
    ]
    rows.append(
        Row(name="the pilot's first answer", unit="s", estimate=first_s, remark="once, the queue not counted")
    )
    return Part(
        name="submission",
        title="What handing work to nodes costs",
        answer="A piece of work is a container started or a whole evaluation; the layer costs each this.",
        rows=tuple(rows),
        raw=taken,
    )
