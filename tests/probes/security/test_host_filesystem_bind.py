import os
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.security.host_filesystem_bind import PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, ended, judge

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
    judgement = judge("host_filesystem_bind", own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


@AS_ROOT
def test_a_user_is_refused_and_root_is_not(take_turn: TakesTurns) -> None:
    host, own = take_turn("P39"), take_turn("P39", root_inside=True)
    denied = PROBE.judge(host, {})
    assert denied.verdict == "DENIED"
    assert "Permission denied" in denied.message
    assert denied.message.endswith("control: root itself could")
    exposed = PROBE.judge(own, {"host": host})
    assert exposed.verdict == "EXPOSED"
    assert "it read and wrote" in exposed.message


@AS_ROOT
def test_a_runtime_that_refuses_this_bind_alone_denies(tmp_path: Path) -> None:
    def launch(argv: tuple[str, ...]) -> Completed:
        return answered() if "identity" in argv else ended(exit_status=1, stderr=b"mount of / refused")

    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=launch, privileged=True)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.verdict == "DENIED"
    assert "not with this one: mount of / refused" in judgement.message


@AS_ROOT
def test_a_bind_that_shows_nothing_is_no_denial(tmp_path: Path) -> None:
    missing = {"ok": False, "error": "No such file or directory"}
    lines = [{"what": what, **missing} for what in ("read", "read", "write")]
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(*lines), privileged=True)
    PROBE.observe(session)
    assert PROBE.judge(session.observations, {}).verdict == "ERROR"


def test_without_root_an_administrator_is_asked(tmp_path: Path) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: ended())
    PROBE.observe(session)
    assert PROBE.judge(session.observations, {}).verdict == "INERT"
    assert not session.launched


@AS_ROOT
def test_writing_alone_is_an_exposure(tmp_path: Path) -> None:
    def launch(argv: tuple[str, ...]) -> Completed:
        target, content = argv[-2:]
        Path(target.removeprefix("/host")).write_text(content)
        refused = {"what": "read", "ok": False, "error": "Permission denied"}
        return answered(refused, refused, {"what": "write", "ok": True})

    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=launch, privileged=True)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.verdict == "EXPOSED"
    assert judgement.message.endswith("(it wrote)")


@AS_ROOT
def test_what_the_payload_only_says_is_no_exposure(tmp_path: Path) -> None:
    reads = [{"what": "read", "ok": True, "text": "something"}] * 2
    claimed = answered(*reads, {"what": "write", "ok": True})
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: claimed, privileged=True)
    PROBE.observe(session)
    assert PROBE.judge(session.observations, {}).verdict != "EXPOSED"
