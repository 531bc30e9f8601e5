"""What randomised paired blocks are worth at equal budget, under this machine's real noise.

One command is held against itself, so the truth is known: the ratio is 1. Again and again, both ways
get the same number of launches, and what counts is how often the interval they give covers the truth, and
how wide it is.
"""

from __future__ import annotations

import math
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.record import CONFIDENCE, Part, Row
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.user import ourselves
from evaluation.model import Interval
from evaluation.statistics import paired_ratio

__all__ = ["blocking", "sequential_ratio", "share_interval"]

EXPERIMENTS = 60
LAUNCHES = 16
"""Of either arm, in each experiment and by each way."""

Z: Final = statistics.NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
COMMAND: Final = (sys.executable, "-I", "-S", "-c", "pass")
"""Some ten milliseconds of reading files, mapping memory and computing."""


def blocking(_scratch: Path, *, experiments: int = EXPERIMENTS) -> Part:
    """Measure a command against itself both ways, experiment after experiment.

    ``blocks`` takes both arms in random order in each block and gives the interval of the median paired
    ratio. ``sequential`` takes all of one arm and then all of the other, as hyperfine does with two
    commands, and gives the interval of the ratio of means from their standard errors.
    """
    order = random.Random(experiments)  # noqa: S311 - an order that anybody can repeat is the purpose
    env = {"PATH": "/usr/bin:/bin"}
    command = Command(argv=COMMAND, env=env)
    found: dict[str, list[Interval]] = {"blocks": [], "sequential": []}
    with Launcher(replace(ourselves(), env=env)) as launcher:

        def one() -> float:
            return launcher.run(command, timeout_s=60.0).evidence.duration_s

        for _ in range(experiments):
            for way in order.sample(("blocks", "sequential"), 2):
                if way == "blocks":
                    first, second = _in_blocks(one, order)
                    ratio = paired_ratio(second, first, confidence=CONFIDENCE)
                else:
                    first, second = ([one() for _ in range(LAUNCHES)] for _ in range(2))
                    ratio = sequential_ratio(first, second)
                found[way].append(_given(ratio))
    return _part(found)


def _given(ratio: Interval | None) -> Interval:
    if ratio is None:  # pragma: no cover - there are always enough launches
        raise AssertionError
    return ratio


def _in_blocks(one: Callable[[], float], order: random.Random) -> tuple[list[float], list[float]]:
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(LAUNCHES):
        for arm in order.sample((0, 1), 2):
            taken[arm].append(one())
    return taken


def sequential_ratio(first: Sequence[float], second: Sequence[float]) -> Interval:
    """Ratio of the means with the interval of their standard errors (delta method on the logarithm)."""
    means = statistics.fmean(first), statistics.fmean(second)
    relative = [
        statistics.variance(arm) / len(arm) / mean**2
        for arm, mean in zip((first, second), means, strict=True)
    ]
    reach = math.exp(Z * math.sqrt(sum(relative)))
    ratio = means[1] / means[0]
    return Interval(estimate=ratio, low=ratio / reach, high=ratio * reach)


def share_interval(hits: int, trials: int) -> tuple[float, float]:
    """Interval of a proportion (E. B. Wilson, Journal of the American Statistical Association 22, 1927)."""
    share, weight = hits / trials, Z**2 / trials
    middle = (share + weight / 2) / (1 + weight)
    reach = Z * math.sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _part(found: dict[str, list[Interval]]) -> Part:
    rows: list[Row] = []
    widths: dict[str, list[float]] = {}
    for way, intervals in found.items():
        hits = sum(interval.low <= 1 <= interval.high for interval in intervals)
        low, high = share_interval(hits, len(intervals))
        rows.append(
            Row(
                name=f"{way}: intervals that hold the truth",
                unit="%",
                estimate=100 * hits / len(intervals),
                low=100 * low,
                high=100 * high,
                remark=f"{hits} of {len(intervals)}; 95 % is what they claim",
            )
        )
        widths[way] = [math.sqrt(interval.high / interval.low) - 1 for interval in intervals]
    for way, taken in widths.items():
        quarter, middle, three = statistics.quantiles(taken, n=4)
        rows.append(
            Row(
                name=f"{way}: half-width of the interval",
                unit="%",
                estimate=100 * middle,
                low=100 * quarter,
                high=100 * three,
                remark=f"median and quartiles; {LAUNCHES} launches of either arm",
            )
        )
    for way, intervals in found.items():
        errors = [abs(math.log(interval.estimate)) for interval in intervals]
        rows.append(
            Row(
                name=f"{way}: how far the estimate is off",
                unit="%",
                estimate=100 * math.expm1(statistics.median(errors)),
                remark=f"median; at worst {100 * math.expm1(max(errors)):.0f} %",
            )
        )
    held = {row.name: row.estimate for row in rows}
    return Part(
        name="blocking",
        title="Blocks against one after the other",
        answer=(
            f"A command against itself: intervals from randomised blocks hold the truth in "
            f"{held['blocks: intervals that hold the truth']:.0f} % of experiments, those from one arm after "
            f"the other in {held['sequential: intervals that hold the truth']:.0f} %."
        ),
        rows=tuple(rows),
        raw={
            f"{way} {end}": [getattr(interval, end) for interval in intervals]
            for way, intervals in found.items()
            for end in ("estimate", "low", "high")
        },
    )
