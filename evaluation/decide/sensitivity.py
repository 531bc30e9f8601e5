"""What the answer hangs on: each weight, each criterion, and each piece of evidence that is missing.

All of it is exact but `acceptability` and `central_weights`, which are counted over draws. A total is the
weighted mean of scores; whether one total is ahead of another does not depend on what the weights sum to, so
the lead is linear in every single weight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Flip",
    "acceptability",
    "central_weights",
    "lead",
    "leaders_without",
    "smallest_flip",
    "stability_interval",
    "value_of_information",
]

Floats = NDArray[np.float64]

_EQUAL = 1e-12
"""Two sums of the same numbers in another order differ by less than this."""


def stability_interval(
    weights: ArrayLike, low: ArrayLike, high: ArrayLike, *, winner: int, criterion: int | Sequence[int]
) -> tuple[float, float]:
    """Between which weights of one criterion, all others kept, the winner stays first.

    Of several criteria it is their weight together, moved in their present proportions.

    Exact for totals that are linear in the weights: B. Mareschal, Weight stability intervals in multicriteria
    decision aid, European Journal of Operational Research 33 (1988) 54-64.

    Parameters
    ----------
    weights : array_like, shape (criteria,)
        Points, none negative.
    low, high : array_like, shape (alternatives, criteria)
        Least and greatest possible score of each: the winner is taken at its lowest, its rivals at their
        highest, so that missing evidence cannot break what is said. Equal where everything is known.
    winner : int
        A row of these tables.
    criterion : int or sequence of int
        One of their columns; or several, of which at least one has weight.

    Returns
    -------
    float, float
        In points, from 0 up to infinity; at the ends there is a tie. ``(nan, nan)`` where no weight makes
        it first.
    """
    points, lead = _leads(weights, low, high, winner)
    columns = [criterion] if isinstance(criterion, int) else list(criterion)
    own = points[columns]
    slope = lead[:, columns] @ (own / own.sum() if len(columns) > 1 else np.ones(1))
    rest = lead @ np.where(np.isin(np.arange(len(points)), columns), 0.0, points)
    if np.any((np.abs(slope) <= _EQUAL) & (rest < -_EQUAL)):
        return math.nan, math.nan
    rising, falling = slope > _EQUAL, slope < -_EQUAL
    least = max(0.0, float(np.max(-rest[rising] / slope[rising], initial=0.0)))
    most = float(np.min(-rest[falling] / slope[falling], initial=math.inf))
    return (least, most) if least <= most + _EQUAL else (math.nan, math.nan)


def lead(weights: ArrayLike, low: ArrayLike, high: ArrayLike, *, winner: int) -> float | None:
    """By how much the winner is ahead of its nearest rival, from -1 to 1; ``None`` without rivals.

    Parameters
    ----------
    weights, low, high, winner
        As for `stability_interval`.
    """
    points, leads = _leads(weights, low, high, winner)
    return float(np.min(leads @ points) / points.sum()) if len(leads) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """The change of one weight that brings another to the first place."""

    criterion: int
    weight: float
    rival: int


def smallest_flip(weights: ArrayLike, scores: ArrayLike, *, winner: int) -> Flip | None:
    """Find the smallest change of a single weight, in points, at which another draws level.

    Parameters
    ----------
    weights : array_like, shape (criteria,)
        Points.
    scores : array_like, shape (alternatives, criteria)
        All known.
    winner : int
        Who is first with these weights.

    Returns
    -------
    Flip or None
        ``None`` where no single weight, however it is changed, does it.
    """
    points, lead = _leads(weights, scores, scores, winner)
    rivals = [row for row in range(len(np.asarray(scores))) if row != winner]
    found: list[tuple[float, int, float, int]] = []
    for criterion, weight in enumerate(points):
        low, high = stability_interval(points, scores, scores, winner=winner, criterion=criterion)
        for end in (low, high):
            if not math.isfinite(end) or (end == 0.0 and not _level(points, lead, criterion, 0.0).any()):
                continue
            level = _level(points, lead, criterion, end)
            if level.any():
                found.append((abs(end - weight), criterion, end, rivals[int(np.flatnonzero(level)[0])]))
    if not found:
        return None
    _, criterion, weight, rival = min(found)
    return Flip(criterion=criterion, weight=weight, rival=rival)


def leaders_without(weights: ArrayLike, scores: ArrayLike) -> tuple[int | None, ...]:
    """For each criterion, who is first when it is left out; ``None`` where nothing else has weight.

    Parameters
    ----------
    weights : array_like, shape (criteria,)
        Points.
    scores : array_like, shape (alternatives, criteria)
        All known.
    """
    points, table = np.asarray(weights, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    left = points[None, :] * (1.0 - np.eye(len(points)))
    totals = left @ table.T
    return tuple(
        int(np.argmax(row)) if kept.sum() > 0 else None for kept, row in zip(left, totals, strict=True)
    )


def acceptability(totals: ArrayLike) -> Floats:
    """How often each alternative takes each rank: the rank acceptability indices of SMAA-2.

    R. Lahdelma and P. Salminen, SMAA-2: Stochastic multicriteria acceptability analysis for group decision
    making, Operations Research 49 (2001) 444-454.

    Parameters
    ----------
    totals : array_like, shape (draws, alternatives)
        In each draw the total of each.

    Returns
    -------
    ndarray, shape (alternatives, ranks)
        Rows and columns sum to 1. An exact tie goes to whoever is listed first.
    """
    table = np.asarray(totals, dtype=np.float64)
    ranks = np.argsort(np.argsort(-table, axis=1, kind="stable"), axis=1, kind="stable")
    count = table.shape[1]
    shares: Floats = (ranks[:, :, None] == np.arange(count)).mean(axis=0)
    return shares


def central_weights(weights: ArrayLike, totals: ArrayLike) -> Floats:
    """The mean weights of the draws in which each alternative is first: who would choose it (SMAA-2).

    Parameters
    ----------
    weights : array_like, shape (draws, criteria)
        Each draw sums to 1.
    totals : array_like, shape (draws, alternatives)
        The totals of the same draws.

    Returns
    -------
    ndarray, shape (alternatives, criteria)
        Rows sum to 1; not a number where an alternative is never first.
    """
    drawn, first = np.asarray(weights, dtype=np.float64), np.argmax(np.asarray(totals), axis=1)
    count = np.asarray(totals).shape[1]
    return np.array(
        [
            drawn[first == row].mean(axis=0) if np.any(first == row) else np.full(drawn.shape[1], math.nan)
            for row in range(count)
        ]
    )


def value_of_information(shares: ArrayLike, means: ArrayLike, *, alternative: int, criterion: int) -> float:
    """What it is worth, on the scale from 0 to 1, to learn one missing score before choosing.

    The expected value of perfect information about one parameter (H. Raiffa and R. Schlaifer, Applied
    Statistical Decision Theory (1961), chapter 4). What is not known may be anything its scale allows,
    evenly, with mean a half. Learning it pays where it can change who has the greatest mean total.

    Parameters
    ----------
    shares : array_like, shape (criteria,)
        Weights that sum to 1.
    means : array_like, shape (alternatives,)
        Mean total of each, what is missing taken at a half.
    alternative, criterion : int
        Whose score on what.
    """
    share, totals = float(np.asarray(shares)[criterion]), np.asarray(means, dtype=np.float64)
    rivals = np.delete(totals, alternative)
    if not len(rivals):
        return 0.0
    own, bar = float(totals[alternative]), float(rivals.max())
    least, most = own - share / 2, own + share / 2
    if bar <= least or bar >= most:
        return 0.0
    expected = (bar * (bar - least) + (most**2 - bar**2) / 2) / (most - least)
    return expected - max(own, bar)


def _leads(weights: ArrayLike, low: ArrayLike, high: ArrayLike, winner: int) -> tuple[Floats, Floats]:
    """Points, and the winner's least lead over each rival on each criterion (rivals, criteria)."""
    own = np.asarray(low, dtype=np.float64)[winner]
    rivals = np.delete(np.asarray(high, dtype=np.float64), winner, axis=0)
    return np.asarray(weights, dtype=np.float64), own - rivals


def _level(points: Floats, lead: Floats, criterion: int, weight: float) -> NDArray[np.bool_]:
    """Which rivals are level with the winner when one criterion has this weight."""
    changed = points.copy()
    changed[criterion] = weight
    level: NDArray[np.bool_] = np.abs(lead @ changed) <= _EQUAL * max(1.0, float(changed.sum()))
    return level
