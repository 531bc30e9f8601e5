"""Measuring stops by the width of intervals and by time; a probe that breaks does not break the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from made_up_run import observation

from evaluation.blocks import SET_ASIDE
from evaluation.measure.profiles import PROFILES, Profile, profile_named
from evaluation.measure.stopping import why_enough
from evaluation.model import ACROSS, SECURITY_CALIBRATION, SWEEP, Observation
from evaluation.probes.base import Judgement, Observations, Probe
from evaluation.probes.registry import find

PROFILE = Profile(name="made-up", blocks=20, enough=8, half_width=0.05, budget_s=100.0, limit_s=300.0)
PROBE = find("cold_start")


def samples(arm: str, factor: float, blocks: int, spread: float) -> list[Observation]:
    return [
        observation(block, arm, value=factor * (1 + spread * (block % 3)) * (1 + 0.2 * (block % 4)))
        for block in range(1, blocks + 1)
    ]


def arms(blocks: int, *, spread: float) -> list[Observation]:
    return [*samples("host", 1.0, blocks, 0.0), *samples("docker", 9.0, blocks, spread)]


def why(
    observations: list[Observation],
    blocks: int,
    spent_s: float = 0.0,
    probe: Probe = PROBE,
    comparisons: int = 0,
) -> str:
    return why_enough(PROFILE, {probe.id: probe}, observations, blocks, spent_s, comparisons=comparisons)


def test_narrow_intervals_are_enough() -> None:
    assert why(arms(8, spread=0.001), 8) == "every interval is narrow enough after 8 blocks"


def test_a_wide_one_is_not() -> None:
    assert why(arms(8, spread=0.9), 8) == ""
    assert why([*arms(8, spread=0.001), *samples("podman", 2.0, 8, 0.9)], 8) == ""


def test_the_direction_of_an_effect_makes_no_difference() -> None:
    for factor in (0.01, 0.99, 1.0, 1.01, 100.0):
        narrow = [*samples("host", 1.0, 8, 0.0), *samples("docker", factor, 8, 0.001)]
        assert why(narrow, 8)


def test_widths_are_looked_at_after_few_numbers_of_blocks_only() -> None:
    assert PROFILE.looks == (8, 16)
    assert [blocks for blocks in range(20) if why(arms(blocks, spread=0.001), blocks)] == [8, 16]


def test_time_that_is_spent_ends_it_at_any_block() -> None:
    message = "its time of 100 s was spent after 3 blocks"
    assert why(arms(3, spread=0.9), 3, spent_s=100.1) == message
    assert why(arms(3, spread=0.9), 3, spent_s=99.9) == ""


def set_aside(*blocks: int) -> list[Observation]:
    return [observation(block, name=SET_ASIDE, value=True, unit="") for block in blocks]


def test_time_is_not_over_before_there_are_as_many_blocks_as_a_claim_needs() -> None:
    """Among 25 comparisons nothing can be claimed from fewer than 10 blocks."""
    assert why(arms(9, spread=0.9), 9, spent_s=299.9, comparisons=25) == ""
    assert (
        why(arms(10, spread=0.9), 10, spent_s=100.1, comparisons=25)
        == "its time of 100 s was spent after 10 blocks"
    )
    busy = [*arms(11, spread=0.9), *set_aside(1, 2)]
    assert why(busy, 11, spent_s=100.1, comparisons=25) == ""
    assert (
        why([*arms(12, spread=0.9), *set_aside(1, 2)], 12, spent_s=100.1, comparisons=25)
        == "its time of 100 s was spent after 12 blocks "
        "(2 were set aside: the machine is short of processors)"
    )


def test_a_limit_ends_it_all_the_same_and_says_what_was_set_aside() -> None:
    few = "; nothing can be claimed of 25 comparisons from fewer than 10"
    assert why(arms(9, spread=0.9), 9, spent_s=300.1, comparisons=25) == (
        f"its limit of 300 s was spent after 9 blocks{few}"
    )
    assert why([*arms(5, spread=0.9), *set_aside(1, 2, 3, 4, 5)], 5, spent_s=300.1, comparisons=25) == (
        f"its limit of 300 s was spent after 5 blocks "
        f"(all 5 were set aside: the machine is short of processors){few}"
    )


def test_a_profile_without_a_limit_of_its_own_ends_by_its_budget() -> None:
    short = replace(PROFILE, limit_s=0.0)
    said = why_enough(short, {PROBE.id: PROBE}, arms(3, spread=0.9), 3, 100.1, comparisons=25)
    assert said.startswith("its limit of 100 s was spent after 3 blocks; nothing can be claimed")


def test_blocks_that_were_set_aside_do_not_count() -> None:
    aside = [observation(block, name=SET_ASIDE, value=True, unit="") for block in range(1, 9)]
    assert why(arms(16, spread=0.001), 16)
    assert why([*arms(16, spread=0.001), *aside], 16)  # eight are left, and eight are enough
    assert why([*arms(16, spread=0.001), *aside, replace(aside[0], block=16)], 16) == ""


def test_a_group_without_measured_probes_has_nothing_to_wait_for() -> None:
    assert why_enough(PROFILE, {}, arms(8, spread=0.001), 8, 1e9) == ""


def test_a_probe_that_cannot_judge_does_not_end_the_run() -> None:
    def broken(own: Observations, others: Mapping[str, Observations]) -> Judgement:
        message = f"broken by {len(own.items)} and {len(others)}"
        raise ZeroDivisionError(message)

    probe = Probe(
        id="cold_start", version=1, question="", why="", method="", remedy="",
        observe=PROBE.observe, judge=broken,
    )  # fmt: skip
    assert why(arms(8, spread=0.9), 8, probe=probe) == "every interval is narrow enough after 8 blocks"


def test_every_profile_can_end() -> None:
    in_blocks = [profile for profile in PROFILES.values() if profile.blocks]
    assert {profile.name for profile in PROFILES.values()} - {p.name for p in in_blocks} == {
        SECURITY_CALIBRATION,
        SWEEP,
        ACROSS,
    }
    for profile in in_blocks:
        assert 0 < profile.enough <= profile.blocks
        assert profile.looks[0] == profile.enough
        assert profile.looks[-1] <= profile.blocks


def test_an_unknown_profile_is_told_those_there_are() -> None:
    with pytest.raises(
        Exception, match=r"there is no profile 'qiuck'(.|\n)*There are: trial, quick, full, calibration"
    ):
        profile_named("qiuck")
