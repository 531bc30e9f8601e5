"""The Universal Scalability Law: throughput against how many are at work at once, and where it peaks.

``X(N) = rate * N / (1 + contention * (N - 1) + coherency * N * (N - 1))`` [1]_: *contention* is what the ones
at work queue for, *coherency* what they cost each other by being many. Throughput peaks at
``sqrt((1 - contention) / coherency)``, the *knee*; without coherency it levels off and never falls.

``N / X`` is linear in the three unknowns, which are found by least squares, none of them negative. Rows
are weighted so that relative errors count alike: a level ten times faster is not ten times as important.

References
----------
.. [1] N. J. Gunther, A General Theory of Computational Scalability Based on Rational Functions,
   arXiv:0808.1431 (2008); and Guerrilla Capacity Planning, Springer 2007, chapters 4 to 6.
.. [2] C. L. Lawson and R. J. Hanson, Solving Least Squares Problems, Prentice-Hall 1974, chapter 23
   (least squares with non-negative unknowns). With three of them every set of zeros can be tried.
.. [3] B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap, Chapman & Hall 1993, 6.5 (parametric
   bootstrap) and 13.3 (percentile intervals).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LEAST_WIDTHS", "Fit", "Law", "fit", "fit_law"]

LEAST_WIDTHS: Final = 4
"""A law of three unknowns through three points says nothing about how well it fits."""

_DRAWS: Final = 1000
_MOST_OFF: Final = math.log(10.0)
"""No level is off the law by more than ten times: with one level to spare Student's tails have no end."""
_ZEROS: Final = ((0, 1, 2), (0, 1), (0, 2), (0,))
"""Which of the unknowns are not zero; the first, one over the rate, never is."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """The law of one runtime on one host; ``rate`` is in launches per second of one at a time."""

    rate: float
    contention: float
    coherency: float

    def throughput(self, at_once: ArrayLike) -> Floats:
        """Launches per second with so many at once."""
        n = np.asarray(at_once, dtype=np.float64)
        return np.asarray(
            self.rate * n / (1 + self.contention * (n - 1) + self.coherency * n * (n - 1)), dtype=np.float64
        )

    @property
    def knee(self) -> float:
        """With how many at once throughput peaks; infinite where it does not."""
        if self.contention >= 1:
            return 1.0
        return math.sqrt((1 - self.contention) / self.coherency) if self.coherency > 0 else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A law, with the interval of its knee and of its curve.

    ``curve`` has for each width its throughput by the law, with the ends of its interval.
    ``widest`` is the widest level that was measured: beyond it nothing is claimed.
    """

    law: Law
    low: float
    high: float
    widest: int
    curve: tuple[tuple[int, float, float, float], ...]
    scatter: float
    """Root mean square of the relative residuals."""

    @property
    def reached(self) -> bool:
        """Whether throughput was seen to peak: the knee and the lower end of its interval lie within."""
        return self.law.knee <= self.widest

    @property
    def sure(self) -> bool:
        """Whether all of the knee's interval lies within what was measured."""
        return self.high <= self.widest


def fit_law(at_once: ArrayLike, throughput: ArrayLike) -> Law:
    """Find the law that fits measured throughputs best.

    Parameters
    ----------
    at_once : array_like, shape (n,)
        How many were at work.
    throughput : array_like, shape (n,)
        Launches per second.

    Raises
    ------
    ValueError
        Some are not positive, or too few different widths were measured.
    """
    widths, measured = _checked(at_once, throughput)
    rates, contention, coherency = (float(each[0]) for each in _solve(widths, measured[np.newaxis]))
    return Law(rate=rates, contention=contention, coherency=coherency)


