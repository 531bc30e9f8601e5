"""What a sweep says, in sentences that somebody who runs a batch farm can act on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from evaluation import units
from evaluation.decide.scalability import Fit
from evaluation.decide.sweeps import BURST, COLD_BURST, Sweep

__all__ = ["advice", "broken", "bursts", "knee", "left_behind", "verdict"]

ENOUGH: Final = 0.95
"""As in scaling.yaml, where that is not read."""


def verdict(sweep: Sweep, probe: str, runtime: str, *, share: float = ENOUGH) -> Iterator[str]:
    """Say how many at once are enough, where throughput peaks, and what broke."""
    yield advice(sweep, probe, runtime, share)
    yield knee(sweep.fitted(probe, runtime))
    yield broken(sweep, probe, runtime)


def advice(sweep: Sweep, probe: str, runtime: str, share: float) -> str:
    """Say how many at once to allow on a node like this."""
    cells = sweep.cells(probe, runtime)
    enough = sweep.enough(probe, runtime, share)
    if enough is None:
        return "Every container failed: nothing can be said."
    said = (
        f"{enough.width} at once are enough: {units.decimal(enough.throughput)} per second, "
        f"at least {units.percent(share)} of the most."
    )
    widest = cells[-1]
    if widest.width == enough.width:
        return f"{said} More were not tried."
    before, after = enough.wait_s(0.5), widest.wait_s(0.5)
    if before is None or after is None:
        return f"{said} More at once only wait."
    return (
        f"{said} With {widest.width} at once half of them take {units.quantity(after, 's')} "
        f"in place of {units.quantity(before, 's')}."
    )


def knee(found: Fit | None) -> str:
    """Say where throughput peaks by the fitted law, never beyond what was measured."""
    if found is None:
        return "Too few widths were measured for a scalability law."
    limits = f"95 % interval {_number(found.low, found.widest)} to {_number(found.high, found.widest)}"
    if not found.reached:
        return f"Throughput does not peak up to {found.widest} at once ({limits})."
    unsure = "" if found.sure else ", whose end was not measured"
    return f"Throughput peaks with about {found.law.knee:.0f} at once ({limits}{unsure})."


def _number(value: float, widest: int) -> str:
    return f"more than {widest}" if math.isinf(value) or value > widest else f"{value:.0f}"


def broken(sweep: Sweep, probe: str, runtime: str) -> str:
    """Answer how many at once it takes until something breaks, or up to how many nothing did."""
    failed, launched = sweep.failed(probe, runtime), sweep.launched(probe, runtime)
    left = sweep.left(probe, runtime)
    cells = sweep.cells(probe, runtime)
    ended = sweep.stopped(probe, runtime)
    if ended:
        said = f"Stopped at {ended[0]}: {ended[1]}."
    elif cells:
        said = f"Nothing broke with up to {cells[-1].width} at once."
    else:
        said = "No level was taken."
    causes = "; ".join(f"{count} × {cause}" for cause, count in failed.most_common(3))  # noqa: RUF001 - times
    said += f" {failed.total()} of {launched} failed" + (f": {causes}." if causes else ".")
    return said + (f" Left behind: {', '.join(left[:3])}." if left else " Nothing was left behind.")


def left_behind(sweep: Sweep) -> str:
    """Say what was on the machine after the sweep that was not there before."""
    if sweep.residue is None:
        return "The sweep was interrupted: nobody looked at what it left on the machine."
    if not sweep.residue:
        return "After the sweep nothing was on the machine that was not there before."
    named = "; ".join(sweep.residue[:3])
    more = f" and {len(sweep.residue) - 3} more" if len(sweep.residue) > 3 else ""
    return f"Appeared during the sweep and still there after it, perhaps others': {named}{more}."


def bursts(sweep: Sweep, probe: str, runtime: str) -> dict[str, float]:
    """Seconds until all of a burst had ended, the image in memory and not; the median of the repeats."""
    found = {}
    for kind in (BURST, COLD_BURST):
        if cells := sweep.cells(probe, runtime, kind):
            spans = sorted(each.span_s for each in cells[-1].taken)
            found[kind] = spans[len(spans) // 2]
    return found
