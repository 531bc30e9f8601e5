import os

import pytest

from evaluation.model import Outcome
from evaluation.probes.security.host_root_identity import PROBE
from evaluation.testing import Recorded, TakesTurns, judge

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can plant this canary")


@pytest.mark.parametrize(
    ("own", "host", "outcome", "verdict"),
    [
        ({"effect": False, "control": True}, {"effect": False}, Outcome.HOLDS, "DENIED"),
        ({"effect": True}, {"effect": False}, Outcome.FAILS, "EXPOSED"),
        ({"effect": False}, {"effect": False}, Outcome.INERT, "INERT"),
        ({"problem": "the payload did not run to its end"}, {"effect": True}, Outcome.ERROR, "ERROR"),
    ],
)
def test_the_table(own: Recorded, host: Recorded, outcome: Outcome, verdict: str) -> None:
    judgement = judge("host_root_identity", own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


def test_an_ordinary_user_is_no_root(take_turn: TakesTurns) -> None:
    own = take_turn("P01")
    judgement = PROBE.judge(own, {})
    assert judgement.verdict == "DENIED"
    assert judgement.message.endswith("control: the verifier recognises root where root is")


@pytest.mark.usefixtures("user_namespaces")
def test_root_in_a_user_namespace_is_no_root(take_turn: TakesTurns) -> None:
    own = take_turn("P01", wrap=("unshare", "--user", "--map-root-user"))
    judgement = PROBE.judge(own, {})
    assert judgement.verdict == "DENIED"
    assert "inside uid 0, on the host uid " in judgement.message


@AS_ROOT
def test_root_is_root(take_turn: TakesTurns) -> None:
    own = take_turn("P01", root_inside=True)
    judgement = PROBE.judge(own, {"host": take_turn("P01")})
    assert (judgement.outcome, judgement.verdict) == (Outcome.FAILS, "EXPOSED")
    assert own.last("host_uid") == 0
