"""A block is set aside for one probe as a whole: every arm of it, and nothing else."""

from __future__ import annotations

from made_up_run import observation

from evaluation.blocks import PRESSURE, SET_ASIDE, counted, marked, pressed, set_aside, shortage
from evaluation.model import Observation


def busy(block: int, *, value: bool = True) -> Observation:
    return observation(block, name=SET_ASIDE, value=value, unit="")


def taken(*blocks: int) -> list[Observation]:
    return [observation(block, arm) for block in blocks for arm in ("host", "docker")]


def test_every_arm_of_a_block_that_was_set_aside_is_left_out() -> None:
    assert set_aside([*taken(1, 2, 3, 4), busy(2)]) == {"cold_start": {2}}
    assert counted([*taken(1, 2, 3, 4), busy(2)]) == tuple(taken(1, 3, 4))
    assert pressed([*taken(1, 2, 3, 4), busy(2)]) == {}


def test_the_same_block_of_another_probe_counts() -> None:
    other = observation(2, probe="cpu_rate")
    assert counted([*taken(1, 2, 3, 4), busy(2), other]) == (*taken(1, 3, 4), other)


def test_a_mark_that_is_not_true_is_no_mark() -> None:
    unmarked = busy(2, value=False)
    assert counted([unmarked, observation(2)]) == (unmarked, observation(2))
    assert marked([unmarked]) == {}


def test_where_nothing_else_is_left_what_was_set_aside_counts_and_is_known_to() -> None:
    every = [*taken(1, 2, 3, 4, 5), *map(busy, (1, 2, 3, 4, 5))]
    assert set_aside(every) == {}
    assert counted(every) == tuple(every)
    assert pressed(every) == {"cold_start": {1, 2, 3, 4, 5}}
    assert marked(every) == {"cold_start": 5}
    assert set_aside([*taken(1, 2, 3, 4, 5), *map(busy, (1, 2, 3))]) == {}  # two alone have no interval


def test_a_block_to_warm_up_stands_in_for_none() -> None:
    warm = [observation(0, warm_up=True)]
    assert set_aside([*warm, *taken(1, 2, 3), busy(1)]) == {}


def test_blocks_beyond_those_that_may_be_set_aside_are_known_to_have_been_under_pressure() -> None:
    pressures = [observation(block, name=PRESSURE, value=0.1 * block, unit="1") for block in (1, 2, 3, 4)]
    assert pressed([*taken(1, 2, 3, 4), *pressures]) == {"cold_start": {3, 4}}
    assert pressed([*taken(1, 2, 3, 4), *pressures, busy(4)]) == {"cold_start": {3}}


def test_a_shortage_is_said_once_for_the_run_by_its_worst_probe() -> None:
    assert shortage([*taken(1, 2, 3, 4), busy(2)]) == ""  # repeated, so nothing is lost
    all_of_it = [*taken(1, 2, 3, 4, 5), *map(busy, (1, 2, 3, 4, 5))]
    assert shortage(all_of_it).startswith("The machine was short of processors in all 5 blocks")
    other = [observation(block, probe="cpu_rate") for block in (1, 2, 3, 4)]
    high = observation(4, probe="cpu_rate", name=PRESSURE, value=0.9, unit="1")
    assert "up to 1 of 4 blocks" in shortage([*other, high])
    assert "make report FRESH=1" in shortage([*all_of_it, *other, high])
    assert "all 5" in shortage([*all_of_it, *other, high])
