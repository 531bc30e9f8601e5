"""Figures of what weights do: what a score is made of, and how a lead moves with each weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from evaluation import units
from evaluation.report import svg

__all__ = ["Stack", "Swing", "stack_plot", "swing_plot"]

_BAR = 14
"""Height of a bar in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A runtime's score in parts, by group; ``open`` is how much missing evidence could add."""

    label: str
    parts: Mapping[str, float]
    open: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Swing:
    """The lead at the least and at the greatest plausible weight of one criterion."""

    label: str
    low: float
    high: float


def stack_plot(name: str, title: str, rows: Sequence[Stack], groups: Sequence[str]) -> Markup:
    """Draw each score as a bar of its parts; the whole width is a score of 1.

    Groups are told apart by shade and by their order; the numbers stand in the table beside the figure.
    """
    parts = [svg.tracks(len(rows))]
    for index, row in enumerate(rows):
        total = sum(row.parts.values())
        open_ = f" (up to {units.share(total + row.open)})" if row.open > 0 else ""
        parts += svg.heads(index, row.label, f"{units.share(total)}{open_}")
        at = 0.0
        for place, group in enumerate(groups):
            at = _bar(parts, index, at, row.parts.get(group, 0.0), f"part{place}")
        _bar(parts, index, at, row.open, "missing")
    bottom = len(rows) * svg.ROW
    parts += [
        svg.text("tick start", svg.LEFT - 1, bottom + 15, "0"),
        svg.text("tick end", svg.LEFT + svg.WIDTH + 1, bottom + 15, "1"),
        svg.text("axis middle", 50, bottom + 32, f"score: {', then '.join(groups)} (no unit)"),
    ]
    words = "; ".join(
        f"{row.label}: " + ", ".join(f"{group} {units.share(row.parts.get(group, 0.0))}" for group in groups)
        for row in rows
    )
    return svg.figure(name, title, words, bottom + svg.AXIS, parts)


def _bar(parts: list[Markup], index: int, start: float, width: float, css: str) -> float:
    if width > 0:
        parts.append(
            svg.fill(
                '<rect class="{css}" x="{x}" width="{width}" y="{y}" height="{height}"/>',
                css=css,
                x=svg.place(svg.LEFT + svg.WIDTH * start),
                width=svg.place(svg.WIDTH * width),
                y=index * svg.ROW + svg.TRACK - _BAR // 2,
                height=_BAR,
            )
        )
    return start + width


def swing_plot(name: str, title: str, rows: Sequence[Swing]) -> Markup:
    """Draw, widest first, how the lead moves as one weight goes from its least to its greatest.

    A tornado diagram; 0 is where another draws level.
    """
    ordered = sorted(rows, key=lambda row: (-abs(row.high - row.low), row.label))[:8]
    ends = [end for row in ordered for end in (row.low, row.high)]
    first, last = min([*ends, 0.0]), max([*ends, 0.0])
    span = (last - first) or 1.0

    def place(value: float) -> float:
        return svg.LEFT + svg.WIDTH * (value - first) / span

    bottom = len(ordered) * svg.ROW
    parts = [svg.line("host", place(0), place(0), 0, bottom), svg.tracks(len(ordered))]
    for index, row in enumerate(ordered):
        y = index * svg.ROW + svg.TRACK
        parts += svg.heads(index, row.label, f"{_signed(row.low)} to {_signed(row.high)}")
        tone = "down" if min(row.low, row.high) < 0 else "up"
        parts.append(svg.line(f"range {tone}", place(row.low), place(row.high), y, y))
        parts.append(svg.mark(tone, place(row.high), y))
    for value, css in ((first, "start"), (last, "end")):
        parts.append(svg.text(f"tick {css}", place(value), bottom + 15, _signed(value)))
    parts.append(
        svg.text("axis middle", 50, bottom + 32, "lead (no unit); the point is at the greatest weight")
    )
    words = "; ".join(f"{row.label} from {_signed(row.low)} to {_signed(row.high)}" for row in ordered)
    return svg.figure(name, title, words, bottom + svg.AXIS, parts)


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")
