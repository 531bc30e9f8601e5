"""The scalability law against its own formula, another solver, and simulated levels whose law is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import nnls

from evaluation.decide.scalability import Law, fit, fit_law

WIDTHS = [1, 2, 4, 8, 16, 32, 64]
LAW = Law(rate=250.0, contention=0.05, coherency=0.002)


@pytest.mark.parametrize(
    "law",
    [LAW, Law(rate=3.0, contention=0.4, coherency=0.0), Law(rate=900.0, contention=0.0, coherency=0.01)],
)
def test_the_law_of_exact_levels_is_found_again(law: Law) -> None:
    found = fit_law(WIDTHS, law.throughput(WIDTHS))
    assert found.rate == pytest.approx(law.rate, rel=1e-6)
    assert found.contention == pytest.approx(law.contention, abs=1e-6)
    assert found.coherency == pytest.approx(law.coherency, abs=1e-8)


def test_throughput_is_highest_at_the_knee_by_the_published_formula() -> None:
    assert LAW.knee == pytest.approx(math.sqrt(0.95 / 0.002))
    near = LAW.throughput([LAW.knee * 0.98, LAW.knee, LAW.knee * 1.02])
    assert near.argmax() == 1
    assert Law(rate=1.0, contention=0.5, coherency=0.0).knee == math.inf
    assert Law(rate=1.0, contention=1.2, coherency=0.1).knee == 1.0


@pytest.mark.parametrize("seed", range(20))
def test_another_solver_of_non_negative_least_squares_agrees(seed: int) -> None:
    random = np.random.default_rng(seed)
    widths = np.array(WIDTHS * 2, dtype=float)
    measured = random.lognormal(3.0, 0.8, len(widths))  # of no law at all: zeros bind
    rows = np.stack([np.ones_like(widths), widths - 1, widths * (widths - 1)], axis=1)
    weighted = rows * (measured / widths)[:, None]
    (a, b, c), _ = nnls(weighted, np.ones(len(widths)))
    found = fit_law(widths, measured)
    assert [found.rate, found.contention, found.coherency] == pytest.approx(
        [1 / a, b / a, c / a], rel=1e-5, abs=1e-9
    )


def test_the_intervals_of_the_knee_hold_the_truth_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(5)
    widths = WIDTHS * 3
    held = 0
    for seed in range(120):
        levels = LAW.throughput(widths) * np.exp(random.normal(0.0, 0.05, len(widths)))
        found = fit(widths, list(levels), confidence=0.95, seed=seed)
        held += found.low <= LAW.knee <= found.high
    assert 108 <= held <= 120  # 90 to 100 %


def test_a_knee_beyond_what_was_measured_is_not_said_to_be_reached() -> None:
    random = np.random.default_rng(1)
    widths = [1, 2, 4, 8] * 3  # its knee is at 22
    levels = LAW.throughput(widths) * np.exp(random.normal(0.0, 0.03, len(widths)))
    found = fit(widths, list(levels), confidence=0.95, seed=1)
    assert not found.reached
    assert not found.sure
    within = fit(WIDTHS * 3, list(LAW.throughput(WIDTHS * 3)), confidence=0.95, seed=1)
    assert within.reached
    assert within.sure


def test_the_curve_lies_within_its_interval_and_few_levels_make_it_wide() -> None:
    random = np.random.default_rng(2)
    few, many = [1, 2, 4, 8, 16], [1, 2, 4, 8, 16] * 6
    wide = []
    for widths in (few, many):
        levels = LAW.throughput(widths) * np.exp(random.normal(0.0, 0.05, len(widths)))
        found = fit(widths, list(levels), confidence=0.95, seed=3)
        assert all(low <= middle <= high for _, middle, low, high in found.curve)
        wide.append(found.curve[0][3] / found.curve[0][2])
    assert wide[0] > 1.2 * wide[1]


@pytest.mark.parametrize(
    ("widths", "levels", "what"),
    [
        ([1, 2, 4], [1.0, 2.0, 3.0], "different widths"),
        ([1, 2, 4, 8], [1.0, 2.0, 0.0, 3.0], "above zero"),
        ([1, 2, 4, 8], [1.0, 2.0, 3.0], "its width"),
    ],
)
def test_what_no_law_can_be_fitted_to_is_refused(widths: list[int], levels: list[float], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        fit_law(widths, levels)


@pytest.mark.parametrize("seed", range(10))
def test_with_one_level_to_spare_there_is_an_interval_and_it_is_wide(seed: int) -> None:
    random = np.random.default_rng(seed)
    levels = LAW.throughput([1, 2, 4, 8]) * np.exp(random.normal(0.0, 0.3, 4))
    found = fit([1, 2, 4, 8], list(levels), confidence=0.95, seed=seed)
    assert all(0 < low <= high < math.inf for _, _, low, high in found.curve)
    assert found.high == math.inf
