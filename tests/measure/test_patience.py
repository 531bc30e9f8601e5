"""A runtime that hangs is given up after a few turns; one that is slow now and then is not."""

from __future__ import annotations

from evaluation.measure.patience import LIMIT, Patience
from evaluation.store import Turn


def turn(runtime: str = "docker", probe: str = "cold_start", block: int = 0) -> Turn:
    return Turn(probe=probe, runtime=runtime, block=block)


def test_a_runtime_that_hangs_in_every_probe_is_given_up() -> None:
    patience = Patience()
    for number in range(LIMIT):
        assert patience.lost_with(turn(probe="another")) == ""
        patience.note(turn(probe=f"probe_{number}"), hung=True)
    assert "docker did not end within the time limit in 3 turns in a row" in patience.lost_with(
        turn(probe="another")
    )
    assert patience.lost_with(turn(runtime="podman", probe="another")) == ""


def test_one_end_in_time_is_worth_further_turns() -> None:
    patience = Patience()
    for hung in (True, True, False, True, True):
        patience.note(turn(), hung=hung)
    assert patience.lost_with(turn()) == ""


def test_a_probe_that_hangs_on_a_runtime_is_given_up_there_and_nowhere_else() -> None:
    patience = Patience()
    for block in range(LIMIT):
        patience.note(turn(block=block), hung=True)
        patience.note(turn(probe="cpu_rate", block=block), hung=False)
    assert "in 3 blocks in a row: given up" in patience.lost_with(turn(block=9))
    assert patience.lost_with(turn(probe="cpu_rate")) == ""
    assert patience.lost_with(turn(runtime="podman")) == ""
