"""What turns of one question come to together: a yes, a no, or "sometimes", with how often and how surely.

A question whose answer can depend on a moment is asked several times. One answer would be luck, and would
carry its whole weight (``docs/decisions/0016-sometimes.md``).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from evaluation.model import Interval

__all__ = ["share_interval", "turns_again"]

_STEPS = 60
"""Halvings of an interval: exact to the last bit of a number between 0 and 1."""


def share_interval(held: int, turns: int, *, confidence: float) -> Interval:
    """Share of turns that held, with its exact interval.

    C. J. Clopper and E. S. Pearson, The use of confidence or fiducial limits illustrated in the case of the
    binomial, Biometrika 26 (1934) 404-413. It covers at least as often as it says, however few the turns.

    Parameters
    ----------
    held, turns : int
        So many of so many, of one turn at least.
    confidence : float
        As in 0.95.
    """
    tail = (1 - confidence) / 2
    low = 0.0 if held == 0 else _where(lambda p: 1 - _at_most(held - 1, turns, p) > tail)
    high = 1.0 if held == turns else _where(lambda p: _at_most(held, turns, p) < tail)
    return Interval(estimate=held / turns, low=low, high=high)


def turns_again(held: int, turns: int) -> tuple[float, ...]:
    """Chance of each number of turns, from none to all, to hold when as many are taken once more.

    The share itself is known only from these turns, so two things are uncertain: the share, and the luck of
    the next turns. That is the beta-binomial distribution, with H. Jeffreys' prior (Theory of Probability,
    3rd ed., Oxford 1961, 3.1) of half a turn that held and half a turn that did not.
    """
    own = _log_beta(held + 0.5, turns - held + 0.5)
    return tuple(
        math.comb(turns, again)
        * math.exp(_log_beta(again + held + 0.5, 2 * turns - again - held + 0.5) - own)
        for again in range(turns + 1)
    )


def _log_beta(one: float, other: float) -> float:
    return math.lgamma(one) + math.lgamma(other) - math.lgamma(one + other)


def _at_most(held: int, turns: int, share: float) -> float:
    """Chance of so many or fewer, when each turn holds with this chance."""
    return math.fsum(math.comb(turns, k) * share**k * (1 - share) ** (turns - k) for k in range(held + 1))


def _where(passed: Callable[[float], bool]) -> float:
    """Find where a condition on a share begins to be true; it is false below and true above."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if passed(middle) else (middle, high)
    return (low + high) / 2
