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

__all__ = [
    "AXIS",
    "LEFT",
    "ROW",
    "TRACK",
    "WIDTH",
    "axes",
    "figure",
    "fill",
    "heads",
    "line",
    "mark",
    "path",
    "place",
    "stretched",
    "text",
    "tracks",
]

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


def place(value: float) -> str:
    """Write a horizontal position to a tenth of a percent: less is less than a pixel."""
    return f"{round(value, 1):g}%"


def figure(name: str, title: str, description: str, height: int, parts: Sequence[Markup]) -> Markup:
    """Put parts together, with a name and with its numbers in words for whoever cannot see it.

    Where every row says its numbers already, the description is empty and the rows are read.
    """
    said = Markup("<desc>{}</desc>").format(visible(description)) if description else ""
    return fill(
        '<svg class="plot" id="{name}" role="{role}" height="{height}"><title>{title}</title>'
        "{said}{parts}</svg>",
        name=name,
        role="img" if description else "group",
        title=visible(title),
        said=said,
        height=height,
        parts=Markup("").join(parts),
    )


def axes(parts: Sequence[Markup]) -> Markup:
    """Put grid and ticks together: figures with the same ones have them once (`evaluation.report.lean`)."""
    return fill('<g class="axes">{parts}</g>', parts=Markup("").join(parts))


def line(css: str, x1: float, x2: float, y1: float, y2: float) -> Markup:
    """Draw a line; what begins at 0 need not say so."""
    ends = (("x1", x1 and place(x1)), ("x2", place(x2)), ("y1", y1 and f"{y1:g}"), ("y2", f"{y2:g}"))
    return fill(
        '<line class="{css}"{ends}/>',
        css=css,
        ends=Markup("").join(Markup(' {}="{}"').format(*end) for end in ends if end[1]),
    )


def text(css: str, x: float, y: float, words: str) -> Markup:
    """Write text at a point; its class says which end of it stands there."""
    across = Markup(' x="{}"').format(place(x)) if x else ""
    return fill(
        '<text class="{css}"{across} y="{y:g}">{words}</text>',
        css=css,
        across=across,
        y=y,
        words=visible(words),
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
        '<svg class="mark {tone}" x="{x}" y="{y:g}">{shape}</svg>',
        tone=tone,
        x=place(x),
        y=y,
        shape=Markup(shape),  # noqa: S704 - one of the literals above
    )


def heads(index: int, label: str, note: str) -> list[Markup]:
    """Begin a row: its label, and its note; its point will stand on the track below them."""
    top = index * ROW
    return [text("label", 0, top + 14, label), text("note", 100, top + 14, note)]


def stretched(width: int, height: int, paths: Sequence[Markup]) -> Markup:
    """Put paths into a box that is stretched to the figure's width; strokes are not."""
    return fill(
        '<svg width="100%" height="{height}" viewBox="0 0 {width} {height}" preserveAspectRatio="none">'
        "{paths}</svg>",
        width=width,
        height=height,
        paths=Markup("").join(paths),
    )


def path(css: str, course: str) -> Markup:
    """Draw a path; see `stretched`."""
    return fill('<path class="{css}" d="{course}"/>', css=css, course=course)


def tracks(rows: int) -> Markup:
    """Draw the tracks on which the points of so many rows stand."""
    course = "".join(f"M0 {index * ROW + TRACK}h1" for index in range(rows))
    return stretched(1, rows * ROW, [path("track", course)])
