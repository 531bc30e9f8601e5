import signal
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.security.host_process_signalling import PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge


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
    judgement = judge("host_process_signalling", own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


@pytest.mark.usefixtures("user_namespaces")
def test_the_bare_process_reaches_it_and_a_pid_namespace_does_not(take_turn: TakesTurns) -> None:
    host = take_turn("P29")
    own = take_turn("P29", wrap=("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"))
    assert PROBE.judge(host, {}).verdict == "EXPOSED"
    judgement = PROBE.judge(own, {"host": host})
    assert judgement.verdict == "DENIED"
    assert "it did not see the process" in judgement.message


def test_only_the_signal_that_arrived_counts(tmp_path: Path) -> None:
    def launch(argv: tuple[str, ...]) -> Completed:
        if "await-signal" in argv:
            (tmp_path / "canary.ready").touch()
            return answered({"what": "await-signal", "received": signal.SIGTERM})
        return answered({"what": "signal-process", "found": 7, "processes": 3, "ok": True})

    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=launch)
    PROBE.observe(session)
    assert session.observations.last("effect") is False
