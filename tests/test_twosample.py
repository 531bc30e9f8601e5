"""Two independent samples: scipy is the oracle, simulation holds the promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluation.twosample import rank_sum_p, shift

sizes = st.integers(1, 25)


@given(sizes, sizes, st.integers(0, 2**31), st.floats(-2, 2))
def test_the_p_value_is_that_of_scipy(n: int, m: int, seed: int, moved: float) -> None:
    random = np.random.default_rng(seed)
    before, after = random.normal(size=n), random.normal(size=m) + moved
    theirs = stats.mannwhitneyu(before, after, alternative="two-sided", method="exact").pvalue
    assert rank_sum_p(before, after) == pytest.approx(theirs, abs=1e-9)


def test_an_example_by_hand() -> None:
    # Three against three without overlap: one of the twenty orders at either end.
    assert rank_sum_p([1, 2, 3], [4, 5, 6]) == pytest.approx(0.1)
    assert rank_sum_p([1, 2, 3], [1, 2, 3]) == 1.0
    assert rank_sum_p([], [1.0]) == 1.0


def test_the_shift_is_the_median_difference_with_an_interval_that_covers() -> None:
    random = np.random.default_rng(11)
    covered = 0
    for _ in range(1000):
        before, after = random.laplace(size=12), random.laplace(size=15) + 0.7
        found = shift(before, after, confidence=0.95)
        assert found is not None
        assert found.low <= found.estimate <= found.high
        covered += found.low <= 0.7 <= found.high
    assert covered >= 940


@given(sizes, sizes, st.integers(0, 2**31))
def test_the_interval_leaves_out_nothing_exactly_where_the_test_would_claim(
    n: int, m: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    before, after = random.normal(size=n), random.normal(size=m) + 1
    found = shift(before, after, confidence=0.95)
    if found is None:
        assert rank_sum_p(np.arange(n), np.arange(m) + 1e6) > 0.05
        return
    assert (found.low > 0 or found.high < 0) == (rank_sum_p(before, after) <= 0.05)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        rank_sum_p([1.0], [float("nan")])
