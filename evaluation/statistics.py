"""What paired blocks show: estimates, intervals, and claims that survive many comparisons.

Everything here is about the median and rests on order statistics alone: no distribution is
assumed, nothing is drawn at random, and the answer needs no seed. The rules were chosen by
simulation (``docs/statistics.md`` has the tables): for 6 to 24 blocks a percentile bootstrap of the
mean covers the truth in only 82-94 % of cases at a nominal 95 %, of the median in 91-95 %; the
interpolated order statistics below cover 94-96 %, and the tests hold them to 93-97 %.

The median of the log ratios is the estimate, not their mean: one block that met a cron job is ten
times slower and would move a mean of twelve blocks by a fifth.

Few blocks: with fewer than `MINIMUM_BLOCKS` there is no interval (``None``). With n blocks no
method free of assumptions can be surer than ``1 - 2**(1 - n)`` (75 % for 3, 94 % for 5); the
interval is then the full range of the blocks and `attained_confidence` says what it is worth.

References
----------
.. [1] W. J. Conover, Practical Nonparametric Statistics, 3rd ed., Wiley 1999, 3.2 (confidence
   interval for a quantile) and 3.4 (sign test).
.. [2] T. P. Hettmansperger and S. J. Sheather, Confidence intervals based on interpolated order
   statistics, Statistics & Probability Letters 4 (1986) 75-79.
.. [3] S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
   Statistics 6 (1979) 65-70.
.. [4] D. J. Schuirmann, A comparison of the two one-sided tests procedure and the power approach,
   Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657-680.
.. [5] Y. S. Chow and H. Robbins, On the asymptotic theory of fixed-width sequential confidence
   intervals for the mean, Annals of Mathematical Statistics 36 (1965) 457-462.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.model import Comparison, Interval

__all__ = [
    "MINIMUM_BLOCKS",
    "Claim",
    "attained_confidence",
    "blocks_to_claim",
    "compare",
    "far_end",
    "half_width_reached",
    "holm",
    "in_favour_needed",
    "interval_ends",
    "log_ratios",
    "median_interval",
    "noise_floor",
    "paired_ratio",
    "settle",
]

MINIMUM_BLOCKS = 3
"""Fewer blocks than this have a median but no interval worth printing."""

_LOOK_CONFIDENCE = 0.99
"""Of the interval whose width decides when to stop; see `half_width_reached`."""

_ROUNDING = 1e-12
"""A p-value of exactly the level, but for rounding, is at the level."""


@cache
def _binomial_tail(at_most: int, n: int) -> float:
    """Probability of at most that many heads in n tosses of a fair coin (exact until the last step)."""
    return float(Fraction(sum(math.comb(n, k) for k in range(at_most + 1)), 2**n))


def attained_confidence(n: int, confidence: float) -> float:
    """Return the confidence an interval of n blocks really has: the one asked for, where possible."""
    return min(confidence, max(0.0, 1.0 - 2.0 ** (1 - n)))


def median_interval(samples: ArrayLike, *, confidence: float) -> Interval | None:
    """Median of independent values with its distribution-free confidence interval [1]_.

    Parameters
    ----------
    samples : array_like, shape (n,)
        One value per block, in any unit.
    confidence : float
        As in 0.95.

    Returns
    -------
    Interval or None
        In the unit of the samples; ``None`` for fewer than `MINIMUM_BLOCKS`. The ends are the
        order statistics x(k) and x(n+1-k), interpolated towards the next inner pair so that the
        confidence is the one asked for [2]_. Where even the full
        range falls short of it, the full range is the interval.

    Raises
    ------
    ValueError
        A sample is not a finite number.
    """
    values = _finite(samples)
    if len(values) < MINIMUM_BLOCKS:
        return None
    low, high = interval_ends(values, confidence=confidence)
    return Interval(estimate=float(np.median(values)), low=float(low), high=float(high))


def interval_ends(
    samples: NDArray[np.float64], *, confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the interval of `median_interval` for many sets of samples at once, shape (..., n)."""
    values = np.sort(samples, axis=-1)
    n = values.shape[-1]
    k, share = _depth(n, confidence)
    return (
        (1 - share) * values[..., k - 1] + share * values[..., k],
        (1 - share) * values[..., n - k] + share * values[..., n - k - 1],
    )


