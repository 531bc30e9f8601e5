"""What a sweep across nodes found: each runtime at each width, on one node and spread over all of them."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from evaluation import units
from evaluation.decide.sweeps import CLIMB, Sweep, Taken, quantile

__all__ = ["Spread", "spread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One runtime at one width on so many nodes, the climb left out where there is anything else."""

    probe: str
    runtime: str
    width: int
    on: str
    throughput: float
    wait_s: float | None
    start_s: float | None
    failed: Counter[str]
    launched: int
    handed_over_s: float
    clocks: str


def spread(sweep: Sweep) -> Iterator[Spread]:
    """Give them by runtime, width and number of nodes; of repeats the median rate, of containers all."""
    found: dict[tuple[str, int, int, int], list[Taken]] = defaultdict(list)
    for level in sweep.levels:
        if level.launched and level.nodes:
            place = sweep.runtimes.index(level.runtime)
            found[level.probe, place, level.width, len(level.nodes)].append(level)
    for (probe, place, width, shares), levels in sorted(found.items()):
        taken = [level for level in levels if level.kind != CLIMB] or levels
        nodes = [node for level in taken for node in level.nodes]
        names = max(len({node.name for node in level.nodes}) for level in taken)
        jobs = units.count(shares, "job")
        yield Spread(
            probe=probe,
            runtime=sweep.runtimes[place],
            width=width,
            on=units.count(names, "node") + (f", {jobs}" if names != shares else ""),
            throughput=statistics.median(level.throughput for level in taken),
            wait_s=quantile([wait for level in taken for wait in level.waits], 0.5),
            start_s=quantile([start for level in taken for start in level.starts], 0.5),
            failed=sum((level.failed for level in taken), Counter()),
            launched=sum(level.launched for level in taken),
            handed_over_s=statistics.median(node.handed_over_s for node in nodes),
            clocks=_clocks(max(node.bound_s for node in nodes)),
        )


def _clocks(bound_s: float) -> str:
    return f"within {units.quantity(bound_s, 's')}" if bound_s else "one"
