"""P(first): known answers, what is shared, and what must not move it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up import WEIGHTS, criteria, row
from scipy import stats

from evaluation.decide.chances import _chosen, _replicates, noise, resampled_medians, simulate
from evaluation.decide.criteria import Criteria, MeasuredCriterion, Scale
from evaluation.decide.value import criterion_rows
from evaluation.model import Finding, Outcome
from evaluation.statistics import median_interval

NOISY = criteria(draws=20_000, bootstrap_resamples=4000)


def chances(
    findings: list[Finding],
    *,
    weights: dict[str, float] = WEIGHTS,
    weight_range: float = 0.5,
    rules: Criteria = NOISY,
) -> dict[str, float]:
    rows = criterion_rows(findings, rules)
    field = sorted({found.runtime for found in findings} - {"host"})
    scores = {(each.criterion, each.runtime): each.score for each in rows}
    drawn = simulate(
        field, scores, weights, noise(rows, rules), method=rules.method, weight_range=weight_range
    )
    return drawn.chances()


def test_one_that_is_better_in_everything_is_always_first() -> None:
    assert chances([*row("a"), *row("b", start=2.0, rate=0.5)]) == {"a": 1.0, "b": 0.0}


def test_an_exact_tie_is_shared() -> None:
    findings = [found for name in ("a", "b", "c") for found in row(name, noise=0)]
    assert chances(findings) == pytest.approx(dict.fromkeys("abc", 1 / 3))


def test_weights_alone_give_the_chance_worked_out_by_hand() -> None:
    """tidy against safe, 20 to 10 points, each half more or less: safe wins where s > t.

    With t even over 10..30 and s even over 5..15 that is a triangle of 5 x 5 / 2 in 20 x 10.
    """
    findings = [*row("a", safe=Outcome.FAILS, noise=0), *row("b", tidy=Outcome.FAILS, noise=0)]
    assert chances(findings)["b"] == pytest.approx(0.0625, abs=0.005)
    assert chances(findings, weight_range=0.0) == {"a": 1.0, "b": 0.0}


def test_noise_alone_gives_the_chance_of_the_bootstrap_worked_out_exactly() -> None:
    """The median of 11 resampled blocks is below b's fixed value when at least 6 of the 11 are.

    a's blocks are 1..11 s, b takes 4.5 s without noise: each drawn block is below with 4/11.
    """
    blocks = tuple(float(value) for value in range(1, 12))
    (a, *_), (b, *_) = row("a"), row("b", start=4.5, noise=0)
    a = _with_samples(a, blocks)
    expected = float(stats.binom.sf(5, 11, 4 / 11))
    found = chances([a, b], weights={"start": 1.0}, weight_range=0.0)
    assert found["a"] == pytest.approx(expected, abs=0.02)
    assert found["a"] + found["b"] == pytest.approx(1)


def test_what_a_block_did_to_all_runtimes_does_not_separate_them() -> None:
    """b is 5 % slower than a in every block, and the blocks differ by a factor of ten."""
    blocks = np.geomspace(0.5, 5, 12)
    (a, *_), (b, *_) = row("a"), row("b")
    found = chances(
        [_with_samples(a, tuple(blocks)), _with_samples(b, tuple(1.05 * blocks))],
        weights={"start": 1.0},
    )
    assert found == {"a": 1.0, "b": 0.0}


def test_blocks_are_paired_by_number_where_each_runtime_lost_another() -> None:
    """What the blocks did to both is in no order; a lacks the first of them and b the last."""
    blocks = np.random.default_rng(1).permutation(np.geomspace(0.5, 5, 24))
    (a, *_), (b, *_), (host, *_) = row("a"), row("b"), row("host")
    findings = [
        _without(_with_samples(a, tuple(blocks)), 0),
        _without(_with_samples(b, tuple(1.05 * blocks)), 23),
        _with_samples(host, (1.0,) * 24),
    ]
    drawn = noise(criterion_rows(findings, NOISY), NOISY).scores
    assert np.corrcoef(drawn["start", "a"], drawn["start", "b"])[0, 1] > 0.8


def test_a_runtime_that_lost_blocks_is_resampled_from_all_that_it_has() -> None:
    """By the exact chance again: of 12 blocks one is lost, and 4 of 11 are below."""
    blocks = tuple(float(value) for value in range(1, 12))
    (a, *_), (b, *_), (host, *_) = row("a"), row("b", start=4.5, noise=0), row("host")
    a = replace(_with_samples(a, blocks), blocks=(0, 1, 2, *range(4, 12)))
    found = chances([a, b, _with_samples(host, (1.0,) * 12)], weights={"start": 1.0}, weight_range=0.0)
    assert found["a"] == pytest.approx(float(stats.binom.sf(5, 11, 4 / 11)), abs=0.02)


def test_a_share_of_turns_is_drawn_as_often_as_it_would_come_out() -> None:
    """Four of eight turns held: another eight are beta-binomial, and each runtime's luck is its own."""
    (*_, a, _), (*_, b, _) = row("a"), row("b")
    a = replace(a, probe="tidy", outcome=Outcome.SOMETIMES, held=4, turns=8)
    b = replace(b, probe="tidy", outcome=Outcome.SOMETIMES, held=9, turns=16)
    rules = criteria(draws=20_000, bootstrap_resamples=4000)
    rows = criterion_rows([a, b], rules)
    spread = noise(rows, rules)
    shares = np.unique(spread.scores["tidy", "a"], return_counts=True)
    expected = stats.betabinom.pmf(np.arange(9), 8, 4.5, 4.5)
    for share, count in zip(*shares, strict=True):
        assert count / 4000 == pytest.approx(expected[round(8 * share)], abs=0.03)
    assert abs(np.corrcoef(spread.scores["tidy", "a"], spread.scores["tidy", "b"])[0, 1]) < 0.06


