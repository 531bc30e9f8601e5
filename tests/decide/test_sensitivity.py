"""What the answer hangs on, held against trying it out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evaluation.decide.sensitivity import (
    acceptability,
    central_weights,
    lead,
    leaders_without,
    smallest_flip,
    stability_interval,
    value_of_information,
)

Problem = tuple[np.ndarray, np.ndarray, int]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Weights, scores, and who is first."""
    rows, columns = draw(st.integers(2, 6)), draw(st.integers(2, 7))
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    weights, scores = random.random(columns) * 20 + 0.5, random.random((rows, columns))
    return weights, scores, int(np.argmax(scores @ weights))


def first(weights: np.ndarray, scores: np.ndarray, criterion: int, weight: float) -> int:
    changed = weights.copy()
    changed[criterion] = weight
    return int(np.argmax(scores @ changed))


# ---- stability -----------------------------------------------------------------------------------


def test_an_example_by_hand() -> None:
    # Lead of the first over the second: 0.4 on one criterion, -0.2 on the other; 10 and 10 points.
    scores = [[0.9, 0.3], [0.5, 0.5]]
    assert stability_interval([10, 10], scores, scores, winner=0, criterion=0) == pytest.approx((5, math.inf))
    assert stability_interval([10, 10], scores, scores, winner=0, criterion=1) == pytest.approx((0, 20))


@given(problems(), st.integers(0, 6))
def test_inside_the_interval_the_winner_stays_and_outside_it_does_not(problem: Problem, column: int) -> None:
    weights, scores, winner = problem
    criterion = column % len(weights)
    low, high = stability_interval(weights, scores, scores, winner=winner, criterion=criterion)
    assert low <= weights[criterion] <= high
    for inside in (low + 1e-6, min(high - 1e-6, 1e6), weights[criterion]):
        assert first(weights, scores, criterion, inside) == winner
    if low > 1e-6:
        assert first(weights, scores, criterion, low - 1e-6) != winner
    if math.isfinite(high):
        assert first(weights, scores, criterion, high + 1e-6) != winner


@given(problems(), st.integers(0, 6))
def test_missing_evidence_only_narrows_it(problem: Problem, column: int) -> None:
    weights, scores, winner = problem
    criterion = column % len(weights)
    low, high = scores.copy(), scores.copy()
    low[winner, 0], high[(winner + 1) % len(scores), 1] = 0.0, 1.0
    certain = stability_interval(weights, scores, scores, winner=winner, criterion=criterion)
    narrower = stability_interval(weights, low, high, winner=winner, criterion=criterion)
    assert math.isnan(narrower[0]) or (narrower[0] >= certain[0] - 1e-9 and narrower[1] <= certain[1] + 1e-9)


def test_who_cannot_be_first_by_this_weight_has_no_interval() -> None:
    scores = [[0.5, 0.1], [0.5, 0.9]]
    assert all(math.isnan(end) for end in stability_interval([5, 5], scores, scores, winner=0, criterion=0))


def test_without_rivals_every_weight_will_do() -> None:
    assert stability_interval([5, 5], [[0.5, 0.1]], [[0.5, 0.1]], winner=0, criterion=0) == (0.0, math.inf)


# ---- the smallest flip ---------------------------------------------------------------------------


@given(problems())
def test_the_flip_is_level_and_nothing_nearer_is(problem: Problem) -> None:
    weights, scores, winner = problem
    flip = smallest_flip(weights, scores, winner=winner)
    if flip is None:
        for criterion in range(len(weights)):
            assert first(weights, scores, criterion, 0.0) == winner
            assert first(weights, scores, criterion, 1e7) == winner
        return
    changed = weights.copy()
    changed[flip.criterion] = flip.weight
    totals = scores @ changed / changed.sum()
    assert totals[flip.rival] == pytest.approx(totals[winner], abs=1e-9)
    change = abs(flip.weight - weights[flip.criterion])
    for criterion, weight in enumerate(weights):
        for nearer in (weight - change * 0.999, weight + change * 0.999):
            assert first(weights, scores, criterion, max(0.0, nearer)) == winner


def test_a_dominating_winner_cannot_be_flipped() -> None:
    assert smallest_flip([3, 4], [[0.9, 0.8], [0.2, 0.1]], winner=0) is None


# ---- leaving out, acceptability, central weights -------------------------------------------------


@given(problems())
def test_leaving_out_is_a_weight_of_nought(problem: Problem) -> None:
    weights, scores, _ = problem
    expected = tuple(first(weights, scores, criterion, 0.0) for criterion in range(len(weights)))
    assert leaders_without(weights, scores) == expected


def test_of_a_single_criterion_nothing_is_left() -> None:
    assert leaders_without([3.0, 0.0], [[0.5, 0.1], [0.4, 0.9]]) == (None, 0)


def test_ranks_and_central_weights_are_counted() -> None:
    totals = [[0.9, 0.5, 0.1], [0.9, 0.5, 0.1], [0.2, 0.5, 0.1], [0.9, 0.1, 0.5]]
    weights = [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.9, 0.1]]
    expected = [[0.75, 0.25, 0.0], [0.25, 0.5, 0.25], [0.0, 0.25, 0.75]]
    assert acceptability(totals) == pytest.approx(np.array(expected))
    central = central_weights(weights, totals)
    assert central[0] == pytest.approx([0.8, 0.2])
    assert central[1] == pytest.approx([0.0, 1.0])
    assert np.isnan(central[2]).all()


# ---- the value of information --------------------------------------------------------------------


@given(st.integers(0, 2**31), st.integers(2, 5))
def test_the_closed_form_is_what_drawing_gives(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    shares, means = random.dirichlet(np.ones(3)), random.uniform(0.3, 0.7, count)
    found = value_of_information(shares, means, alternative=0, criterion=1)
    learnt = means[0] + shares[1] * ((np.arange(20_000) + 0.5) / 20_000 - 0.5)
    drawn = np.maximum(learnt, means[1:].max()).mean() - means.max()
    assert found == pytest.approx(drawn, abs=1e-5)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_what_cannot_change_the_choice_is_worth_nothing(own: float, rival: float) -> None:
    assume(abs(own - rival) > 0.051)
    assert value_of_information([0.1, 0.9], [own, rival], alternative=0, criterion=0) == 0.0
    assert value_of_information([0.1, 0.9], [own], alternative=0, criterion=0) == 0.0


def test_the_lead_is_over_the_nearest_rival_with_the_gaps_against_the_winner() -> None:
    low, high = [[0.5, 0.9], [0.4, 0.4], [0.0, 0.0]], [[1.0, 0.9], [0.4, 0.4], [0.2, 1.0]]
    assert lead([10, 10], low, high, winner=0) == pytest.approx(0.7 - 0.6)
    assert lead([10, 10], low[:1], high[:1], winner=0) is None


def test_several_criteria_are_moved_together_in_their_proportions() -> None:
    weights, scores = [6.0, 2.0, 4.0], [[0.9, 0.2, 0.4], [0.1, 0.9, 0.8]]
    low, high = stability_interval(weights, scores, scores, winner=0, criterion=[0, 1])
    for end in (low, high):
        if 0 < end < math.inf:
            moved = np.array([6 * end / 8, 2 * end / 8, 4])
            assert lead(moved, scores, scores, winner=0) == pytest.approx(0)
    assert 0 < low < 8 < high
    alone = stability_interval(weights, scores, scores, winner=0, criterion=[2])
    assert alone == stability_interval(weights, scores, scores, winner=0, criterion=2)
