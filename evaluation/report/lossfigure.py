"""The figure of time lost: each runtime's parts as one bar, and the interval of their sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from evaluation.model import Loss
from evaluation.report import svg
from evaluation.report.losswords import lost, signed

__all__ = ["GROUPS", "grouped", "loss_plot"]

GROUPS: Final = ("starting", "files and imports", "system calls", "computing, and what is unexplained")
"""Parts that stand together in the bar, by shade."""

_GROUP_OF: Final = {"starts": 0, "imports": 1, "files_read": 1, "files_opened": 1, "system_calls": 2}
_BAR: Final = 14
"""Height of a bar in pixels."""


def grouped(loss: Loss) -> dict[str, float]:
    """Sum up the known seconds of the parts that stand together."""
    sums = dict.fromkeys(GROUPS, 0.0)
    for part in loss.parts:
        sums[GROUPS[_GROUP_OF.get(part.name, len(GROUPS) - 1)]] += part.seconds or 0.0
    return sums


def loss_plot(name: str, title: str, rows: Sequence[Loss]) -> Markup:
    """Draw what each runtime loses of a unit, in seconds: time won goes to the left of the bare host's 0.

    ``name`` must be unique on the page.
    """
    ends = [0.0]
    for row in rows:
        parts = grouped(row).values()
        ends += [row.low, row.high, sum(p for p in parts if p < 0), sum(p for p in parts if p > 0)]
    first, last = min(ends), max(ends)
    span = (last - first) or 1.0

    def place(seconds: float) -> float:
        return svg.LEFT + svg.WIDTH * (seconds - first) / span

    bottom = len(rows) * svg.ROW
    drawn = [svg.line("host", place(0), place(0), 0, bottom), svg.tracks(len(rows))]
    for index, row in enumerate(rows):
        y = index * svg.ROW + svg.TRACK
        drawn += svg.heads(index, row.runtime, lost(row))
        left = right = 0.0
        for shade, seconds in enumerate(grouped(row).values()):
            start, left, right = (
                (right, left, right + seconds) if seconds > 0 else (left + seconds, left + seconds, right)
            )
            if seconds:
                drawn.append(_bar(shade, place(start), svg.WIDTH * abs(seconds) / span, y))
        drawn.append(svg.line("range plain", place(row.low), place(row.high), y, y))
        if row.seconds is not None:
            drawn.append(svg.mark("plain", place(row.seconds), y))
    for seconds, css in ((first, "start"), (last, "end")):
        drawn.append(svg.text(f"tick {css}", place(seconds), bottom + 15, signed(seconds)))
    drawn.append(
        svg.text("axis middle", 50, bottom + 32, f"seconds beside the bare host: {', then '.join(GROUPS)}")
    )
    words = "; ".join(f"{row.runtime} {lost(row)}" for row in rows)
    return svg.figure(name, title, words, bottom + svg.AXIS, drawn)


def _bar(shade: int, x: float, width: float, y: int) -> Markup:
    return svg.fill(
        '<rect class="{css}" x="{x}" width="{width}" y="{y}" height="{height}"/>',
        css=f"part{shade}",
        x=svg.place(x),
        width=svg.place(width),
        y=y - _BAR // 2,
        height=_BAR,
    )