def test_what_is_missing_counts_as_worst_for_oneself_and_as_best_for_rivals() -> None:
    full, hidden = [*row("a"), *row("b")], [*row("a"), *row("b", tidy=None)]
    assert chances(hidden)["a"] <= chances(full)["a"]
    assert chances(hidden)["b"] <= chances(full)["b"]
    assert sum(chances(hidden).values()) < 1


def test_the_presence_of_others_does_not_move_a_runtimes_draws() -> None:
    two, noisy = [*row("a", noise=1.0), *row("b", noise=1.0)], row("z", start=9.9, rate=0.01, noise=1.0)
    pair = chances(two)
    trio = chances([*noisy, *reversed(two)])
    assert trio == {**pair, "z": 0.0}


def test_neither_the_order_nor_the_size_of_weights_moves_a_chance() -> None:
    findings = [*row("a", start=1.1, noise=1.0), *row("b", rate=0.85, noise=1.0)]
    turned = {name: 4 * WEIGHTS[name] for name in reversed(WEIGHTS)}
    assert 0 < chances(findings)["a"] < 1
    assert chances(findings, weights=turned) == pytest.approx(chances(findings))


def _with_samples(found: Finding, samples: tuple[float, ...]) -> Finding:
    return replace(
        found,
        samples=samples,
        control=(1.0,) * len(samples),
        blocks=tuple(range(len(samples))),
        value=median_interval(samples, confidence=0.95),
    )


def _without(found: Finding, lost: int) -> Finding:
    samples = (*found.samples[:lost], *found.samples[lost + 1 :])
    return replace(
        found,
        samples=samples,
        control=(1.0,) * len(samples),
        blocks=tuple(block for block in found.blocks if block != lost),
        value=median_interval(samples, confidence=0.95),
    )


def test_the_bootstrap_of_a_median_by_the_example_of_its_book() -> None:
    """Efron and Tibshirani 1993, table 2.1: the seven treated mice, in days; the limit is 37.83."""
    mice = (94.0, 197.0, 16.0, 38.0, 99.0, 141.0, 23.0)
    rules = criteria(bootstrap_resamples=40_000)
    days = rules.criteria["start"].model_copy(
        update={"scale": Scale(worst=0.0, best=200.0, spacing="linear", reason="a test")}
    )
    assert isinstance(days, MeasuredCriterion)
    seven = replace(row("mouse")[0], samples=mice, blocks=tuple(range(7)))
    replicates = 200 * _replicates(days, seven, range(7), rules.method)
    assert replicates.std() == pytest.approx(37.83, rel=0.01)
    assert set(np.unique(replicates.round(6))) == set(mice)


@pytest.mark.parametrize("lost", [(), (2,), (0, 5)])
@pytest.mark.parametrize("count", [11, 12])
def test_medians_by_ranks_are_the_medians(count: int, lost: tuple[int, ...]) -> None:
    method = NOISY.method
    values = np.random.default_rng(count).random(count - len(lost)).round(1)  # with ties
    own = iter(range(len(values)))
    places = np.array([-1 if block in lost else next(own) for block in range(count)])
    size, seed = method.bootstrap_resamples.value, method.seed.value
    chosen = _chosen(tuple(places.tolist()), "probe", size, seed)
    found = resampled_medians(values, places, "probe", method)
    assert chosen.shape == (size, len(values))
    assert found.tolist() == np.median(values[chosen], axis=1).tolist()
