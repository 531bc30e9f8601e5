"""How sure the first place is: P(first) over plausible weights and measurement noise together.

Joint Monte Carlo in the manner of stochastic multicriteria acceptability analysis (R. Lahdelma and
P. Salminen, Operations Research 49 (2001) 444-454), with the noise from a bootstrap of the blocks (B. Efron
and R. J. Tibshirani, An Introduction to the Bootstrap (1993)). What is not known is not drawn: a
runtime's own gaps count as worst, its rivals' gaps as best, so the result is a lower bound and
hiding a bad result can only lower one's own chance.

Every stream of random numbers belongs to one criterion or probe and not to a place in a list, so that
neither the order nor the presence of other runtimes moves a runtime's draws.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.decide.criteria import Criteria, MeasuredCriterion
from evaluation.model import CriterionRow, Finding, Outcome
from evaluation.statistics import log_ratios

__all__ = ["first_place_chances"]

Draws = NDArray[np.float64]

_EQUAL = 1e-12
"""Two sums of the same numbers in another order differ by less than this."""


def first_place_chances(
    field: Sequence[str],
    rows: Mapping[tuple[str, str], CriterionRow],
    weights: Mapping[str, float],
    criteria: Criteria,
    *,
    weight_range: float,
) -> dict[str, float]:
    """Estimate for each runtime the least probability that it is first.

    Parameters
    ----------
    field : sequence of str
        The runtimes among which one is first: measured and not knocked out.
    rows : mapping of (criterion, runtime) to CriterionRow
        Their scores with the findings behind them.
    weights : mapping of str to float
        Points per criterion id.
    criteria : Criteria
        For the scales, the number of draws and the seed.
    weight_range : float
        Each weight is drawn evenly from its declared value times one minus to one plus this; 0 for
        the declared weights alone.

    Returns
    -------
    dict of str to float
        An exact tie for the first place is shared.
    """
    method = criteria.method
    draws, seed = method.draws.value, method.seed.value
    low = {runtime: np.zeros(draws) for runtime in field}
    high = {runtime: np.zeros(draws) for runtime in field}
    names = sorted(name for name, weight in weights.items() if weight > 0)
    for name, weight in zip(names, _weights(names, weights, weight_range, draws, seed), strict=True):
        for runtime in field:
            row = rows[name, runtime]
            if row.score.value is None:
                high[runtime] += weight
                continue
            worth = weight * _noisy(row, criteria)
            low[runtime] += worth
            high[runtime] += worth
    return {
        runtime: _share_of_firsts(low[runtime], [high[rival] for rival in field if rival != runtime])
        for runtime in field
    }


def _weights(
    names: Sequence[str], weights: Mapping[str, float], weight_range: float, draws: int, seed: int
) -> Draws:
    """Draw weights that sum to 1, of shape (criteria, draws)."""
    drawn = np.empty((len(names), draws))
    total = sum(weights[name] for name in names)
    for row, name in zip(drawn, names, strict=True):
        spread = _stream(seed, f"weight {name}").uniform(-weight_range, weight_range, draws)
        row[:] = weights[name] / total * (1 + spread)
    return drawn / drawn.sum(axis=0)


def _noisy(row: CriterionRow, criteria: Criteria) -> Draws | float:
    """Draw the score of one known row: its point where it has no noise, else bootstrap replicates.

    All runtimes of a probe with equally many blocks see the same resampled blocks in the same draw, so
    that what a block did to all of them alike does not separate them.
    """
    criterion, finding, point = criteria.criteria[row.criterion], row.finding, row.score.value
    assert point is not None  # noqa: S101 - the caller has looked
    if finding is None or finding.outcome is not Outcome.MEASURED or not isinstance(criterion, MeasuredCriterion):
        return point
    method = criteria.method
    stream = _stream(method.seed.value, f"blocks {finding.probe}")
    picks = stream.integers(method.bootstrap_resamples.value, size=method.draws.value)
    figures = _replicates(finding, criterion.figure, method.bootstrap_resamples.value, stream)
    scores = np.fromiter((criterion.scale.score(figure) for figure in figures.tolist()), np.float64)
    noisy: Draws = scores[picks]
    return noisy


def _replicates(finding: Finding, figure: str, resamples: int, stream: np.random.Generator) -> Draws:
    """Bootstrap the median over blocks, of shape (resamples,), in the unit of the figure."""
    blocks = (
        log_ratios(finding.samples, finding.control) if figure == "ratio" else np.asarray(finding.samples)
    )
    chosen = stream.integers(len(blocks), size=(resamples, len(blocks)))
    medians: Draws = np.median(blocks[chosen], axis=1)
    return np.exp(medians) if figure == "ratio" else medians


def _share_of_firsts(own: Draws, rivals: Sequence[Draws]) -> float:
    if not rivals:
        return 1.0
    best = np.max(rivals, axis=0)
    tied = np.sum([np.abs(rival - own) <= _EQUAL for rival in rivals], axis=0)
    firsts = np.where(own >= best - _EQUAL, 1.0 / (1.0 + tied), 0.0)
    return float(firsts.mean())


def _stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
