"""A block is set aside for one probe as a whole: every arm of it, and nothing else."""

from __future__ import annotations

from made_up_run import observation

from evaluation.blocks import SET_ASIDE, counted, set_aside

BUSY = observation(2, name=SET_ASIDE, value=True, unit="")


def test_every_arm_of_a_block_that_was_set_aside_is_left_out() -> None:
    taken = [observation(block, arm) for block in (1, 2, 3) for arm in ("host", "docker")]
    assert set_aside([*taken, BUSY]) == {"cold_start": {2}}
    assert counted([*taken, BUSY]) == tuple(item for item in taken if item.block != 2)


def test_the_same_block_of_another_probe_counts() -> None:
    other = observation(2, probe="cpu_rate")
    assert counted([BUSY, other]) == (other,)


def test_a_mark_that_is_not_true_is_no_mark() -> None:
    unmarked = observation(2, name=SET_ASIDE, value=False, unit="")
    assert counted([unmarked, observation(2)]) == (unmarked, observation(2))
