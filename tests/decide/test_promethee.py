"""PROMETHEE II against a published example and against pymcdm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymcdm.methods import PROMETHEE_II

from evaluation.decide.promethee import criterion_flows, net_flows

Shape = tuple[int, int, int]
shapes = st.tuples(st.integers(2, 8), st.integers(1, 12), st.integers(0, 2**31))


def drawn(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    rows, columns, seed = shape
    random = np.random.default_rng(seed)
    return random.random((rows, columns)), random.random(columns) + 0.01


def test_the_example_of_mareschal_de_smet_and_nemery() -> None:
    # Rank reversal in the PROMETHEE II method: some new results, IEEM 2008; the usual criterion, for which
    # any lead counts in full.
    evaluations = [[4, 3, 2], [3, 2, 4], [5, 1, 3]]
    flows = criterion_flows(evaluations, indifference=0.0, preference=1e-9)
    assert net_flows(flows, [0.5, 0.3, 0.2]) == pytest.approx([0.1, -0.3, 0.2])


@given(shapes, st.floats(0.0, 0.3), st.floats(0.31, 1.0))
def test_it_agrees_with_pymcdm(shape: Shape, indifference: float, preference: float) -> None:
    scores, weights = drawn(shape)
    columns = len(weights)
    oracle = PROMETHEE_II("vshape_2", p=np.full(columns, preference), q=np.full(columns, indifference))
    theirs = oracle(scores, weights / weights.sum(), np.ones(columns), validation=False)
    flows = criterion_flows(scores, indifference=indifference, preference=preference)
    assert net_flows(flows, weights) == pytest.approx(theirs, abs=1e-9)


@given(shapes)
def test_many_draws_of_weights_are_one_product(shape: Shape) -> None:
    scores, _ = drawn(shape)
    weights = np.random.default_rng(1).random((5, scores.shape[1])) + 0.01
    flows = criterion_flows(scores, indifference=0.02, preference=0.2)
    together = net_flows(flows, weights)
    assert together == pytest.approx(np.array([net_flows(flows, one) for one in weights]))
    assert together.sum(axis=1) == pytest.approx(np.zeros(5), abs=1e-9)


@pytest.mark.parametrize(
    ("scores", "indifference", "preference", "word"),
    [
        ([[0.5]], 0.0, 0.1, "two alternatives"),
        ([[0.5], [0.6]], 0.2, 0.1, "indifference"),
        ([[0.5], [0.6]], 0.1, 0.1, "indifference"),
        ([[0.5], [0.6]], -0.1, 0.1, "indifference"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    scores: list[list[float]], indifference: float, preference: float, word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        criterion_flows(scores, indifference=indifference, preference=preference)