def _depth(n: int, confidence: float) -> tuple[int, float]:
    """Which order statistic ends the interval (from 1), and how far to go to the next inner one."""
    k, outer = 1, 1 - 2 * _binomial_tail(0, n)
    if outer <= confidence:
        return 1, 0.0
    while (inner := 1 - 2 * _binomial_tail(k, n)) >= confidence and k + 1 <= n // 2:
        k, outer = k + 1, inner
    step = (outer - confidence) / (outer - inner)
    return k, (n - k) * step / (k + (n - 2 * k) * step)


def log_ratios(samples: ArrayLike, control: ArrayLike) -> NDArray[np.float64]:
    """Return the logarithm of sample over control, block by block.

    Raises
    ------
    ValueError
        The two differ in length, or hold a value that is not a positive finite number.
    """
    ours, theirs = _finite(samples), _finite(control)
    if ours.shape != theirs.shape:
        message = f"{len(ours)} blocks cannot be paired with {len(theirs)}"
        raise ValueError(message)
    if np.any(ours <= 0) or np.any(theirs <= 0):
        message = "a ratio needs values above zero"
        raise ValueError(message)
    return np.log(ours) - np.log(theirs)


def paired_ratio(samples: ArrayLike, control: ArrayLike, *, confidence: float) -> Interval | None:
    """Median of the per-block ratios of a runtime to the control, with its interval.

    Parameters
    ----------
    samples, control : array_like, shape (n,)
        The values of both in the same blocks, in the same unit, above zero.
    confidence : float
        As in 0.95.

    Returns
    -------
    Interval or None
        Dimensionless; 1 is "like the control". ``None`` for fewer than `MINIMUM_BLOCKS`. Computed
        on log ratios, so that control over runtime gives exactly the reciprocal.
    """
    logs = median_interval(log_ratios(samples, control), confidence=confidence)
    if logs is None:
        return None
    return Interval(estimate=math.exp(logs.estimate), low=math.exp(logs.low), high=math.exp(logs.high))


def noise_floor(host: ArrayLike, host_again: ArrayLike, *, confidence: float) -> Interval | None:
    """Ratio of the second host arm to the first: what this site shows where nothing differs."""
    return paired_ratio(host_again, host, confidence=confidence)


