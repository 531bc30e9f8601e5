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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from evaluation.decide.criteria import Criteria, LossCriterion, MeasuredCriterion, Method, OutcomeCriterion
from evaluation.decide.value import credit_of_share
from evaluation.model import CONTROL, CriterionRow, Finding, Outcome, Score
from evaluation.shares import turns_again
from evaluation.statistics import log_ratios

__all__ = [
    "Key",
    "Noise",
    "Simulation",
    "noise",
    "rare",
    "resampled_medians",
    "simulate",
    "taken_blocks",
]

Draws = NDArray[np.float64]
Key = tuple[str, str]
"""A criterion id and a runtime id."""

_EQUAL = 1e-12
"""Two sums of the same numbers in another order differ by less than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What the scores could as well have been, had other blocks of the same kind been measured.

    ``scores`` holds bootstrap replicates, of shape (resamples,), for every measured score. All rows of one
    probe were resampled alike, block number by block number, so that what one block did to all runtimes does
    not separate them, even where one of them lost a block; ``probes`` names the probe of each row for that
    purpose. ``turned`` are the rows that are shares of turns: no block more tells more of them.
    """

    scores: Mapping[Key, Draws]
    probes: Mapping[Key, str]
    turned: frozenset[Key] = frozenset()


def noise(rows: Iterable[CriterionRow], criteria: Criteria) -> Noise:
    """Bootstrap over blocks the score of every row that rests on a measured figure; over turns, of a share.

    The time that a unit of work loses is drawn by `evaluation.decide.losses`. The bare host's rows are not
    drawn. They tell which blocks there are, whoever else was measured.
    """
    every = tuple(rows)
    blocks = taken_blocks(every)
    scores: dict[Key, Draws] = {}
    probes: dict[Key, str] = {}
    turned: set[Key] = set()
    for row in every:
        criterion, finding = criteria.criteria[row.criterion], row.finding
        if row.runtime == CONTROL or row.score.value is None or isinstance(criterion, LossCriterion):
            continue
        key = (row.criterion, row.runtime)
        if finding and finding.outcome is Outcome.SOMETIMES and isinstance(criterion, OutcomeCriterion):
            scores[key] = _turns_again(criterion, finding, criteria.method)
            probes[key] = finding.probe
            turned.add(key)
        if finding and finding.outcome is Outcome.MEASURED and isinstance(criterion, MeasuredCriterion):
            scores[key] = _replicates(criterion, finding, blocks[finding.probe], criteria.method)
            probes[key] = finding.probe
    return Noise(scores=scores, probes=probes, turned=frozenset(turned))


def rare(chance: float, draws: int, *, at_least: bool = False) -> float:
    """Give a chance as it is shown: what was not seen in so many draws is rare, and not impossible.

    Parameters
    ----------
    chance : float
        Share of the draws, among several who compete.
    draws : int
        How many there were.
    at_least : bool
        It is a lower bound, because evidence is missing: then 0 says nothing, and stays.
    """
    edge = 0.5 / draws
    return min(max(chance, 0.0 if at_least else edge), 1 - edge)


def taken_blocks(rows: Iterable[CriterionRow]) -> Mapping[str, tuple[int, ...]]:
    """Tell which blocks there are of each probe, in order: the bare host has those of every runtime."""
    found: dict[str, set[int]] = {}
    for row in rows:
        if row.finding:
            found.setdefault(row.finding.probe, set()).update(row.finding.blocks)
    return {probe: tuple(sorted(blocks)) for probe, blocks in found.items()}


def _replicates(
    criterion: MeasuredCriterion, finding: Finding, blocks: Sequence[int], method: Method
) -> Draws:
    """Resample the blocks, take the median of each resample, and place it on the scale."""
    is_ratio = criterion.figure == "ratio"
    values = log_ratios(finding.samples, finding.control) if is_ratio else np.asarray(finding.samples)
    own = {block: place for place, block in enumerate(finding.blocks)}
    places = np.array([own.get(block, -1) for block in blocks])
    medians, where = np.unique(resampled_medians(values, places, finding.probe, method), return_inverse=True)
    figures = np.exp(medians) if is_ratio else medians
    scores = np.array([criterion.scale.score(figure) for figure in figures.tolist()])
    replicates: Draws = scores[where]
    return replicates


def _turns_again(criterion: OutcomeCriterion, finding: Finding, method: Method) -> Draws:
    """Draw as many turns again as there were: each runtime's luck is its own."""
    stream = _stream(method.seed.value, f"turns {finding.probe} {finding.runtime}")
    chances = np.array(turns_again(finding.held, finding.turns))
    credit = np.array([credit_of_share(criterion, held / finding.turns) for held in range(len(chances))])
    size = method.bootstrap_resamples.value
    replicates: Draws = credit[stream.choice(len(chances), size=size, p=chances / chances.sum())]
    return replicates


def resampled_medians(values: Draws, places: NDArray[np.int64], probe: str, method: Method) -> Draws:
    """Give the median of each resample of a runtime's blocks, of shape (resamples,).

    Parameters
    ----------
    values : array, shape (blocks that this runtime has,)
        One for each block.
    places : array, shape (blocks,)
        For every block that there is, its place among the runtime's own, or -1. All runtimes draw the same
        block numbers of one probe. One that lacks a block passes over it and draws again, which leaves each
        of its own equally likely; so a block that both have is drawn for both.
    probe : str
        Whose stream of random numbers.
    method : Method
        For the number of resamples and the seed.
    """
    size, seed = method.bootstrap_resamples.value, method.seed.value
    return _medians(tuple(values.tolist()), tuple(places.tolist()), probe, size, seed)


