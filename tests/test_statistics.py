"""Estimates against worked examples, against scipy, and against a planted truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluation.measure.profiles import PROFILES
from evaluation.model import Comparison, Interval
from evaluation.statistics import (
    Claim,
    attained_confidence,
    blocks_to_claim,
    compare,
    half_width_reached,
    holm,
    in_favour_needed,
    median_interval,
    noise_floor,
    paired_ratio,
    settle,
)

QUIET = Interval(estimate=1.0, low=0.99, high=1.01)
SILENT = Interval(estimate=1.0, low=1.0, high=1.0)


# -- worked examples ---------------------------------------------------------------------------------


def test_the_interval_of_a_median_by_minitabs_worked_example() -> None:
    """Chromium in 12 samples: ranks 4 and 9 give 85.40 %, 3 and 10 96.14 %, interpolated 95.00 %.

    Minitab Support, "Interpret the key results for 1-Sample Sign"; by Hettmansperger and Sheather's formula.
    The page gives the four order statistics and the median; the other values stand anywhere between.
    """
    chromium = [17.0, 17.1, 17.4, 17.5, 17.6, 17.6, 17.8, 17.9, 18.1, 19.0, 19.1, 19.2]
    found = {level: median_interval(chromium, confidence=level) for level in (0.8540, 0.95, 0.96142578125)}
    ends = {level: (item.low, item.high) for level, item in found.items() if item}
    assert ends[0.8540] == pytest.approx((17.5, 18.1), abs=1e-3)
    assert ends[0.95] == pytest.approx((17.4263, 18.7632), abs=5e-5)
    assert ends[0.96142578125] == pytest.approx((17.4, 19.0))
    assert found[0.95] is not None
    assert found[0.95].estimate == pytest.approx(17.7)


@pytest.mark.parametrize(
    ("n", "rank", "confidence"),
    [
        (6, 1, 0.969), (8, 1, 0.992), (9, 2, 0.961), (10, 2, 0.979), (11, 3, 0.935), (12, 3, 0.961),
        (12, 4, 0.854), (14, 4, 0.943), (15, 4, 0.965), (17, 5, 0.951), (18, 5, 0.969), (20, 6, 0.959),
    ],
)  # fmt: skip
def test_order_statistics_have_the_confidence_of_the_printed_tables(
    n: int, rank: int, confidence: float
) -> None:
    """Confidence intervals for the population median, as tables of textbooks have them to three digits."""
    interval = median_interval(range(1, n + 1), confidence=confidence)
    assert interval is not None
    assert interval.low == pytest.approx(rank, abs=0.05)
    assert interval.low + interval.high == pytest.approx(n + 1)


@pytest.mark.parametrize(
    ("n", "five_percent", "one_percent"),
    [
        (6, 0, None), (8, 0, 0), (9, 1, 0), (12, 2, 1), (15, 3, 2), (18, 4, 3), (20, 5, 3), (24, 6, 5),
        (25, 7, 5),
    ],
)  # fmt: skip
def test_the_sign_test_has_the_critical_values_of_the_printed_table(
    n: int, five_percent: int, one_percent: int | None
) -> None:
    """M. F. Triola, Elementary Statistics, table A-7: the less frequent sign, two-tailed."""
    assert n - in_favour_needed(n, level=0.05) == five_percent
    assert n - in_favour_needed(n, level=0.01) == (-1 if one_percent is None else one_percent)


def test_the_sign_test_by_a_textbooks_example() -> None:
    """L. J. Stephens, Schaum's Outline of Beginning Statistics, ch. 14: 3 of 10 prefer it, p = 0.34375."""
    claim = compare([0.5] * 3 + [2.0] * 7, [1.0] * 10, margin=0.05, noise=QUIET, maximise=False)
    assert claim.p_difference == 0.34375


