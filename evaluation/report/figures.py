"""Figures as hand-written SVG that fits any width.

Horizontal positions are percentages and vertical ones pixels, so a figure is as wide as its column
while its text and strokes keep their size: one figure serves a phone, a screen and a sheet of paper.
Colours come from the style sheet by class; a shape always goes with a colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from evaluation import units
from evaluation.model import Interval
from evaluation.report.text import visible

__all__ = ["RatioRow", "ScoreRow", "ratio_plot", "sample_strip", "score_plot"]

LEFT: Final = 2.0
WIDTH: Final = 96.0
ROW: Final = 42
"""Height of a row in pixels: a line of text and a track below it."""
AXIS: Final = 38
"""Height of the axis in pixels: its ticks, their labels and its title."""
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


def _fill(template: str, **values: object) -> Markup:
    """Fill a piece of SVG; texts are escaped by `markupsafe`."""
    return Markup(template).format(**values)  # noqa: S704 - the templates are literals in this module


def _figure(name: str, title: str, description: str, height: int, parts: Sequence[Markup]) -> Markup:
    return _fill(
        '<svg class="plot" role="img" width="100%" height="{height}" aria-labelledby="{name}-t {name}-d">'
        '<title id="{name}-t">{title}</title><desc id="{name}-d">{description}</desc>{parts}</svg>',
        name=name,
        title=visible(title),
        description=visible(description),
        height=height,
        parts=Markup("").join(parts),
    )


def _line(css: str, x1: float, x2: float, y1: float, y2: float) -> Markup:
    return _fill(
        '<line class="{css}" x1="{x1:.2f}%" x2="{x2:.2f}%" y1="{y1:g}" y2="{y2:g}"/>',
        css=css,
        x1=x1,
        x2=x2,
        y1=y1,
        y2=y2,
    )


def _text(css: str, x: float, y: float, text: str) -> Markup:
    return _fill(
        '<text class="{css}" x="{x:.2f}%" y="{y:g}">{text}</text>', css=css, x=x, y=y, text=visible(text)
    )


def _mark(tone: str, x: float, y: float) -> Markup:
    """Draw a point in the shape of its tone, centred by a nested viewport that may overflow."""
    shapes = {
        "good": '<circle r="6.5"/>',
        "up": '<path d="M0-7.5 7 5.5H-7z"/>',
        "down": '<path d="M0 7.5 7-5.5H-7z"/>',
        "same": '<rect x="-5.5" y="-5.5" width="11" height="11"/>',
        "open": '<path d="M0-7 7 0 0 7-7 0z"/>',
        "cross": '<path d="M-5-5 5 5M5-5-5 5"/>',
        "dashed": '<circle r="6"/>',
        "hollow": '<circle r="6"/>',
    }
    shape = shapes.get(tone, '<circle r="5.5"/>')
    return _fill(
        '<svg class="mark {tone}" x="{x:.2f}%" y="{y:g}" overflow="visible">{shape}</svg>',
        tone=tone,
        x=x,
        y=y,
        shape=Markup(shape),  # noqa: S704 - one of the literals above
    )


def _heads(index: int, label: str, note: str) -> list[Markup]:
    baseline = index * ROW + 14
    return [_text("label", 0, baseline, label), _text("note", 100, baseline, note)]


def score_plot(name: str, title: str, rows: Sequence[ScoreRow]) -> Markup:
    """Draw scores between 0 and 1 with the bounds that missing evidence and noise leave.

    ``name`` must be unique on the page; the parts of the figure take their ids from it.
    """

    def place(score: float) -> float:
        return LEFT + WIDTH * min(max(score, 0.0), 1.0)

    bottom = len(rows) * ROW
    parts = [_line("grid", place(at), place(at), 0, bottom) for at in (0, 0.25, 0.5, 0.75, 1)]
    for index, row in enumerate(rows):
        y = index * ROW + 27
        parts += _heads(index, row.label, row.note)
        parts.append(_line(f"range {row.tone}", place(row.low), place(row.high), y, y))
        if row.value is not None:
            parts.append(_mark(row.tone, place(row.value), y))
    parts += [
        _text("tick start", LEFT - 1, bottom + 15, "0 worst"),
        _text("tick middle", place(0.5), bottom + 15, "0.5"),
        _text("tick end", LEFT + WIDTH + 1, bottom + 15, "best 1"),
        _text("axis middle", 50, bottom + 32, "score on the declared scales (no unit)"),
    ]
    words = "; ".join(
        f"{row.label} {'' if row.value is None else units.share(row.value) + ', '}"
        f"from {units.share(row.low)} to {units.share(row.high)}, {row.note}"
        for row in rows
    )
    return _figure(name, title, words, bottom + AXIS, parts)


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
        return LEFT + WIDTH * math.log(inside / first) / math.log(last / first)

    bottom = len(rows) * ROW
    parts = [
        _fill(
            '<rect class="band" x="{x:.2f}%" width="{width:.2f}%" y="0" height="{bottom}"/>',
            x=place(1 / (1 + margin)),
            width=place(1 + margin) - place(1 / (1 + margin)),
            bottom=bottom,
        )
    ]
    ticks = [tick for tick in TICKS if first <= tick <= last]
    while len(ticks) > 6:  # more labels than a narrow screen has room for
        ticks = [tick for place_, tick in enumerate(ticks) if tick == 1 or place_ % 2 == 0]
    parts += [_line("host" if tick == 1 else "grid", place(tick), place(tick), 0, bottom) for tick in ticks]
    for index, row in enumerate(rows):
        y = index * ROW + 27
        parts += _heads(index, row.label, row.note)
        if row.ratio is not None:
            parts.append(_line(f"range {row.tone}", place(row.ratio.low), place(row.ratio.high), y, y))
            parts.append(_mark(row.tone, place(row.ratio.estimate), y))
    for tick in ticks:
        css = "start" if tick == ticks[0] else "end" if tick == ticks[-1] else "middle"
        parts.append(_text(f"tick {css}", place(tick), bottom + 15, f"{tick:g}{units.TIMES}"))
    parts.append(_text("axis middle", 50, bottom + 32, "times the bare host (no unit, logarithmic)"))
    words = "; ".join(f"{row.label} {row.note}" for row in rows)
    return _figure(name, title, words, bottom + AXIS, parts)


def sample_strip(name: str, title: str, own: Sequence[float], control: Sequence[float]) -> Markup:
    """Draw every raw sample as a dot: the runtime above, the bare host below, on one shared axis."""
    every = [*own, *control]
    low, high = min(every), max(every)
    width = high - low or 1.0

    def dots(samples: Sequence[float], y: int) -> str:
        return "".join(f"M{round(10 + 980 * (value - low) / width)} {y}h0" for value in samples)

    return _fill(
        '<svg class="strip" role="img" width="100%" height="34" viewBox="0 0 1000 34"'
        ' preserveAspectRatio="none" aria-labelledby="{name}-t"><title id="{name}-t">{title}</title>'
        '<path class="own" d="{own}"/><path class="control" d="{control}"/></svg>',
        name=name,
        title=visible(title),
        own=dots(own, 9),
        control=dots(control, 25),
    )
