import pytest

from evaluation.model import Outcome
from evaluation.probes.security.no_new_privileges import PROBE
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
    judgement = judge("no_new_privileges", own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


def test_the_bit_is_seen_both_ways(take_turn: TakesTurns) -> None:
    host = take_turn("P05")
    own = take_turn("P05", wrap=("setpriv", "--no-new-privs"))
    assert PROBE.judge(host, {}).verdict == "EXPOSED"
    assert PROBE.judge(own, {"host": host}).verdict == "DENIED"


def test_where_the_site_sets_the_bit_a_runtime_shows_nothing(take_turn: TakesTurns) -> None:
    site = take_turn("P05", wrap=("setpriv", "--no-new-privs"))
    assert PROBE.judge(site, {"host": site}).verdict == "INERT"