def test_holm_by_a_worked_example() -> None:
    """Four p-values, by the steps of the paper: 0.005 and 0.01 stand at 5 %, 0.03 and 0.04 do not.

    Thresholds 0.0125, 0.0167, 0.025, 0.05; the example of Wikipedia's article on the method.
    """
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    assert [p <= 0.05 for p in adjusted] == [True, False, False, True]
    assert adjusted == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_holm_on_the_fifteen_p_values_of_benjamini_and_hochberg() -> None:
    """J. R. Statist. Soc. B 57 (1995) 289-300, section 4: the three smallest stand at 5 %."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719]
    adjusted = holm([*p, 0.6528, 0.7590, 1.0])
    assert sum(value <= 0.05 for value in adjusted) == 3


@given(st.lists(st.floats(0.9, 1.1), min_size=8, max_size=40), st.floats(0.01, 0.1))
def test_two_one_sided_tests_are_an_interval_within_the_margin(ratios: list[float], margin: float) -> None:
    """Schuirmann 1987: equivalent exactly when the interval of the same tests lies within the margin."""
    n = len(ratios)
    logs, border = np.sort(np.log(ratios)), math.log1p(margin)
    k = n - in_favour_needed(n, level=0.05)
    within = -border < logs[k] and logs[n - 1 - k] < border
    claim = compare(ratios, [1.0] * n, margin=margin, noise=SILENT, maximise=True)
    assert (claim.p_equivalence <= 0.05) == within


# -- intervals ---------------------------------------------------------------------------------------


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


def test_stopping_looks_at_the_width_and_not_at_the_effect() -> None:
    samples = np.exp(0.05 * np.random.default_rng(3).normal(size=20))
    for effect in (0.01, 1.0, 500.0):
        reached = [
            half_width_reached(effect * samples, np.ones(20), target=target, at_least=6)
            for target in (0.001, 0.08)
        ]
        assert reached == [False, True]
    assert not half_width_reached(np.ones(5), np.ones(5), target=0.5, at_least=6)


def test_holm_never_falls_below_the_step_before() -> None:
    assert holm([0.03, 0.01, 0.9, 0.02]) == pytest.approx((0.06, 0.04, 0.9, 0.06))
    assert holm([0.7, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()


# -- claims ------------------------------------------------------------------------------------------


@given(st.integers(6, 40), st.data())
def test_the_p_value_of_a_difference_is_that_of_the_sign_test(n: int, data: st.DataObject) -> None:
    above = data.draw(st.integers(n // 2 + 1, n))
    claim = compare([2.0] * above + [0.5] * (n - above), [1.0] * n, margin=0.05, noise=QUIET, maximise=False)
    assert claim.difference is Comparison.WORSE
    assert claim.p_difference == pytest.approx(stats.binomtest(above, n).pvalue)


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
    assert min(claim.p_difference, claim.p_equivalence) == 2**-11
    assert settle([claim] * 40, confidence=0.95) == (expected,) * 40


def test_nothing_is_claimed_below_the_noise_floor() -> None:
    loud = Interval(estimate=1.0, low=0.8, high=1.2)
    for ratio in (1.02, 1.1):
        claim = compare([ratio] * 12, [1.0] * 12, margin=0.05, noise=loud, maximise=False)
        assert settle([claim], confidence=0.95) == (Comparison.UNRESOLVED,)
    claim = compare([1.5] * 12, [1.0] * 12, margin=0.05, noise=loud, maximise=False)
    assert settle([claim], confidence=0.95) == (Comparison.WORSE,)


def test_a_difference_that_is_known_to_be_small_is_equivalent() -> None:
    """Sure to be above the host and sure to be within the margin, which says that it does not matter."""
    claim = compare([1.02] * 12, [1.0] * 12, margin=0.05, noise=QUIET, maximise=False)
    assert claim == Claim(difference=Comparison.WORSE, p_difference=2**-11, p_equivalence=2**-11)
    assert settle([claim], confidence=0.95) == (Comparison.EQUIVALENT,)


def test_a_ratio_on_the_margin_is_found_to_differ() -> None:
    spread = np.exp(0.04 * np.linspace(-1, 1, 20))
    claim = compare(1.05 * spread, np.ones(20), margin=0.05, noise=QUIET, maximise=False)
    assert settle([claim], confidence=0.95) == (Comparison.WORSE,)


def test_nothing_is_claimed_without_the_second_host_arm() -> None:
    claim = compare([3.0] * 12, [1.0] * 12, margin=0.05, noise=None, maximise=False)
    assert settle([claim], confidence=0.95) == (Comparison.UNRESOLVED,)


def test_a_claim_must_survive_its_family() -> None:
    """Eight blocks give p = 1/128: enough for six comparisons, not for seven."""
    claim = compare([3.0] * 8, [1.0] * 8, margin=0.05, noise=QUIET, maximise=False)
    assert set(settle([claim] * 6, confidence=0.95)) == {Comparison.WORSE}
    assert set(settle([claim] * 7, confidence=0.95)) == {Comparison.UNRESOLVED}


@pytest.mark.parametrize("comparisons", [1, 2, 6, 25, 45, 90, 400])
def test_the_fewest_blocks_to_claim_from_are_those_of_the_exact_test(comparisons: int) -> None:
    """Against scipy's binomial test times the number of comparisons, and against `settle` itself."""
    fewest = blocks_to_claim(comparisons, confidence=0.95)
    quiet = Interval(estimate=1.0, low=0.99, high=1.01)
    nothing = compare([1.0], [1.0], margin=0.05, noise=None, maximise=False)
    for blocks, possible in ((fewest, True), (fewest - 1, False)):
        p_value = stats.binomtest(blocks, blocks).pvalue if blocks else 1.0
        assert bool(p_value * comparisons <= 0.05) is possible
        loud = compare([191.0] * blocks, [1.0] * blocks, margin=0.05, noise=quiet, maximise=False)
        verdict = settle([loud, *[nothing] * (comparisons - 1)], confidence=0.95)[0]
        assert (verdict is Comparison.WORSE) is possible


def test_every_profile_that_measures_for_a_report_can_take_enough_blocks_for_a_claim() -> None:
    for name in ("quick", "full"):  # a trial shows that it works, and claims nothing
        assert PROFILES[name].blocks >= blocks_to_claim(400, confidence=0.95)
        assert PROFILES[name].limit_s > PROFILES[name].budget_s


def test_equivalences_must_survive_their_family_too() -> None:
    claim = compare([1.01] * 8, [1.0] * 8, margin=0.05, noise=QUIET, maximise=False)
    alike = Claim(difference=Comparison.WORSE, p_difference=1.0, p_equivalence=claim.p_equivalence)
    assert set(settle([alike] * 6, confidence=0.95)) == {Comparison.EQUIVALENT}
    assert set(settle([alike] * 7, confidence=0.95)) == {Comparison.UNRESOLVED}


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
            claim in {Comparison.BETTER, Comparison.EQUIVALENT}
            if comparison % 2
            else claim in {Comparison.BETTER, Comparison.WORSE}
            for comparison, claim in enumerate(settled)
        )
    assert wrong / 400 <= 0.05