@lru_cache(maxsize=256)
def _medians(values: tuple[float, ...], places: tuple[int, ...], probe: str, size: int, seed: int) -> Draws:
    """Take the middle by ranks, which sort in a third of the time; the bare host's are wanted often."""
    chosen, count = _chosen(places, probe, size, seed), len(values)
    order = np.argsort(values, kind="stable")
    ranks = np.empty(count, np.uint8 if count <= np.iinfo(np.uint8).max else np.int64)
    ranks[order] = np.arange(count)
    drawn = np.sort(ranks[chosen], axis=1)
    ordered = np.asarray(values)[order]
    medians: Draws = (ordered[drawn[:, (count - 1) // 2]] + ordered[drawn[:, count // 2]]) / 2
    medians.setflags(write=False)
    return medians


@lru_cache(maxsize=16)
def _chosen(places: tuple[int, ...], probe: str, size: int, seed: int) -> NDArray[np.int64]:
    """Draw resamples of shape (resamples, blocks of this runtime); most runtimes have the same blocks."""
    own, shape = np.array(places), (size, len(places))
    count = int(np.sum(own >= 0))
    drawn = own[_stream(seed, f"blocks {probe}").integers(len(own), size=shape)]
    more = 0
    while int(np.min(np.sum(drawn >= 0, axis=1))) < count:
        more += 1
        stream = _stream(seed, f"blocks {probe} {more}")
        drawn = np.concatenate([drawn, own[stream.integers(len(own), size=shape)]], axis=1)
    if drawn.shape[1] == count:
        return drawn
    first = np.argsort(drawn < 0, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(drawn, first, axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """The totals in draws of plausible weights and of resampled blocks together.

    ``weights`` has shape (criteria with weight, draws), by name and summing to 1 in every draw; ``low`` and
    ``high`` have shape (runtimes, draws) and differ where evidence is missing.
    """

    names: tuple[str, ...]
    runtimes: tuple[str, ...]
    weights: Draws
    low: Draws
    high: Draws

    def chances(self) -> dict[str, float]:
        """Give the least probability of each runtime to be first; an exact tie is shared."""
        return {
            runtime: _share_of_firsts(self.low[row], np.delete(self.high, row, axis=0))
            for row, runtime in enumerate(self.runtimes)
        }


def simulate(
    field: Sequence[str],
    scores: Mapping[Key, Score],
    weights: Mapping[str, float],
    noise: Noise,
    *,
    method: Method,
    weight_range: float,
) -> Simulation:
    """Draw weights and blocks, and sum up.

    Parameters
    ----------
    field : sequence of str
        The runtimes among which one is first: measured and not knocked out.
    scores : mapping of (criterion, runtime) to Score
        Their scores.
    weights : mapping of str to float
        Points per criterion id.
    noise : Noise
        As `noise` gives it for the same scores.
    method : Method
        For the number of draws and the seed.
    weight_range : float
        Each weight is drawn evenly between its declared value times one minus this and times one
        plus this; 0 for the declared weights alone.
    """
    draws = method.draws.value
    names = tuple(sorted(name for name, weight in weights.items() if weight > 0))
    drawn = _weights(names, weights, weight_range, draws, method.seed.value)
    low, high = np.zeros((len(field), draws)), np.zeros((len(field), draws))
    picks: dict[str, NDArray[np.int64]] = {}
    for name, weight in zip(names, drawn, strict=True):
        for row, runtime in enumerate(field):
            key, score = (name, runtime), scores[name, runtime]
            if score.value is None:
                low[row] += weight * score.low
                high[row] += weight * score.high
                continue
            worth = weight * score.value
            if key in noise.scores:
                probe, replicates = noise.probes[key], noise.scores[key]
                if probe not in picks:
                    stream = _stream(method.seed.value, f"picks {probe}")
                    picks[probe] = stream.integers(len(replicates), size=draws)
                worth = weight * replicates[picks[probe]]
            low[row] += worth
            high[row] += worth
    return Simulation(names=names, runtimes=tuple(field), weights=drawn, low=low, high=high)


def _weights(
    names: Sequence[str], weights: Mapping[str, float], weight_range: float, draws: int, seed: int
) -> Draws:
    """Draw weights that sum to 1 in every draw, of shape (names, draws)."""
    drawn = np.empty((len(names), draws))
    for row, name in zip(drawn, names, strict=True):
        spread = _stream(seed, f"weight {name}").uniform(-weight_range, weight_range, draws)
        row[:] = weights[name] * (1 + spread)
    normalised: Draws = drawn / drawn.sum(axis=0)
    return normalised


def _share_of_firsts(own: Draws, rivals: Draws) -> float:
    if not len(rivals):
        return 1.0
    best = np.max(rivals, axis=0)
    tied = np.sum(np.abs(rivals - own) <= _EQUAL, axis=0)
    return float(np.where(own >= best - _EQUAL, 1.0 / (1.0 + tied), 0.0).mean())


def _stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
