"""The way to a database of the host: both ways must be heard, and one flag of a real runtime flips it."""

from pathlib import Path

import pytest
from real_attempts import ArmOf, verdicts

from evaluation.measure.session import Bench
from evaluation.model import Outcome
from evaluation.probes.operations import database_access
from evaluation.probes.operations.database_access import PROBE, SOCKET
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

BOTH = ({"what": "connect", "ok": True}, {"what": "connect-file", "ok": True})


@pytest.mark.parametrize(
    ("own", "host", "outcome", "words"),
    [
        ({"reached": True, "detail": "seen"}, {"reached": True}, Outcome.HOLDS, "is reached (seen)"),
        ({"reached": False}, {"reached": True}, Outcome.FAILS, "the runtime's doing"),
        ({"reached": False}, {"reached": False}, Outcome.INERT, "nor is it bare"),
        ({"problem": "no sentinel"}, {"reached": True}, Outcome.ERROR, "no sentinel"),
    ],
)
def test_the_table(own: Recorded, host: Recorded, outcome: Outcome, words: str) -> None:
    judgement = judge("database_access", own, host=host)
    assert judgement.outcome is outcome
    assert words in judgement.message


def test_a_connection_that_the_verifier_does_not_hear_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_access, "PAUSE_S", 0.01)
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(*BOTH))
    PROBE.observe(session)
    assert session.observations.last("reached") is False
    assert "over TCP: it connected, but not to the host" in str(session.observations.last("detail"))
    assert not (tmp_path / SOCKET).exists()


def test_a_payload_that_tries_one_way_alone_is_a_problem(tmp_path: Path) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(BOTH[0]))
    PROBE.observe(session)
    assert PROBE.judge(session.observations, {}).outcome is Outcome.ERROR


@pytest.mark.usefixtures("user_namespaces")
def test_the_bare_host_reaches_it_and_a_network_of_its_own_keeps_the_socket_alone(
    take_turn: TakesTurns,
) -> None:
    host = take_turn("database_access")
    assert PROBE.judge(host, {}).outcome is Outcome.HOLDS
    own = take_turn("database_access", wrap=("unshare", "--user", "--map-root-user", "--net"))
    judgement = PROBE.judge(own, {"host": host})
    assert judgement.outcome is Outcome.FAILS
    assert "over a socket on a bind: reached" in judgement.message
    assert "over TCP: reached" not in judgement.message


@pytest.mark.real
def test_the_host_s_network_flips_it_in_docker(bench: Bench, arm_of: ArmOf) -> None:
    plain = verdicts(bench, arm_of, PROBE, ["docker"])
    assert (plain["host"].outcome, plain["docker"].outcome) == (Outcome.HOLDS, Outcome.FAILS)
    changed = verdicts(bench, arm_of, PROBE, ["docker"], docker=("--network", "host"))
    assert changed["docker"].outcome is Outcome.HOLDS
