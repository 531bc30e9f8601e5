import pytest

from evaluation.model import Outcome
from evaluation.probes.security.environment_secret_inheritance import PROBE, VARIABLE
from evaluation.testing import Recorded, TakesTurns, judge


@pytest.mark.parametrize(
    ("own", "host", "outcome", "verdict"),
    [
        ({"effect": False}, {"effect": True}, Outcome.HOLDS, "DENIED"),
        ({"effect": True}, {"effect": False}, Outcome.FAILS, "EXPOSED"),
        ({"effect": False}, {"effect": False}, Outcome.INERT, "INERT"),
        ({"problem": "the payload did not run to its end"}, {"effect": True}, Outcome.ERROR, "ERROR"),
    ],
)
def test_the_table(own: Recorded, host: Recorded, outcome: Outcome, verdict: str) -> None:
    judgement = judge("environment_secret_inheritance", own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


def test_the_bare_process_inherits_it_and_a_cleaned_environment_does_not(take_turn: TakesTurns) -> None:
    host, own = take_turn("P36"), take_turn("P36", wrap=("env", "--unset", VARIABLE))
    assert PROBE.judge(host, {}).verdict == "EXPOSED"
    assert PROBE.judge(own, {"host": host}).verdict == "DENIED"


def test_another_value_of_that_variable_is_no_exposure(take_turn: TakesTurns) -> None:
    own = take_turn("P36", wrap=("env", f"{VARIABLE}=of-the-image"))
    assert own.last("effect") is False
