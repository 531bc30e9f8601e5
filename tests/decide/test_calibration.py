"""What the two host arms of a run say: by hand where that is possible, and by what must follow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from made_up import criteria, measured

from evaluation.decide.calibration import MOST_BLOCKS, NullRuns, SiteCalibration, calibrate, needed_ratios
from evaluation.model import CONTROL_AGAIN, Comparison, Finding
from evaluation.statistics import paired_ratio

RULES = criteria()


def twice(logs: Sequence[float], probe: str = "start") -> Finding:
    """The second host arm, with these log ratios to the first."""
    samples = tuple(math.exp(value) for value in logs)
    control = (1.0,) * len(samples)
    return replace(
        measured(CONTROL_AGAIN, probe, 1.0, blocks=len(samples)),
        samples=samples,
        control=control,
        ratio=paired_ratio(samples, control, confidence=0.95),
    )


def noise(scale: float, blocks: int = 24, seed: int = 1) -> list[float]:
    values: list[float] = (scale * np.random.default_rng(seed).normal(size=blocks)).tolist()
    return values


def site(*findings: Finding, comparisons: int = 0) -> SiteCalibration:
    return calibrate(findings, RULES, comparisons=comparisons)


def test_what_a_claim_needs_by_hand() -> None:
    """Eight blocks at 5 % need 8 of 8 signs: past the lowest block for a difference, all for a margin."""
    blocks = np.array([[-0.03, -0.02, -0.01, 0.0, 0.01, 0.02, 0.04, 0.05]])
    found, margin = needed_ratios(blocks, np.array([0.0]), 0.0078125)
    assert (found[0], margin[0]) == (0.03, 0.05)
    found, margin = needed_ratios(blocks, np.array([0.2]), 0.0078125)
    assert (found[0], margin[0]) == (pytest.approx(0.195), 0.2)
    assert np.isinf(needed_ratios(blocks, np.array([0.0]), 0.007)).all()


def test_a_louder_site_can_tell_less_apart_and_needs_more_blocks() -> None:
    quiet, loud = (site(twice(noise(scale)), comparisons=20).probes[0] for scale in (0.02, 0.06))
    assert quiet.detectable is not None
    assert loud.detectable == pytest.approx(3 * quiet.detectable, rel=0.2)
    assert loud.floor == pytest.approx(3 * quiet.floor, rel=0.1)
    needed = dict(quiet.recommended), dict(loud.recommended)
    assert needed[0][0.05] is not None
    assert needed[1][0.05] is not None
    assert needed[0][0.05] < needed[1][0.05] <= MOST_BLOCKS
    assert site(twice(noise(0.15)), comparisons=20).probes[0].recommended[1] == (0.02, None)


def test_more_comparisons_need_larger_differences() -> None:
    few, many = (site(twice(noise(0.02)), comparisons=count).probes[0].detectable for count in (1, 100))
    assert few is not None
    assert many is not None
    assert few < many


def test_the_runs_own_comparisons_come_before_those_allowed_for() -> None:
    own = [replace(measured(f"r{n}", "start", 1.0), comparison=Comparison.EQUIVALENT) for n in range(7)]
    assert site(twice(noise(0.02)), *own, comparisons=50).comparisons == 7
    assert site(twice(noise(0.02)), comparisons=50).comparisons == 50


def test_too_few_blocks_detect_nothing() -> None:
    (probe,) = site(twice(noise(0.02, blocks=6)), comparisons=20).probes
    assert probe.detectable is None
    assert probe.false_positives <= 0.05


def test_false_positives_stay_below_what_is_allowed() -> None:
    calibration = site(twice(noise(0.02)), twice(noise(0.5, seed=2), "rate"), comparisons=20)
    assert [probe.probe for probe in calibration.probes] == ["rate", "start"]
    assert all(0 <= probe.false_positives <= 0.05 for probe in calibration.probes)
    assert 0 <= calibration.family_false_positives <= 0.05


def test_windows_of_a_machine_that_treats_its_arms_alike_show_nothing() -> None:
    calibration = site(*(twice(noise(0.02, blocks=60, seed=n), f"p{n}") for n in range(6)), comparisons=1)
    assert calibration.windows == 30
    assert calibration.claimed <= 3
    assert not calibration.suspicious


def test_windows_of_a_machine_that_does_not_are_suspicious() -> None:
    unequal = twice([abs(value) for value in noise(0.02, blocks=60)])
    calibration = site(unequal, comparisons=1)
    assert (calibration.claimed, calibration.windows) == (5, 5)
    assert calibration.suspicious


def test_the_same_run_gives_the_same_answer_whatever_else_was_measured() -> None:
    alone = site(twice(noise(0.02)), comparisons=5).probes[0]
    assert alone in site(twice(noise(0.02)), twice(noise(0.1), "rate"), comparisons=5).probes


def test_a_run_without_a_second_host_arm_tells_nothing() -> None:
    empty = site(measured("docker", "start", 1.0))
    assert (empty.probes, empty.windows, empty.suspicious) == ((), 0, False)
    assert empty.family_false_positives == 0


def test_made_up_runs_differ_in_nothing_even_where_the_two_arms_do() -> None:
    """The sign of a residual is drawn anew: which of two equal arms came out ahead was chance."""
    biased = NullRuns(stream=np.random.default_rng(1), logs=np.full(24, 0.03), confidence=0.95)
    assert biased.falsely_claimed(0.05) <= 0.05