def half_width_reached(samples: ArrayLike, control: ArrayLike, *, target: float, at_least: int) -> bool:
    """Whether the ratio is known precisely enough to stop measuring.

    It looks at a width alone, never at the place or the sign of the effect, so that stopping does not
    choose the answer. What is looked at is the **99 % interval**, although 95 % are reported: an interval
    that was picked for being narrow is narrow in part by luck, and covers less than it says; the ends of
    the 99 % interval lie farther out and know less of that luck. Simulated with looks after 30, 60 and 120
    blocks the reported 95 % interval then covers 94-96 % under all noises of the tests; by its own width,
    looked at after every block, 90-95 %. That stopping by width keeps its
    coverage in the limit of narrow targets is the theorem of Chow and Robbins [5]_; how much is lost
    before the limit is what is simulated.

    Parameters
    ----------
    samples, control : array_like, shape (n,)
        As in `paired_ratio`.
    target : float
        Relative half width (0.05: the ends are within a factor 1.05 of the middle).
    at_least : int
        So many blocks are always taken.
    """
    logs = log_ratios(samples, control)
    if len(logs) < max(at_least, MINIMUM_BLOCKS):
        return False
    low, high = interval_ends(logs, confidence=_LOOK_CONFIDENCE)
    return bool(high - low <= 2 * math.log1p(target))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the blocks of one comparison could claim, and how often chance alone would claim it.

    ``difference`` is ``BETTER`` or ``WORSE``, whichever way the blocks point. ``p_difference`` belongs to
    "the ratio is not 1", ``p_equivalence`` to "the ratio is within the margin". At most one of the two
    can be false of any one ratio.
    """

    difference: Comparison
    p_difference: float
    p_equivalence: float


NO_CLAIM = Claim(difference=Comparison.UNRESOLVED, p_difference=1.0, p_equivalence=1.0)


def compare(
    samples: ArrayLike, control: ArrayLike, *, margin: float, noise: Interval | None, maximise: bool
) -> Claim:
    """Hold a runtime against the control: whether it is different, and whether equivalent.

    Two questions, two tests. *Different*: the two-sided sign test [1]_ of "half of the blocks are above
    the control". *Equivalent*: two one-sided sign tests at the ends of the margin [4]_, so that the
    interval of the ratio lies within ``1/(1 + margin)`` and ``1 + margin``; the larger p-value counts, each
    of them taken two-sided, which makes it the test that the (1 - alpha) interval is within the margin.
    Blocks that lie on a border count against the claim.

    A difference is not asked to be larger than the margin: were it, a true ratio on the margin would
    stay unresolved however long one measured. A difference that is shown to be within the margin is
    called equivalent (`settle`), so a small one is not made much of where it is known to be small.

    No claim is made below the noise floor: a difference must be larger than the far end of the A/A
    interval, an equivalence margin too. Without an A/A interval nothing is claimed.

    Parameters
    ----------
    samples, control : array_like, shape (n,)
        As in `paired_ratio`.
    margin : float
        Relative indifference margin, as in 0.05.
    noise : Interval or None
        As `noise_floor` gives it.
    maximise : bool
        Whether more is better.

    Returns
    -------
    Claim
        Its p-values are at least ``2**(1 - n)``: with 25 comparisons under Holm's correction at 5 %
        nothing can be claimed from fewer than 10 blocks.
    """
    logs = log_ratios(samples, control)
    n = len(logs)
    if noise is None or n == 0:
        return NO_CLAIM
    above, border = int(np.sum(logs > 0)), math.log1p(margin)
    below = int(np.sum(logs < 0))
    floor = far_end(noise)
    within = min(int(np.sum(logs < border)), int(np.sum(logs > -border)))
    more = Comparison.BETTER if maximise else Comparison.WORSE
    less = Comparison.WORSE if maximise else Comparison.BETTER
    return Claim(
        difference=more if above > below else less,
        p_difference=_sign_test(max(above, below), n) if abs(float(np.median(logs))) > floor else 1.0,
        p_equivalence=_sign_test(within, n) if border > floor else 1.0,
    )


def far_end(noise: Interval) -> float:
    """Return the noise floor, as a log ratio: how far from 1 the A/A ratio may be at its farthest."""
    return max(abs(math.log(noise.low)), abs(math.log(noise.high)))


def _sign_test(in_favour: int, n: int) -> float:
    """Two-sided p-value of the sign test where all the blocks not in favour count against."""
    return min(1.0, 2 * _binomial_tail(n - in_favour, n))


def in_favour_needed(n: int, *, level: float) -> int:
    """How many of n blocks must speak for a claim to be made at a level; n + 1 where no number is enough."""
    return next((k for k in range(n // 2 + 1, n + 1) if _sign_test(k, n) <= level + _ROUNDING), n + 1)


def blocks_to_claim(comparisons: int, *, confidence: float) -> int:
    """Fewest blocks from which anything at all can be claimed among so many comparisons.

    With n blocks the sign test's p-value is at least ``2**(1 - n)``, when every block says the same, and the
    first that Holm's correction lets pass must be at most ``(1 - confidence) / comparisons``. With fewer
    blocks even a runtime that is a hundred times slower in each of them stays unresolved.
    """
    n = 1
    while in_favour_needed(n, level=(1 - confidence) / max(1, comparisons)) > n:
        n += 1
    return n


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjust p-values for their number by Holm's step-down method [3]_; the order is kept."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, stepped)
    return tuple(float(value) for value in adjusted)


def settle(claims: Sequence[Claim], *, confidence: float) -> tuple[Comparison, ...]:
    """Keep what stands together of all claims of a page; what neither stands for is unresolved.

    The differences are one family under Holm's correction, the equivalences another. Whatever the
    dependence between them, the chance of even one false "better" or "worse" on the page is at most
    ``1 - confidence``, and that of even one false "equivalent" at most half of that (a ratio can be
    beyond one end of the margin only, and the tests at both ends are two-sided).
    """
    different = holm([claim.p_difference for claim in claims])
    equivalent = holm([claim.p_equivalence for claim in claims])
    level = 1 - confidence + _ROUNDING
    return tuple(
        Comparison.EQUIVALENT
        if p_equivalence <= level
        else claim.difference
        if p_difference <= level
        else Comparison.UNRESOLVED
        for claim, p_difference, p_equivalence in zip(claims, different, equivalent, strict=True)
    )


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    if not np.all(np.isfinite(array)):
        message = "a sample is not a finite number"
        raise ValueError(message)
    return array
