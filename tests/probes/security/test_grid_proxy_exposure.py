from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.security.grid_proxy_exposure import DIRECTORY, PROBE
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
    judgement = judge("grid_proxy_exposure", own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


PRIVATE_TMP = (
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    'mount -t tmpfs none /tmp && exec "$@"',
    "sh",
)


@pytest.mark.usefixtures("user_namespaces")
def test_the_bare_process_reads_it_and_a_private_tmp_hides_it(take_turn: TakesTurns) -> None:
    host, own = take_turn("P33"), take_turn("P33", wrap=PRIVATE_TMP)
    assert PROBE.judge(host, {}).verdict == "EXPOSED"
    judgement = PROBE.judge(own, {"host": host})
    assert judgement.verdict == "DENIED"
    assert "No such file or directory" in judgement.message


def test_the_file_is_gone_afterwards(take_turn: TakesTurns) -> None:
    take_turn("P33")
    assert not list(DIRECTORY.glob("x509up_u*.????????????????????????????????"))


def test_a_file_of_the_same_name_and_other_content_is_no_exposure(tmp_path: Path) -> None:
    decoy = answered({"what": "read", "ok": True, "text": "something else"})
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: decoy)
    PROBE.observe(session)
    assert session.observations.last("effect") is False
