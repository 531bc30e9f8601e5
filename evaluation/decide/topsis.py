"""TOPSIS: a third opinion, by the distance to the best and to the worst that is declared.

C.-L. Hwang and K. Yoon, Multiple Attribute Decision Making (1981), chapter III. The ideal and its opposite
are the ends of the declared scales (scores of 1 and 0) and not the best and worst that were seen, so that
removing a loser cannot change the order of the rest (R. F. de Farias Aires and L. Ferreira, A new approach
to avoid rank reversal cases in the TOPSIS method, Computers & Industrial Engineering 132 (2019) 84-97).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["closeness"]

Floats = NDArray[np.float64]


def closeness(
    scores: ArrayLike, weights: ArrayLike, *, ideal: ArrayLike = 1.0, opposite: ArrayLike = 0.0
) -> Floats:
    """How close each alternative is to the ideal, relative to the distance to its opposite.

    Parameters
    ----------
    scores : array_like, shape (alternatives, criteria)
        Between 0 and 1, more is better.
    weights : array_like, shape (criteria,) or (draws, criteria)
        Only their proportions matter.
    ideal, opposite : array_like, optional
        The best and the worst, as scores: one number, or one for each criterion.

    Returns
    -------
    ndarray, shape (alternatives,) or (draws, alternatives)
        Between 0 and 1. A half where an alternative is at the same distance from both, as where the two
        are one.
    """
    table = np.asarray(scores, dtype=np.float64)
    drawn = np.asarray(weights, dtype=np.float64)
    squares = (drawn / drawn.sum(axis=-1, keepdims=True)) ** 2
    to_ideal = np.sqrt(squares @ ((table - np.asarray(ideal, dtype=np.float64)) ** 2).T)
    to_opposite = np.sqrt(squares @ ((table - np.asarray(opposite, dtype=np.float64)) ** 2).T)
    both = to_ideal + to_opposite
    close: Floats = np.divide(to_opposite, both, out=np.full_like(both, 0.5), where=both > 0)
    return close
