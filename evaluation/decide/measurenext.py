"""Which evidence to get next: what could knock a leader out, then what learning it is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from evaluation.decide.chances import Noise
from evaluation.decide.sensitivity import value_of_information
from evaluation.decide.standing import Ranking
from evaluation.model import Missing, Score, Standing
from evaluation.units import percent

__all__ = ["measure_next"]

_MOST_NOISY = 3


def measure_next(
    weights: Mapping[str, float],
    ranking: Ranking,
    *,
    unresolved: Mapping[str, tuple[str, ...]],
    score: Callable[[str, str], Score],
    why: Callable[[str, str], str],
    noise: Noise,
) -> tuple[Missing, ...]:
    """Name the evidence that could decide, the most valuable first; nothing where all is decided.

    Parameters
    ----------
    weights : mapping of str to float
        Points per criterion id.
    ranking : Ranking
        The field.
    unresolved : mapping of str to tuple of str
        By runtime, the criteria that might knock it out and are not known.
    score, why : callable
        ``score(criterion, runtime)``, and why it is missing, in words.
    noise : Noise
        The scores' bootstrap replicates.
    """
    if not ranking.order or ranking.winner or Standing.TIED in ranking.standings.values():
        return ()
    if Standing.TOO_CLOSE in ranking.standings.values() and all(
        score(name, runtime).value is not None for name in weights for runtime in ranking.order
    ):
        return _noisiest(weights, ranking, noise)
    vetoes = (
        Missing(what=f"{name} for {runtime}: it could knock {runtime} out", now=why(name, runtime))
        for runtime in ranking.group
        for name in unresolved[runtime]
    )
    gaps = (
        Missing(
            what=f"{name} for {runtime}: it decides {percent(share)} of its score", now=why(name, runtime)
        )
        for _, share, name, runtime in sorted(_gaps(weights, ranking, score))
    )
    return (*vetoes, *gaps)


def _gaps(
    weights: Mapping[str, float], ranking: Ranking, score: Callable[[str, str], Score]
) -> Iterator[tuple[tuple[float, float], float, str, str]]:
    """Every missing score: by the value of learning it, then by its weight; with its share of the total."""
    names = [name for name, weight in weights.items() if weight > 0]
    shares = np.array([weights[name] for name in names]) / sum(weights[name] for name in names)
    table = [[score(name, runtime) for name in names] for runtime in ranking.order]
    means = np.array([[(cell.low + cell.high) / 2 for cell in row] for row in table]) @ shares
    for row, runtime in enumerate(ranking.order):
        for column, name in enumerate(names):
            if table[row][column].value is None:
                worth = value_of_information(shares, means, alternative=row, criterion=column)
                yield (-worth, -shares[column]), float(shares[column]), name, runtime


def _noisiest(weights: Mapping[str, float], ranking: Ranking, noise: Noise) -> tuple[Missing, ...]:
    """Measured criteria by how much their noise moves the totals of those who compete."""
    spread: dict[str, float] = {}
    for (name, runtime), replicates in noise.scores.items():
        moves = weights.get(name, 0.0) * float(replicates.std())
        if runtime in ranking.group and moves > 0:
            spread[name] = max(spread.get(name, 0.0), moves)
    noisy = sorted(spread, key=lambda name: (-spread[name], name))
    turned = {name for name, _ in noise.turned}
    return tuple(
        Missing(
            what=f"{name} again: it holds only sometimes"
            if name in turned
            else f"{name}, measured for longer"
        )
        for name in noisy[:_MOST_NOISY]
    )
