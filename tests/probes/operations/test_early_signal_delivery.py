from evaluation.model import Outcome
from evaluation.probes.operations.early_signal_delivery import PROBE
from evaluation.probes.operations.signal_delivery import PROBE as SETTLED
from evaluation.testing import TakesTurns, judge

GOOD = {"received": True, "exit_status": 42, "ended_by_us": False}
LOST = {"received": False, "exit_status": -15, "ended_by_us": False}


def test_the_table() -> None:
    assert judge("early_signal_delivery", GOOD, host=GOOD).outcome is Outcome.HOLDS
    lost = judge("early_signal_delivery", LOST, host=GOOD)
    assert (lost.outcome, lost.message) == (
        Outcome.FAILS,
        "SIGTERM did not reach the program; exit status -15 (expected 42)",
    )
    assert judge("early_signal_delivery", LOST, host=LOST).outcome is Outcome.INERT
    assert judge("early_signal_delivery", {"problem": "not ready"}).outcome is Outcome.ERROR


def test_a_bare_process_is_reached_at_once(take_turn: TakesTurns) -> None:
    assert PROBE.judge(take_turn("early_signal_delivery"), {}).outcome is Outcome.HOLDS


def test_a_client_that_passes_signals_on_after_a_while_loses_the_early_one(
    take_turn: TakesTurns,
) -> None:
    """It starts the program, and only then says what to do with a signal; as some clients of engines do."""
    late = ("sh", "-c", '"$@" & p=$!; sleep 0.5; trap "kill -TERM $p" TERM; wait $p; wait $p', "sh")
    early = PROBE.judge(take_turn("early_signal_delivery", wrap=late), {})
    assert early.outcome is Outcome.FAILS
    assert "SIGTERM did not reach the program" in early.message
    assert SETTLED.judge(take_turn("signal_delivery", wrap=late), {}).outcome is Outcome.HOLDS
