"""Pieces of hand-written SVG that fits any width.

Horizontal positions are percentages and vertical ones pixels, so a figure is as wide as its column
while its text and strokes keep their size: one figure serves a phone, a screen and a sheet of paper.
Colours come from the style sheet by class; a shape always goes with a colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from evaluation.report.text import visible

__all__ = ["AXIS", "LEFT", "ROW", "TRACK", "WIDTH", "figure", "fill", "heads", "line", "mark", "text"]

LEFT: Final = 2.0
WIDTH: Final = 96.0
ROW: Final = 42
"""Height of a row in pixels: a line of text and a track below it."""
TRACK: Final = 27
"""From the top of a row to its track, in pixels."""
AXIS: Final = 38
"""Height of the axis in pixels: its ticks, their labels and its title."""


def fill(template: str, **values: object) -> Markup:
    """Fill a piece of SVG; texts are escaped by `markupsafe`."""
    return Markup(template).format(**values)  # noqa: S704 - the templates are literals in this module


def figure(name: str, title: str, description: str, height: int, parts: Sequence[Markup]) -> Markup:
    """Put parts together, with a name and with its numbers in words for whoever cannot see it."""
    return fill(
        '<svg class="plot" role="img" width="100%" height="{height}" aria-labelledby="{name}-t {name}-d">'
        '<title id="{name}-t">{title}</title><desc id="{name}-d">{description}</desc>{parts}</svg>',
        name=name,
        title=visible(title),
        description=visible(description),
        height=height,
        parts=Markup("").join(parts),
    )


def line(css: str, x1: float, x2: float, y1: float, y2: float) -> Markup:
    """Draw a line."""
    return fill(
        '<line class="{css}" x1="{x1:.2f}%" x2="{x2:.2f}%" y1="{y1:g}" y2="{y2:g}"/>',
        css=css,
        x1=x1,
        x2=x2,
        y1=y1,
        y2=y2,
    )


def text(css: str, x: float, y: float, words: str) -> Markup:
    """Write text at a point; its class says which end of it stands there."""
    return fill(
        '<text class="{css}" x="{x:.2f}%" y="{y:g}">{words}</text>', css=css, x=x, y=y, words=visible(words)
    )


def mark(tone: str, x: float, y: float) -> Markup:
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
    return fill(
        '<svg class="mark {tone}" x="{x:.2f}%" y="{y:g}" overflow="visible">{shape}</svg>',
        tone=tone,
        x=x,
        y=y,
        shape=Markup(shape),  # noqa: S704 - one of the literals above
    )


def heads(index: int, label: str, note: str) -> list[Markup]:
    """Begin a row: its label, its note, and the track below them that its point will stand on."""
    top = index * ROW
    return [
        line("track", 0, 100, top + TRACK, top + TRACK),
        text("label", 0, top + 14, label),
        text("note", 100, top + 14, note),
    ]
