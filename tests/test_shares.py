"""The exact interval of a share, against scipy, and what it covers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluation.shares import share_interval, turns_again


@given(st.integers(1, 60), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_it_is_scipys_exact_interval(turns: int, part: float, confidence: float) -> None:
    held = round(part * turns)
    found = share_interval(held, turns, confidence=confidence)
    expected = stats.binomtest(held, turns).proportion_ci(confidence, method="exact")
    assert found.estimate == held / turns
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_five_of_six_are_known_to_be_between_a_third_and_nearly_always() -> None:
    found = share_interval(5, 6, confidence=0.95)
    assert (round(found.low, 2), round(found.high, 3)) == (0.36, 0.996)


@given(st.integers(1, 30), st.floats(0, 1))
def test_what_comes_next_is_scipys_beta_binomial(turns: int, part: float) -> None:
    held = round(part * turns)
    expected = stats.betabinom.pmf(range(turns + 1), turns, held + 0.5, turns - held + 0.5)
    assert turns_again(held, turns) == pytest.approx(expected.tolist(), abs=1e-12)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.83])
def test_it_covers_at_least_as_often_as_it_says(share: float) -> None:
    intervals = [share_interval(held, 6, confidence=0.95) for held in range(7)]
    chances = [float(stats.binom.pmf(held, 6, share)) for held in range(7)]
    covered = sum(
        chance for found, chance in zip(intervals, chances, strict=True) if found.low <= share <= found.high
    )
    assert covered >= 0.95
