import pytest

from evaluation.model import Outcome
from evaluation.probes.operations.signal_delivery import PROBE
from evaluation.testing import Recorded, TakesTurns, judge

GOOD = {"received": True, "exit_status": 42, "ended_by_us": False}
LOST = {"received": False, "exit_status": -9, "ended_by_us": True}


@pytest.mark.parametrize(
    ("own", "host", "outcome", "words"),
    [
        (GOOD, GOOD, Outcome.HOLDS, "SIGTERM to the client reached the program; exit status 42"),
        ({**GOOD, "exit_status": 143}, GOOD, Outcome.FAILS, "exit status 143 (expected 42)"),
        (LOST, GOOD, Outcome.FAILS, "SIGTERM did not reach the program; it was still running"),
        ({**GOOD, "received": [True, False], "exit_status": [42, 42]}, GOOD, Outcome.FAILS, "did not reach"),
        (LOST, LOST, Outcome.INERT, "it did not reach a bare process either"),
        ({"problem": "the payload was not ready within 30 s"}, GOOD, Outcome.ERROR, "not ready"),
    ],
)
def test_the_table(own: Recorded, host: Recorded, outcome: Outcome, words: str) -> None:
    judgement = judge("signal_delivery", own, host=host)
    assert judgement.outcome is outcome
    assert words in judgement.message


def test_a_bare_process_is_reached(take_turn: TakesTurns) -> None:
    assert PROBE.judge(take_turn("signal_delivery"), {}).outcome is Outcome.HOLDS


def test_a_client_that_keeps_the_signal_to_itself_fails(take_turn: TakesTurns) -> None:
    host = take_turn("signal_delivery")
    own = take_turn("signal_delivery", wrap=("sh", "-c", 'trap "exit 143" TERM; "$@" & wait', "sh"))
    judgement = PROBE.judge(own, {"host": host})
    assert judgement.outcome is Outcome.FAILS
    assert "SIGTERM did not reach the program; exit status 143" in judgement.message
