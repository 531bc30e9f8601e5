from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.operations.legacy_vsyscall import PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

PAGE = {"what": "vsyscall-page", "listed": True, "permissions": "--xp"}
CALL = {"what": "vsyscall-call", "ok": True}
READ = {"what": "vsyscall-read", "ok": False, "ended_by_signal": 11}


@pytest.mark.parametrize(
    ("permissions", "call", "read", "mode", "calls"),
    [
        ("r-xp", True, True, "EMULATE", True),
        ("--xp", True, False, "XONLY", True),
        (None, False, False, "NONE", False),
    ],
)
def test_the_mode_is_told(
    tmp_path: Path, permissions: str | None, call: object, read: object, mode: str, calls: object
) -> None:
    end = answered({**PAGE, "permissions": permissions}, {**CALL, "ok": call}, {**READ, "ok": read})
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: end)
    PROBE.observe(session)
    assert session.observations.last("mode") == mode
    assert session.observations.last("calls") is calls


def test_half_an_answer_is_an_error(tmp_path: Path) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(PAGE, CALL))
    PROBE.observe(session)
    assert PROBE.judge(session.observations, {}).outcome is Outcome.ERROR


@pytest.mark.parametrize(
    ("own", "host", "outcome"),
    [
        ({"calls": True}, {"calls": True}, Outcome.HOLDS),
        ({"calls": False}, {"calls": True}, Outcome.FAILS),
        ({"calls": False}, {"calls": False}, Outcome.INERT),
        ({"problem": "x"}, {"calls": True}, Outcome.ERROR),
    ],
)
def test_a_kernel_without_it_is_no_runtimes_fault(own: Recorded, host: Recorded, outcome: Outcome) -> None:
    assert judge("legacy_vsyscall", own, host=host).outcome is outcome


def test_the_bare_host_is_inert_at_worst() -> None:
    judgement = judge("legacy_vsyscall", {"calls": False, "detail": "NONE"}, runtime="host")
    assert judgement.outcome is Outcome.INERT
    assert "the host's kernel does not serve it" in judgement.message


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    own = take_turn("legacy_vsyscall")
    assert own.last("mode") in {"EMULATE", "XONLY", "NONE"}
    assert PROBE.judge(own, {}).outcome is (Outcome.HOLDS if own.last("calls") else Outcome.INERT)
