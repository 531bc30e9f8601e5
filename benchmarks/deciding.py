"""What deciding costs: 100,000 draws of weights for 8 runtimes and 30 criteria, beside pymcdm."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymcdm.methods import PROMETHEE_II, TOPSIS, WSM
from pymcdm.methods.mcda_method import MCDA_method

from benchmarks.record import CONFIDENCE, Part, Row, of_interval
from evaluation.decide.promethee import criterion_flows, net_flows
from evaluation.decide.sensitivity import acceptability
from evaluation.decide.topsis import closeness
from evaluation.statistics import median_interval, paired_ratio

__all__ = ["deciding"]

DRAWS, RUNTIMES, CRITERIA = 100_000, 8, 30
BLOCKS = 9
THEIRS = 200
"""So many draws of pymcdm's, which takes one set of weights at a time, stand for all; the cost is linear."""

Floats = NDArray[np.float64]


def deciding(_: Path, *, blocks: int = BLOCKS, draws: int = DRAWS, theirs: int = THEIRS) -> Part:
    """Time each method over all draws, ours and pymcdm's in random order in every block."""
    random = np.random.default_rng(1)
    scores = random.random((RUNTIMES, CRITERIA))
    weights = random.random((draws, CRITERIA)) + 0.01
    weights /= weights.sum(axis=1, keepdims=True)
    thresholds = {"p": np.full(CRITERIA, 0.3), "q": np.full(CRITERIA, 0.02)}
    oracles: dict[str, Callable[[], MCDA_method]] = {  # PROMETHEE's may be called once
        "additive value": lambda: WSM(_as_it_is),
        "PROMETHEE II": lambda: PROMETHEE_II("vshape_2", **thresholds),
        "TOPSIS": lambda: TOPSIS(_as_it_is),
    }
    ours: dict[str, Callable[[], Floats]] = {
        "additive value": lambda: weights @ scores.T,
        "PROMETHEE II": lambda: net_flows(
            criterion_flows(scores, indifference=0.02, preference=0.3), weights
        ),
        "TOPSIS": lambda: closeness(scores, weights),
        "rank acceptability": lambda: acceptability(weights @ scores.T),
    }
    taken: dict[str, list[float]] = {}
    for _block in range(blocks):
        for name in random.permutation(list(ours)).tolist():
            taken.setdefault(name, []).append(_seconds(ours[name]))
            if name in oracles:
                spent = _seconds(partial(_one_by_one, oracles[name], scores, weights[:theirs]))
                taken.setdefault(f"{name}, pymcdm", []).append(spent * draws / theirs)
    rows = [of_interval(name, median_interval(taken[name], confidence=CONFIDENCE), "s") for name in ours]
    rows += [
        of_interval(
            f"{name}: pymcdm over ours",
            paired_ratio(taken[f"{name}, pymcdm"], taken[name], confidence=CONFIDENCE),
            "1",
            f"pymcdm from {theirs} draws",
        )
        for name in oracles
    ]
    apart = _apart(oracles, scores, weights[:theirs])
    rows += [
        Row(name=f"{name}: largest difference from pymcdm", unit="1", estimate=most, remark=f"{theirs} draws")
        for name, most in apart.items()
    ]
    return Part(
        name="deciding",
        title=f"Deciding: {draws:,} draws, {RUNTIMES} runtimes, {CRITERIA} criteria",
        answer=_answer(taken, max(apart.values())),
        rows=tuple(rows),
        raw=taken,
    )


def _as_it_is(column: Floats, cost: bool) -> Floats:  # noqa: ARG001, FBT001 - so it is called
    return column


def _one_by_one(oracle: Callable[[], MCDA_method], scores: Floats, weights: Floats) -> list[Floats]:
    types = np.ones(scores.shape[1])
    return [oracle()(scores, row, types, validation=False) for row in weights]


def _apart(
    oracles: dict[str, Callable[[], MCDA_method]], scores: Floats, weights: Floats
) -> dict[str, float]:
    """How far ours and pymcdm's values are from each other in the same draws, at most.

    Its TOPSIS measures from the best and worst that are there; for this alone ours does too.
    """
    flows = criterion_flows(scores, indifference=0.02, preference=0.3)
    observed = {"ideal": scores.max(axis=0), "opposite": scores.min(axis=0)}
    ours = {
        "additive value": weights @ scores.T,
        "PROMETHEE II": net_flows(flows, weights),
        "TOPSIS": closeness(scores, weights, **observed),
    }
    return {
        name: float(np.max(np.abs(values - _one_by_one(oracles[name], scores, weights))))
        for name, values in ours.items()
    }


def _answer(taken: dict[str, list[float]], apart: float) -> str:
    seconds = float(np.median(taken["additive value"]))
    took = f"All totals of all draws take {seconds * 1000:.1f} ms"
    return f"{took}; ours and pymcdm's differ by {apart:.1g} at most."


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
