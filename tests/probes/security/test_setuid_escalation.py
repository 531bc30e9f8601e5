import os
import shutil
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.security import setuid_escalation as module
from evaluation.probes.security.setuid_escalation import PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, ended, judge

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can plant this canary")


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
    judgement = judge("setuid_escalation", own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


@AS_ROOT
def test_the_helper_works_bare_and_not_without_new_privileges(take_turn: TakesTurns) -> None:
    host = take_turn("P06")
    own = take_turn("P06", wrap=("setpriv", "--no-new-privs"))
    assert PROBE.judge(host, {}).verdict == "EXPOSED"
    assert PROBE.judge(own, {"host": host}).verdict == "DENIED"


@AS_ROOT
@pytest.mark.usefixtures("user_namespaces")
def test_root_in_a_user_namespace_gains_nothing(take_turn: TakesTurns) -> None:
    host = take_turn("P06")
    own = take_turn("P06", wrap=("unshare", "--user", "--map-root-user"))
    judgement = PROBE.judge(own, {"host": host})
    assert judgement.verdict == "DENIED"
    assert "effective uid 0 inside, on the host uid " in judgement.message


@AS_ROOT
def test_a_payload_that_is_root_steps_down_first(take_turn: TakesTurns) -> None:
    hardened = take_turn("P06", wrap=("setpriv", "--no-new-privs"), root_inside=True)
    assert PROBE.judge(hardened, {"host": take_turn("P06")}).verdict == "DENIED"
    assert PROBE.judge(take_turn("P06", root_inside=True), {}).verdict == "EXPOSED"


def test_without_root_an_administrator_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "planted", lambda _: None)
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: ended())
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {"host": session.observations})
    assert judgement.verdict == "INERT"
    assert "an administrator plants it once" in judgement.message
    assert not session.launched


@AS_ROOT
def test_what_an_administrator_planted_is_tried_without_root_and_stays(
    take_turn: TakesTurns, scratch: Path, payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = scratch / "canaries"
    folder.mkdir()
    canary = folder / "helper"
    shutil.copyfile(payload / "helper", canary)
    canary.chmod(0o4755)
    monkeypatch.setattr(module, "planted", lambda _: canary)
    host = take_turn("P06", groups=())
    own = take_turn("P06", groups=(), wrap=("setpriv", "--no-new-privs"))
    assert PROBE.judge(host, {}).verdict == "EXPOSED"
    assert PROBE.judge(own, {"host": host}).verdict == "DENIED"
    assert canary.stat().st_mode & 0o7777 == 0o4755