def fit(at_once: Sequence[int], throughput: Sequence[float], *, confidence: float, seed: int) -> Fit:
    """Find the law, and by a parametric bootstrap how far it may be trusted.

    Relative errors are taken as normal, with the spread that the levels show around the law.

    Raises
    ------
    ValueError
        As by `fit_law`.
    """
    widths, measured = _checked(at_once, throughput)
    law = fit_law(widths, measured)
    expected = law.throughput(widths)
    spare = max(1, len(widths) - 3)  # three unknowns were fitted
    spread = math.sqrt(float((np.log(measured / expected) ** 2).sum()) / spare)
    random = np.random.default_rng(seed)
    # With few levels their spread itself is uncertain: drawn too, the intervals are Student's.
    spreads = spread * np.sqrt(spare / random.chisquare(spare, size=(_DRAWS, 1)))
    draws = np.clip(random.normal(0.0, spreads, size=(_DRAWS, len(widths))), -_MOST_OFF, _MOST_OFF)
    rates, contentions, coherencies = _solve(widths, expected * np.exp(draws))
    knees = np.array(
        [
            Law(rate=rate, contention=contention, coherency=coherency).knee
            for rate, contention, coherency in zip(rates, contentions, coherencies, strict=True)
        ]
    )
    tail = (1 - confidence) / 2
    low, high = _ends(knees, tail)
    grid = np.unique(np.concatenate([widths, np.round(np.geomspace(1, widths.max(), 13))]))
    curves = (
        rates[:, None] * grid
        / (1 + contentions[:, None] * (grid - 1) + coherencies[:, None] * grid * (grid - 1))
    )  # fmt: skip
    ends = [_ends(curves[:, column], tail) for column in range(len(grid))]
    return Fit(
        law=law,
        low=low,
        high=high,
        widest=int(widths.max()),
        curve=tuple(
            (int(n), float(x), *end) for n, x, end in zip(grid, law.throughput(grid), ends, strict=True)
        ),
        scatter=float(np.sqrt(np.mean((measured / expected - 1) ** 2))),
    )


def _checked(at_once: ArrayLike, throughput: ArrayLike) -> tuple[Floats, Floats]:
    widths = np.asarray(at_once, dtype=np.float64)
    measured = np.asarray(throughput, dtype=np.float64)
    if widths.shape != measured.shape or widths.ndim != 1:
        message = "each throughput needs its width"
        raise ValueError(message)
    if not (np.isfinite(measured).all() and (measured > 0).all() and (widths >= 1).all()):
        message = "throughputs should be above zero, and widths at least one"
        raise ValueError(message)
    if len(np.unique(widths)) < LEAST_WIDTHS:
        message = f"a law needs {LEAST_WIDTHS} different widths"
        raise ValueError(message)
    return widths, measured


def _solve(widths: Floats, measured: Floats) -> tuple[Floats, Floats, Floats]:
    """Solve for many sets of throughputs at once, shape (draws, n); give rate, contention, coherency."""
    columns = np.stack([np.ones_like(widths), widths - 1, widths * (widths - 1)], axis=-1)
    scale = columns.max(axis=0)
    # Each row of N/X = a + b (N - 1) + c N (N - 1) is divided by N/X: all have the same relative weight.
    rows = columns / scale * (measured / widths)[..., np.newaxis]
    normal = np.einsum("dni,dnj->dij", rows, rows)
    right = rows.sum(axis=1)
    best = np.zeros_like(right)
    least = np.full(len(right), np.inf)
    for free in map(list, _ZEROS):
        part = np.linalg.solve(normal[:, free][:, :, free], right[:, free, np.newaxis])[..., 0]
        found = np.zeros_like(right)
        found[:, free] = part
        error = ((np.einsum("dni,di->dn", rows, found) - 1) ** 2).sum(axis=1)
        better = (part >= 0).all(axis=1) & (error < least - 1e-12)
        best[better], least[better] = found[better], error[better]
    best = best / scale
    return 1 / best[:, 0], best[:, 1] / best[:, 0], best[:, 2] / best[:, 0]


def _ends(values: Floats, tail: float) -> tuple[float, float]:
    """Give the ends of an interval; values may be infinite, so nothing is interpolated."""
    ordered = np.sort(values)
    last = len(ordered) - 1
    return float(ordered[round(tail * last)]), float(ordered[round((1 - tail) * last)])
