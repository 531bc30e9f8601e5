"""Two runs that have nothing to pair: is one shifted against the other, and by how much.

The blocks of one run are compared with the control of their own run; two runs, months apart, share no block.
Their log ratios are two independent samples, and the question is asked of ranks alone [1]_: no distribution
is assumed and nothing is drawn at random.

References
----------
.. [1] H. B. Mann and D. R. Whitney, On a test of whether one of two random variables is stochastically larger
   than the other, Annals of Mathematical Statistics 18 (1947) 50-60 (the recurrence for exact p-values).
.. [2] J. L. Hodges and E. L. Lehmann, Estimates of location based on rank tests, Annals of Mathematical
   Statistics 34 (1963) 598-611; its interval: W. J. Conover, Practical Nonparametric Statistics, 3rd ed.,
   Wiley 1999, 5.4.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.model import Interval

__all__ = ["rank_sum_p", "shift"]

Floats = NDArray[np.float64]


def rank_sum_p(before: ArrayLike, after: ArrayLike) -> float:
    """Two-sided p-value of the rank-sum test [1]_, exact where no values are equal.

    Parameters
    ----------
    before, after : array_like, shapes (n,) and (m,)
        Values in the same unit. Equal ones count a half for either side, rounded against a claim.

    Returns
    -------
    float
        1.0 where one of them is empty.
    """
    differences = _differences(before, after)
    if not differences.size:
        return 1.0
    ahead = float(np.sum(differences > 0) + np.sum(differences == 0) / 2)
    fewer = int(np.ceil(min(ahead, differences.size - ahead)))
    n, m = len(np.asarray(before)), len(np.asarray(after))
    return min(1.0, 2 * float(_distribution(min(n, m), max(n, m))[: fewer + 1].sum()))


def shift(before: ArrayLike, after: ArrayLike, *, confidence: float) -> Interval | None:
    """How far the second sample lies above the first: the median of all differences, with its interval [2]_.

    Parameters
    ----------
    before, after : array_like, shapes (n,) and (m,)
        Values in the same unit.
    confidence : float
        As in 0.95; attained or surpassed.

    Returns
    -------
    Interval or None
        In the values' unit. ``None`` where there are too few values for any interval of this confidence.
    """
    differences = np.sort(_differences(before, after))
    if not differences.size:
        return None
    n, m = len(np.asarray(before)), len(np.asarray(after))
    below = np.cumsum(_distribution(min(n, m), max(n, m)))
    outside = int(np.searchsorted(below, (1 - confidence) / 2, side="right"))
    if outside == 0:
        return None
    return Interval(
        estimate=float(np.median(differences)),
        low=float(differences[outside - 1]),
        high=float(differences[-outside]),
    )


def _differences(before: ArrayLike, after: ArrayLike) -> Floats:
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if not (np.all(np.isfinite(old)) and np.all(np.isfinite(new))):
        message = "a value is not a finite number"
        raise ValueError(message)
    pairs: Floats = (new[None, :] - old[:, None]).ravel()
    return pairs


@cache
def _distribution(n: int, m: int) -> Floats:
    """Probability of each number of pairs in which the one sample is ahead, when both are alike [1]_.

    The largest value belongs to the first sample with n / (n + m), and is then ahead of all m of the other.
    """
    rows = [np.ones(1) for _ in range(m + 1)]
    for size in range(1, n + 1):
        grown = [np.ones(1)]
        for other in range(1, m + 1):
            counts = np.zeros(size * other + 1)
            counts[other:] += rows[other] * (size / (size + other))
            counts[: size * (other - 1) + 1] += grown[other - 1] * (other / (size + other))
            grown.append(counts)
        rows = grown
    return rows[m]
