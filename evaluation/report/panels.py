"""Small log-log panels with shared axes: one for each runtime, so that lines do not cross into each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from evaluation import units
from evaluation.report import svg

__all__ = ["Axes", "Curve", "axes_of", "panel"]

HEIGHT: Final = 150
_FOOT: Final = 34
_LEFT: Final = 14.0
_WIDTH: Final = 84.0
_MOST_TICKS: Final = 5

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line through points; ``css`` is a class of the style sheet (``fit``, ``calculated`` ...)."""

    css: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The range that all panels of a chapter share, and their ticks. ``unit`` is that of the upright axis."""

    left: float
    right: float
    bottom: float
    top: float
    across: tuple[float, ...]
    upright: tuple[float, ...]
    unit: str

    def x(self, value: float) -> float:
        """Place a value across, in percent of a panel's width."""
        return _LEFT + _WIDTH * _share(value, self.left, self.right)

    def y(self, value: float) -> float:
        """Place a value upright, in pixels from the top."""
        return HEIGHT * (1 - _share(value, self.bottom, self.top))


def axes_of(points: Sequence[Point], unit: str) -> Axes:
    """Take the smallest axes that hold all points: whole decades upright, what was tried across."""
    tried = sorted({x for x, _ in points})
    while len(tried) > _MOST_TICKS:
        tried = [*tried[:-1:2], tried[-1]] if len(tried) % 2 == 0 else tried[::2]
    lowest = math.floor(math.log10(min(y for _, y in points)))
    highest = max(lowest + 1, math.ceil(math.log10(max(y for _, y in points))))
    step = 1 + (highest - lowest) // _MOST_TICKS
    return Axes(
        left=tried[0],
        right=max(tried[-1], tried[0] * 2),
        bottom=10.0**lowest,
        top=10.0**highest,
        across=tuple(tried),
        upright=tuple(10.0**power for power in range(lowest, highest + 1, step)),
        unit=unit,
    )


def panel(
    name: str,
    title: str,
    axes: Axes,
    words: str,
    *,
    across: str,
    curves: Sequence[Curve] = (),
    dots: Sequence[Point] = (),
    ribbon: Sequence[tuple[float, float, float]] = (),
    marks: Sequence[tuple[str, float]] = (),
) -> Markup:
    """Draw one panel.

    Parameters
    ----------
    name : str
        Unique on the page.
    words : str
        What the panel shows, for whoever cannot see it.
    across : str
        What the horizontal axis counts.
    ribbon : sequence of (x, low, high)
        An interval round a curve.
    marks : sequence of (css, x)
        Upright lines.
    """
    grid = "".join(f"M{_at(axes, (axes.left, at))}H980" for at in axes.upright)
    grid += "".join(f"M{_at(axes, (at, axes.bottom))}V0" for at in axes.across)
    drawn: list[Markup] = []
    if ribbon:
        upper = [(x, high) for x, _, high in ribbon]
        lower = [(x, low) for x, low, _ in reversed(ribbon)]
        drawn.append(svg.path("ribbon", _path(axes, [*upper, *lower]) + "Z"))
    drawn += [svg.path(css, f"M{_at(axes, (x, axes.bottom))}V0") for css, x in marks if x <= axes.right]
    drawn += [svg.path(f"curve {curve.css}", _path(axes, curve.points)) for curve in curves if curve.points]
    if dots:
        drawn.append(svg.path("dots", "".join(f"M{_at(axes, point)}h0" for point in dots)))
    ticks = [
        svg.text(
            "tick end", _LEFT - 1.5, axes.y(at) + 4, units.quantity(at, axes.unit) if axes.unit else f"{at:g}"
        )
        for at in axes.upright
    ]
    ticks += [svg.text("tick middle", axes.x(at), HEIGHT + 15, f"{at:g}") for at in axes.across]
    ticks.append(svg.text("axis middle", _LEFT + _WIDTH / 2, HEIGHT + 31, across))
    around = svg.axes([svg.stretched(1000, HEIGHT, [svg.path("grid", grid)]), *ticks])
    return svg.figure(name, title, words, HEIGHT + _FOOT, [around, svg.stretched(1000, HEIGHT, drawn)])


def _path(axes: Axes, points: Sequence[Point]) -> str:
    return "M" + "L".join(_at(axes, point) for point in points)


def _at(axes: Axes, point: Point) -> str:
    return f"{round(axes.x(point[0]) * 10)} {round(axes.y(point[1]), 1):g}"


def _share(value: float, first: float, last: float) -> float:
    inside = min(max(value, first), last)
    return math.log(inside / first) / math.log(last / first)
