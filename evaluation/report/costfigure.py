"""The figure of the chapter on costs: start-up's share of a job against the job's length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from evaluation import units
from evaluation.decide.costing import Reckoned
from evaluation.report import svg

__all__ = ["share_plot"]

_LENGTHS: Final = (10.0, 60.0, 600.0, 3600.0, 28800.0)
_SHARES: Final = (1.0, 0.1, 0.01, 0.001, 0.0001)
_DECADE: Final = 60
"""Height of a tenfold share in pixels."""
_NAME: Final = 14.0
"""Width of a name, in per cent of the figure."""


def share_plot(name: str, title: str, rows: Sequence[Reckoned], limit: float) -> Markup:
    """Draw the most that start-up may take of a job, for each runtime, both axes logarithmic.

    Fixed seconds over the job's length is a straight line there; ``limit`` is the declared share.
    """

    def across(length_s: float) -> float:
        return 12 + 86 * math.log(length_s / _LENGTHS[0]) / math.log(_LENGTHS[-1] / _LENGTHS[0])

    def down(share: float) -> float:
        inside = min(max(share, _SHARES[-1]), _SHARES[0])
        return 8 - math.log10(inside) * _DECADE

    bottom = down(_SHARES[-1])
    parts = [svg.line("grid", across(at), across(at), down(1), bottom) for at in _LENGTHS]
    for share in _SHARES:
        parts.append(svg.line("grid", 12, 98, down(share), down(share)))
        parts.append(svg.text("tick end", 11, down(share) + 4, f"{100 * share:g} %"))
    parts.append(svg.line("host", 12, 98, down(limit), down(limit)))
    taken: list[float] = []
    for place, row in enumerate(rows):
        worst = row.fixed_s.high
        if worst <= 0:
            continue
        # From where the line comes into the picture to where it leaves it.
        first = min(max(_LENGTHS[0], worst / _SHARES[0]), _LENGTHS[-1])
        last = max(min(_LENGTHS[-1], worst / _SHARES[-1]), first)
        css = f"slope slope-{place % 6}"
        parts.append(svg.line(css, across(first), across(last), down(worst / first), down(worst / last)))
        # Its name above its end, where a falling line leaves room; further left where one is there already.
        at = across(last) - _NAME
        while any(abs(at - other) < _NAME for other in taken):
            at -= _NAME
        taken.append(at)
        length = _LENGTHS[0] * (_LENGTHS[-1] / _LENGTHS[0]) ** ((at - 12) / 86)
        parts.append(svg.text("label", at, down(worst / length) - 5, row.runtime))
    for at in _LENGTHS:
        css = "start" if at == _LENGTHS[0] else "end" if at == _LENGTHS[-1] else "middle"
        parts.append(svg.text(f"tick {css}", across(at), bottom + 15, units.lasting(at)))
    parts.append(svg.text("axis middle", 50, bottom + 32, "length of a job (logarithmic)"))
    words = "; ".join(
        f"{row.runtime} "
        + ", ".join(
            f"{units.percent(min(1.0, row.share(at).high))} of {units.lasting(at)}" for at in _LENGTHS
        )
        for row in rows
    )
    return svg.figure(name, title, words, math.ceil(bottom) + svg.AXIS, parts)
