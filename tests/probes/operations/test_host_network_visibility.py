from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.operations import host_network_visibility
from evaluation.probes.operations.host_network_visibility import PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge


@pytest.mark.parametrize(
    ("own", "host", "outcome"),
    [
        ({"effect": False, "detail": "Connection refused"}, {"effect": True}, Outcome.HOLDS),
        ({"effect": True}, {"effect": True}, Outcome.FAILS),
        ({"effect": False}, {"effect": False}, Outcome.INERT),
        ({"problem": "no sentinel"}, {"effect": True}, Outcome.ERROR),
    ],
)
def test_the_table(own: Recorded, host: Recorded, outcome: Outcome) -> None:
    judgement = judge("host_network_visibility", own, host=host)
    assert judgement.outcome is outcome
    assert not judgement.verdict


@pytest.mark.usefixtures("user_namespaces")
def test_the_bare_host_is_reached_and_a_network_of_its_own_is_not(take_turn: TakesTurns) -> None:
    host = take_turn("host_network_visibility")
    assert PROBE.judge(host, {}).outcome is Outcome.FAILS
    own = take_turn("host_network_visibility", wrap=("unshare", "--user", "--map-root-user", "--net"))
    judgement = PROBE.judge(own, {"host": host})
    assert judgement.outcome is Outcome.HOLDS
    assert judgement.message.endswith("control: the bare host could")


def test_somebody_elses_listener_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_network_visibility, "PAUSE_S", 0.01)
    elsewhere = answered({"what": "connect", "ok": True})
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: elsewhere)
    PROBE.observe(session)
    assert session.observations.last("effect") is False
    assert session.observations.last("detail") == "it connected, but not to the host"
