"""How far an answer holds: gathers for one use case what `sensitivity` and the second opinions say."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.decide.chances import Simulation
from evaluation.decide.criteria import Method
from evaluation.decide.promethee import criterion_flows, net_flows
from evaluation.decide.sensitivity import (
    acceptability,
    central_weights,
    lead,
    leaders_without,
    smallest_flip,
    stability_interval,
)
from evaluation.decide.topsis import closeness
from evaluation.model import Robustness, Score, Stability

__all__ = ["robustness"]

Floats = NDArray[np.float64]


def robustness(
    order: Sequence[str],
    weights: Mapping[str, float],
    score: Callable[[str, str], Score],
    drawn: Simulation,
    method: Method,
    *,
    groups: Mapping[str, Sequence[str]],
) -> Robustness | None:
    """Say what the first place hangs on.

    Parameters
    ----------
    order : sequence of str
        The field in order of rank.
    weights : mapping of str to float
        Points per criterion id.
    score : callable
        ``score(criterion, runtime)``.
    drawn : Simulation
        Of the same field.
    method : Method
        For the thresholds of the second opinion.
    groups : mapping of str to sequence of str
        Criteria that are also moved together, in proportion.
    """
    if not order:
        return None
    names = tuple(sorted((name for name in weights if weights[name] > 0), key=lambda n: (-weights[n], n)))
    points = np.array([weights[name] for name in names], dtype=np.float64)
    table = [[score(name, runtime) for name in names] for runtime in order]
    low = np.array([[cell.low for cell in row] for row in table])
    high = np.array([[cell.high for cell in row] for row in table])
    rows = [drawn.runtimes.index(runtime) for runtime in order]
    middle = ((drawn.low + drawn.high) / 2)[rows].T
    known = bool(np.all(low == high))
    flip = smallest_flip(points, low, winner=0) if known else None
    without = leaders_without(points, low) if known else ()
    return Robustness(
        runtimes=tuple(order),
        criteria=names,
        stability=tuple(
            _stability(name, [column], points, (low, high), method.weight_range.value)
            for column, name in enumerate(names)
        ),
        groups=tuple(
            _stability(group, columns, points, (low, high), method.weight_range.value)
            for group, members in groups.items()
            if (columns := [column for column, name in enumerate(names) if name in members])
        ),
        flip=(names[flip.criterion], flip.weight, order[flip.rival]) if flip else None,
        without=tuple((name, order[leader]) for name, leader in zip(names, without, strict=known) if leader),
        acceptability=tuple(tuple(row) for row in acceptability(middle).tolist()),
        central=_central(order, names, drawn, middle),
        methods=_opinions(order, points, low, method) if known and len(order) > 1 else (),
    )


def _stability(
    name: str, columns: Sequence[int], points: Floats, bounds: tuple[Floats, Floats], weight_range: float
) -> Stability:
    low, high = stability_interval(points, *bounds, winner=0, criterion=columns)
    moved = []
    for factor in (1 - weight_range, 1 + weight_range):
        changed = points.copy()
        changed[list(columns)] *= factor
        moved.append(lead(changed, *bounds, winner=0))
    least, most = moved
    return Stability(
        criterion=name,
        weight=math.fsum(points[list(columns)]),
        low=low,
        high=high,
        leads=None if least is None or most is None else (least, most),
    )


def _central(
    order: Sequence[str], names: Sequence[str], drawn: Simulation, totals: Floats
) -> tuple[tuple[str, tuple[float, ...]], ...]:
    columns = [drawn.names.index(name) for name in names]
    central = central_weights(drawn.weights[columns].T, totals)
    return tuple(
        (runtime, tuple(row.tolist()))
        for runtime, row in zip(order, central, strict=True)
        if not np.isnan(row).any()
    )


def _opinions(
    order: Sequence[str], points: Floats, scores: Floats, method: Method
) -> tuple[tuple[str, tuple[tuple[str, float], ...]], ...]:
    flows = criterion_flows(
        scores,
        indifference=method.promethee_indifference.value,
        preference=method.promethee_preference.value,
    )
    opinions = {
        "additive value": scores @ points / points.sum(),
        "PROMETHEE II": net_flows(flows, points),
        "TOPSIS": closeness(scores, points),
    }
    return tuple((name, tuple(zip(order, values.tolist(), strict=True))) for name, values in opinions.items())
