"""Run the benchmarks: ``python -m benchmarks [NAME ...] [--keep FOLDER]``."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.blocking import blocking
from benchmarks.deciding import deciding
from benchmarks.growth import growth
from benchmarks.launching import launching
from benchmarks.notebook import notebook
from benchmarks.page import PAGE, RESULTS, write
from benchmarks.record import Part, busyness, save, table
from benchmarks.redraw import redraw
from benchmarks.reporting import reporting
from benchmarks.submission import submission
from benchmarks.sweeping import sweeping
from evaluation.errors import EvaluationError
from evaluation.measure.host import host_facts

BENCHMARKS: dict[str, Callable[[Path], Part]] = {
    "launching": launching,
    "sweeping": sweeping,
    "blocking": blocking,
    "notebook": notebook,
    "growth": growth,
    "redraw": redraw,
    "deciding": deciding,
    "reporting": reporting,
    "submission": submission,
}


def main() -> int:
    """Run, print and keep; an error is one line for people."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--keep", type=Path, default=Path("build/benchmarks"), metavar="FOLDER")
    parser.add_argument(
        "--page", action="store_true", help=f"put the figures in {RESULTS.name} into the page"
    )
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    if options.page:
        write(PAGE, RESULTS)
        return 0
    for name in options.names or BENCHMARKS:
        try:
            part = measured(BENCHMARKS[name])
        except EvaluationError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        print(f"\n{part.title}\n{'=' * len(part.title)}\n{table(part)}", flush=True)
        save(part, options.keep)
    print(f"\nRaw figures: {options.keep}/")
    return 0


def measured(benchmark: Callable[[Path], Part]) -> Part:
    """Run one, and note the machine and how busy it was meanwhile."""
    before, began = busyness(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        part = benchmark(Path(scratch))
    host = host_facts()
    machine = f"{host.cores} cores, {host.cpu}, {host.virtualisation}, Linux {host.kernel}"
    machine += f", Python {platform.python_version()}"
    return replace(part, machine=machine, load=(before, busyness()), took_s=time.monotonic() - began)


if __name__ == "__main__":
    raise SystemExit(main())
