"""PROMETHEE II: a second opinion that counts by how much each runtime is preferred, and not its sum.

J. P. Brans and Ph. Vincke, A Preference Ranking Organisation Method, Management Science 31 (1985) 647-656.
Preference grows linearly between an indifference and a preference threshold (their type V). Scores come from
declared scales, so the thresholds mean the same for every criterion.

The additive value lets a great merit pay for a great flaw without limit; here a lead beyond the preference
threshold counts no further. Where both agree, the answer does not hang on that choice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["criterion_flows", "net_flows"]

Floats = NDArray[np.float64]


def criterion_flows(scores: ArrayLike, *, indifference: float, preference: float) -> Floats:
    """Net flow of each alternative on each criterion by itself.

    Parameters
    ----------
    scores : array_like, shape (alternatives, criteria)
        Between 0 and 1, more is better.
    indifference, preference : float
        A lead of at most the first counts nothing, of at least the second in full.

    Returns
    -------
    ndarray, shape (alternatives, criteria)
        Between -1 and 1; each column sums to 0.

    Raises
    ------
    ValueError
        Fewer than two alternatives, or thresholds that are not 0 <= indifference < preference.
    """
    table = np.asarray(scores, dtype=np.float64)
    if len(table) < 2:
        message = "there is nothing to compare: PROMETHEE needs two alternatives"
        raise ValueError(message)
    if not 0 <= indifference < preference:
        message = f"not 0 <= indifference ({indifference}) < preference ({preference})"
        raise ValueError(message)
    leads = table[:, None, :] - table[None, :, :]
    preferred = np.clip((leads - indifference) / (preference - indifference), 0.0, 1.0)
    flows: Floats = (preferred - preferred.transpose(1, 0, 2)).sum(axis=1) / (len(table) - 1)
    return flows


def net_flows(flows: ArrayLike, weights: ArrayLike) -> Floats:
    """Weigh the flows: linear in the weights, so thousands of draws cost one matrix product.

    Parameters
    ----------
    flows : array_like, shape (alternatives, criteria)
        As `criterion_flows` gives them.
    weights : array_like, shape (criteria,) or (draws, criteria)
        Only their proportions matter.

    Returns
    -------
    ndarray, shape (alternatives,) or (draws, alternatives)
        Between -1 and 1; they sum to 0.
    """
    drawn = np.asarray(weights, dtype=np.float64)
    shares = drawn / drawn.sum(axis=-1, keepdims=True)
    weighed: Floats = shares @ np.asarray(flows, dtype=np.float64).T
    return weighed
