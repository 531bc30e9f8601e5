"""What a report costs: from results on disk to a written page, as a command and with all that it starts."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.record import CONFIDENCE, Part, of_interval
from evaluation.statistics import median_interval

__all__ = ["reporting"]

RUNS = 6
ROOT = Path(__file__).parents[1]


def reporting(scratch: Path, *, runs: int = RUNS) -> Part:
    """Write the report of the reference run again and again, after once that warms up the disk's cache.

    Computing is that of the command with all that it starts: the notebook's kernel is one of them.
    """
    (reference,) = (ROOT / "results" / "reference").glob("*-quick")
    shutil.copytree(reference, scratch / "results" / "reference" / reference.name)
    page = scratch / "report.html"
    command = (
        sys.executable, "-m", "evaluation", "report", "--run", "reference",
        "--results", str(scratch / "results"), "--output", str(page),
    )  # fmt: skip
    wall, computing = [], []
    for number in range(runs + 1):
        began, before = time.monotonic(), _computed()
        subprocess.run(  # noqa: S603 - our own command
            command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True
        )
        if number:
            wall.append(time.monotonic() - began)
            computing.append(_computed() - before)
    size = page.stat().st_size
    return Part(
        name="reporting",
        title="What a report costs",
        answer=f"From the results of one site to a page of {size / 1000:.0f} kB; nothing is measured.",
        rows=(
            of_interval("computing", median_interval(computing, confidence=CONFIDENCE), "s", f"{runs} runs"),
            of_interval("start to end", median_interval(wall, confidence=CONFIDENCE), "s", f"{runs} runs"),
        ),
        raw={"computing": computing, "start to end": wall},
    )


def _computed() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
