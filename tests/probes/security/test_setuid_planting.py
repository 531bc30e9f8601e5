import os
import shutil
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.security.setuid_planting import PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

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
    judgement = judge("setuid_planting", own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


@AS_ROOT
def test_a_users_file_gives_nothing_and_roots_does(take_turn: TakesTurns) -> None:
    host, own = take_turn("P15"), take_turn("P15", root_inside=True)
    denied = PROBE.judge(host, {})
    assert denied.verdict == "DENIED"
    assert denied.message.endswith("control: a file that root planted does")
    exposed = PROBE.judge(own, {"host": host})
    assert exposed.verdict == "EXPOSED"
    assert "belongs to host uid 0, mode 4755" in exposed.message


def test_without_root_and_without_effect_an_administrator_is_asked(tmp_path: Path, payload: Path) -> None:
    def launch(argv: tuple[str, ...]) -> Completed:
        if "plant" not in argv:
            return answered({"what": "helper", "uid": 1, "euid": 1})
        shutil.copyfile(payload / "helper", tmp_path / "planted")
        return answered({"what": "plant", "ok": True})

    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=launch)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {"host": session.observations})
    assert judgement.verdict == "INERT"
    assert "an administrator plants it once" in judgement.message
    assert not (tmp_path / "planted").exists()


def test_a_link_that_was_left_is_neither_run_nor_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    precious.chmod(0o640)
    work = tmp_path / "work"
    work.mkdir()

    def launch(_: tuple[str, ...]) -> Completed:
        (work / "planted").symlink_to(precious)
        return answered({"what": "plant", "ok": True})

    session = FakeSession(probe=PROBE, work=work, on_launch=launch)
    PROBE.observe(session)
    assert PROBE.judge(session.observations, {}).verdict == "ERROR"
    assert len(session.launched) == 1
    assert precious.stat().st_mode & 0o777 == 0o640
