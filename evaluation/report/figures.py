"""The report's figures: scores, ratios to the bare host, values with their unit, raw samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from evaluation import units
from evaluation.model import Interval
from evaluation.report import svg

__all__ = ["RatioRow", "ScoreRow", "ValueRow", "ratio_plot", "score_plot", "value_plot"]

TICKS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """A runtime in a score plot; ``value`` is ``None`` where only the bounds are known."""

    label: str
    note: str
    tone: str
    low: float
    high: float
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioRow:
    """A runtime in a ratio plot; ``ratio`` is ``None`` where there is none, and ``note`` says why."""

    label: str
    note: str
    tone: str
    ratio: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRow:
    """A runtime in a plot of values; ``value`` is ``None`` where there is none, and ``note`` says why."""

    label: str
    note: str
    tone: str
    value: Interval | None


def score_plot(name: str, title: str, rows: Sequence[ScoreRow]) -> Markup:
    """Draw scores between 0 and 1 with the bounds that missing evidence and noise leave.

    ``name`` must be unique on the page; the parts of the figure take their ids from it.
    """

    def place(score: float) -> float:
        return svg.LEFT + svg.WIDTH * min(max(score, 0.0), 1.0)

    bottom = len(rows) * svg.ROW
    around = [svg.line("grid", place(at), place(at), 0, bottom) for at in (0, 0.25, 0.5, 0.75, 1)]
    around += [
        svg.tracks(len(rows)),
        svg.text("tick start", svg.LEFT - 1, bottom + 15, "0 worst"),
        svg.text("tick middle", place(0.5), bottom + 15, "0.5"),
        svg.text("tick end", svg.LEFT + svg.WIDTH + 1, bottom + 15, "best 1"),
        svg.text("axis middle", 50, bottom + 32, "score on the declared scales (no unit)"),
    ]
    parts = [svg.axes(around)]
    for index, row in enumerate(rows):
        y = index * svg.ROW + svg.TRACK
        parts += svg.heads(index, row.label, row.note)
        parts.append(svg.line(f"range {row.tone}", place(row.low), place(row.high), y, y))
        if row.value is not None:
            parts.append(svg.mark(row.tone, place(row.value), y))
    words = "; ".join(
        f"{row.label} {'' if row.value is None else units.share(row.value) + ', '}"
        f"from {units.share(row.low)} to {units.share(row.high)}, {row.note}"
        for row in rows
    )
    return svg.figure(name, title, words, bottom + svg.AXIS, parts)


def _span(rows: Sequence[RatioRow]) -> tuple[float, float]:
    """Find the smallest pair of ticks that holds every interval and the host's 1."""
    ends = [end for row in rows if row.ratio for end in (row.ratio.low, row.ratio.high) if end > 0]
    low, high = min([*ends, 0.9]), max([*ends, 1.1])
    return (
        max((tick for tick in TICKS if tick <= low), default=low),
        min((tick for tick in TICKS if tick >= high), default=high),
    )


def ratio_plot(name: str, title: str, rows: Sequence[RatioRow], *, margin: float) -> Markup:
    """Draw paired ratios to the bare host with their intervals on a logarithmic axis.

    ``margin`` is the declared indifference margin (relative), drawn as a band around 1.
    """
    first, last = _span(rows)

    def place(value: float) -> float:
        inside = min(max(value, first), last)
        return svg.LEFT + svg.WIDTH * math.log(inside / first) / math.log(last / first)

    bottom = len(rows) * svg.ROW
    around = [
        svg.fill(
            '<rect class="band" x="{x}" width="{width}" height="{bottom}"/>',
            x=svg.place(place(1 / (1 + margin))),
            width=svg.place(place(1 + margin) - place(1 / (1 + margin))),
            bottom=bottom,
        )
    ]
    ticks = [tick for tick in TICKS if first <= tick <= last]
    while len(ticks) > 6:  # more labels than a narrow screen has room for
        ticks = [tick for place_, tick in enumerate(ticks) if tick == 1 or place_ % 2 == 0]
    around += [
        svg.line("host" if tick == 1 else "grid", place(tick), place(tick), 0, bottom) for tick in ticks
    ]
    for tick in ticks:
        css = "start" if tick == ticks[0] else "end" if tick == ticks[-1] else "middle"
        around.append(svg.text(f"tick {css}", place(tick), bottom + 15, f"{tick:g}{units.TIMES}"))
    around.append(svg.text("axis middle", 50, bottom + 32, "times the bare host (no unit, logarithmic)"))
    parts = [svg.axes([*around, svg.tracks(len(rows))])]
    for index, row in enumerate(rows):
        y = index * svg.ROW + svg.TRACK
        parts += svg.heads(index, row.label, row.note)
        if row.ratio is not None:
            parts.append(svg.line(f"range {row.tone}", place(row.ratio.low), place(row.ratio.high), y, y))
            parts.append(svg.mark(row.tone, place(row.ratio.estimate), y))
    return svg.figure(name, title, "", bottom + svg.AXIS, parts)


def value_plot(name: str, title: str, rows: Sequence[ValueRow], *, unit: str, axis: str) -> Markup:
    """Draw values above zero with their intervals on a logarithmic axis in whole decades of their unit.

    ``axis`` says what is drawn; the unit stands at every tick.
    """
    ends = [end for row in rows if row.value for end in (row.value.low, row.value.high) if end > 0]
    first, last = math.floor(math.log10(min(ends))), math.ceil(math.log10(max(ends)))
    last = max(last, first + 1)

    def place(value: float) -> float:
        inside = min(max(math.log10(value), first), last) if value > 0 else first
        return svg.LEFT + svg.WIDTH * (inside - first) / (last - first)

    bottom = len(rows) * svg.ROW
    decades = range(first, last + 1, 1 + (last - first) // 6)
    around = [svg.line("grid", place(10**at), place(10**at), 0, bottom) for at in decades]
    for at in decades:
        css = "start" if at == first else "end" if at == last else "middle"
        label = units.quantity(10.0**at, unit)
        around.append(svg.text(f"tick {css}", place(10**at), bottom + 15, label))
    around.append(svg.text("axis middle", 50, bottom + 32, f"{axis} (logarithmic)"))
    parts = [svg.axes([*around, svg.tracks(len(rows))])]
    for index, row in enumerate(rows):
        y = index * svg.ROW + svg.TRACK
        parts += svg.heads(index, row.label, row.note)
        if row.value is not None:
            parts.append(svg.line(f"range {row.tone}", place(row.value.low), place(row.value.high), y, y))
            parts.append(svg.mark(row.tone, place(row.value.estimate), y))
    return svg.figure(name, title, "", bottom + svg.AXIS, parts)
