"""TOPSIS against the example of the book that introduced it, and against pymcdm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymcdm.methods import TOPSIS

from evaluation.decide.topsis import closeness

shapes = st.tuples(st.integers(2, 8), st.integers(1, 12), st.integers(0, 2**31))


def test_the_fighter_aircraft_of_hwang_and_yoon() -> None:
    # Multiple Attribute Decision Making (1981): speed, range, payload, cost, reliability, manoeuvrability;
    # the qualitative ones on a scale from 1 to 9, columns divided by their lengths.
    aircraft = np.array(
        [
            [2.0, 1500, 20000, 5.5, 5, 9],
            [2.5, 2700, 18000, 6.5, 3, 5],
            [1.8, 2000, 21000, 4.5, 7, 7],
            [2.2, 1800, 20000, 5.0, 5, 5],
        ]
    )
    scores = aircraft / np.sqrt((aircraft**2).sum(axis=0))
    scores[:, 3] *= -1  # a cost
    found = closeness(
        scores, [0.2, 0.1, 0.1, 0.1, 0.2, 0.3], ideal=scores.max(axis=0), opposite=scores.min(axis=0)
    )
    assert found == pytest.approx([0.643, 0.268, 0.613, 0.312], abs=0.001)


@given(shapes)
def test_it_agrees_with_pymcdm(shape: tuple[int, int, int]) -> None:
    rows, columns, seed = shape
    random = np.random.default_rng(seed)
    scores, weights = random.random((rows, columns)), random.random(columns) + 0.01
    oracle = TOPSIS(lambda column, cost: column)  # noqa: ARG005 - so it is called
    theirs = oracle(scores, weights / weights.sum(), np.ones(columns), validation=False)
    ours = closeness(scores, weights, ideal=scores.max(axis=0), opposite=scores.min(axis=0))
    assert ours == pytest.approx(theirs, abs=1e-9)


def test_by_the_declared_ends_a_loser_that_leaves_changes_nothing() -> None:
    random = np.random.default_rng(7)
    scores, weights = random.random((6, 5)), random.random((3, 5))
    assert closeness(scores, weights)[:, 1:] == pytest.approx(closeness(scores[1:], weights))


def test_all_best_is_one_all_worst_is_nought_and_no_distance_is_a_half() -> None:
    assert closeness([[1.0, 1.0], [0.0, 0.0]], [1.0, 3.0]) == pytest.approx([1.0, 0.0])
    assert closeness([[0.3], [0.3]], [1.0], ideal=0.3, opposite=0.3) == pytest.approx([0.5, 0.5])
