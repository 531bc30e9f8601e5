"""Estimates against worked examples, against scipy, and against a planted truth."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from evaluation.model import Comparison, Interval
from evaluation.statistics import (
    Claim,
    attained_confidence,
    compare,
    half_width_reached,
    holm,
    median_interval,
    noise_floor,
    paired_ratio,
    settle,
)

Noise = Callable[[np.random.Generator, int], NDArray[np.float64]]
QUIET = Interval(estimate=1.0, low=0.99, high=1.01)

NOISES: dict[str, Noise] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy-tailed": lambda rng, n: rng.standard_t(3, size=n),
    "skewed": lambda rng, n: rng.exponential(size=n) - math.log(2),
}


def test_the_interval_of_a_median_has_the_depth_of_the_published_tables() -> None:
    """n = 12: ranks 3 and 10 cover 96.14 %, ranks 4 and 9 cover 85.40 %; 95 % lies a little within."""
    interval = median_interval(range(1, 13), confidence=0.95)
    assert interval is not None
    assert interval.estimate == 6.5
    assert 3 < interval.low < 3.3
    assert interval.low + interval.high == pytest.approx(13)


def test_at_an_attainable_level_the_ends_are_order_statistics() -> None:
    exactly = 1 - 2 * float(stats.binom.cdf(2, 12, 0.5))
    interval = median_interval(range(1, 13), confidence=exactly)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((3, 10))


@pytest.mark.parametrize(
    ("n", "expected"), [(1, 0.0), (2, 0.5), (3, 0.75), (4, 0.875), (5, 0.9375), (6, 0.95), (30, 0.95)]
)
def test_few_blocks_cannot_be_surer_than_they_are(n: int, expected: float) -> None:
    assert attained_confidence(n, 0.95) == expected


@pytest.mark.parametrize("n", [3, 4, 5])
def test_the_interval_of_very_few_blocks_is_their_full_range(n: int) -> None:
    interval = median_interval(range(n), confidence=0.95)
    assert interval is not None
    assert (interval.low, interval.high) == (0, n - 1)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_blocks_have_no_interval(n: int) -> None:
    assert median_interval([1.0] * n, confidence=0.95) is None
    assert paired_ratio([1.0] * n, [1.0] * n, confidence=0.95) is None


@pytest.mark.parametrize("bad", [[1.0, 2.0], [1.0, 2.0, 0.0], [1.0, 2.0, -3.0], [1.0, 2.0, math.nan]])
def test_what_has_no_ratio_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match=r"blocks|zero|finite"):
        paired_ratio([1.0, 2.0, 3.0], bad, confidence=0.95)


@given(
    st.lists(st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)), min_size=3, max_size=30),
    st.floats(0.01, 100),
)
def test_the_ratio_turned_round_is_the_reciprocal_and_units_do_not_matter(
    pairs: list[tuple[float, float]], unit: float
) -> None:
    ours, theirs = np.array(pairs).T
    ratio = paired_ratio(ours, theirs, confidence=0.95)
    back = paired_ratio(theirs, ours, confidence=0.95)
    scaled = paired_ratio(unit * ours, unit * theirs, confidence=0.95)
    assert ratio is not None
    assert back is not None
    assert scaled is not None
    assert ratio.low <= ratio.estimate <= ratio.high
    assert (1 / back.high, 1 / back.estimate, 1 / back.low) == pytest.approx(
        (ratio.low, ratio.estimate, ratio.high)
    )
    assert (scaled.low, scaled.estimate, scaled.high) == pytest.approx(
        (ratio.low, ratio.estimate, ratio.high)
    )


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("n", [6, 10, 12, 20, 41])
def test_the_interval_covers_a_planted_ratio_as_often_as_it_says(noise: str, n: int) -> None:
    """4,000 runs: the standard error of a share of 95 % is 0.35 %, so 2 % either way is six of them."""
    rng, truth = np.random.default_rng(n), 3.0
    covered = 0
    for _ in range(4000):
        host = np.exp(NOISES["normal"](rng, n))  # blocks differ; what differs from block to block cancels
        ratio = paired_ratio(truth * host * np.exp(0.1 * NOISES[noise](rng, n)), host, confidence=0.95)
        assert ratio is not None
        covered += ratio.low <= truth <= ratio.high
    assert 0.93 <= covered / 4000 <= 0.97


def test_stopping_when_the_width_is_reached_leaves_the_coverage_near_what_it_says() -> None:
    """Looking after 12, 18, 27, 40 and 60 blocks costs about a hundredth of coverage, no more."""
    rng, covered, taken = np.random.default_rng(7), 0, []
    for _ in range(3000):
        samples, control = np.exp(0.06 * rng.normal(size=60)), np.ones(60)
        for n in (12, 18, 27, 40, 60):
            if half_width_reached(samples[:n], control[:n], confidence=0.95, target=0.04, at_least=12):
                break
        ratio = paired_ratio(samples[:n], control[:n], confidence=0.95)
        assert ratio is not None
        covered += ratio.low <= 1 <= ratio.high
        taken.append(n)
    assert {12, 18, 27} <= set(taken)
    assert 0.92 <= covered / 3000 <= 0.97


def test_stopping_looks_at_the_width_and_not_at_the_effect() -> None:
    samples = np.exp(0.05 * np.random.default_rng(3).normal(size=20))
    for effect in (0.01, 1.0, 500.0):
        reached = [
            half_width_reached(effect * samples, np.ones(20), confidence=0.95, target=target, at_least=6)
            for target in (0.001, 0.05)
        ]
        assert reached == [False, True]
    assert not half_width_reached(np.ones(5), np.ones(5), confidence=0.95, target=0.5, at_least=6)


def test_holm_by_the_steps_of_his_paper() -> None:
    """0.01 x 4; 0.02 x 3; 0.03 x 2 may not fall below the step before; 0.9 stays below one."""
    assert holm([0.03, 0.01, 0.9, 0.02]) == pytest.approx((0.06, 0.04, 0.9, 0.06))
    assert holm([0.7, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()


@given(st.integers(6, 40), st.data())
def test_the_p_value_of_a_difference_is_that_of_the_sign_test(n: int, data: st.DataObject) -> None:
    above = data.draw(st.integers(n // 2 + 1, n))
    claim = compare([2.0] * above + [0.5] * (n - above), [1.0] * n, margin=0.05, noise=QUIET, maximise=False)
    assert claim.comparison is Comparison.WORSE
    assert claim.p_value == pytest.approx(stats.binomtest(above, n).pvalue)


@pytest.mark.parametrize(
    ("ratio", "maximise", "expected"),
    [
        (3.0, False, Comparison.WORSE),
        (3.0, True, Comparison.BETTER),
        (0.3, False, Comparison.BETTER),
        (0.3, True, Comparison.WORSE),
        (1.02, False, Comparison.EQUIVALENT),
        (0.97, True, Comparison.EQUIVALENT),
    ],
)
def test_every_claim_can_be_made(ratio: float, maximise: bool, expected: Comparison) -> None:  # noqa: FBT001
    claim = compare([ratio] * 12, [1.0] * 12, margin=0.05, noise=QUIET, maximise=maximise)
    assert claim == Claim(comparison=expected, p_value=2**-11)
    assert settle([claim] * 40, confidence=0.95) == (expected,) * 40


def test_nothing_is_claimed_below_the_noise_floor() -> None:
    loud = Interval(estimate=1.0, low=0.8, high=1.2)
    for ratio in (1.02, 1.1):
        claim = compare([ratio] * 12, [1.0] * 12, margin=0.05, noise=loud, maximise=False)
        assert settle([claim], confidence=0.95) == (Comparison.UNRESOLVED,)
    claim = compare([1.5] * 12, [1.0] * 12, margin=0.05, noise=loud, maximise=False)
    assert settle([claim], confidence=0.95) == (Comparison.WORSE,)


def test_nothing_is_claimed_without_the_second_host_arm() -> None:
    claim = compare([3.0] * 12, [1.0] * 12, margin=0.05, noise=None, maximise=False)
    assert settle([claim], confidence=0.95) == (Comparison.UNRESOLVED,)


def test_a_claim_must_survive_its_family() -> None:
    """Eight blocks give p = 1/128: enough for six comparisons, not for seven."""
    claim = compare([3.0] * 8, [1.0] * 8, margin=0.05, noise=QUIET, maximise=False)
    assert set(settle([claim] * 6, confidence=0.95)) == {Comparison.WORSE}
    assert set(settle([claim] * 7, confidence=0.95)) == {Comparison.UNRESOLVED}


def test_false_claims_are_as_rare_as_promised_over_a_whole_page() -> None:
    """Ten comparisons of the host with itself, and the margin's border, where erring is easiest."""
    rng, wrong = np.random.default_rng(11), 0
    for _ in range(400):
        claims = []
        for comparison in range(10):
            host, again = np.exp(0.03 * rng.normal(size=(2, 14)))
            truth = 1.05 if comparison % 2 else 1.0
            ours = truth * np.exp(0.03 * rng.normal(size=14))
            floor = noise_floor(host, again, confidence=0.95)
            claims.append(compare(ours, host, margin=0.05, noise=floor, maximise=False))
        settled = settle(claims, confidence=0.95)
        wrong += any(
            claim is not Comparison.UNRESOLVED
            if comparison % 2
            else claim in {Comparison.BETTER, Comparison.WORSE}
            for comparison, claim in enumerate(settled)
        )
    assert wrong / 400 <= 0.05
