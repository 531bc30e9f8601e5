from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.operations.legacy_32bit import PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, ended, judge

RAN = answered({"what": "legacy-32bit", "ok": True})
IDENTITY = answered({"what": "identity", "uid": 1})
KILLED = ended(exit_status=-31)


def observed(tmp_path: Path, old: Completed, *, built: bool = True) -> FakeSession:
    if built:
        (tmp_path / "legacy32").touch()
    session = FakeSession(
        probe=PROBE,
        work=tmp_path,
        payload=tmp_path,
        on_launch=lambda argv: IDENTITY if "identity" in argv else old,
    )
    PROBE.observe(session)
    return session


def test_it_runs_or_it_does_not(tmp_path: Path) -> None:
    assert PROBE.judge(observed(tmp_path, RAN).observations, {}).outcome is Outcome.HOLDS
    judgement = PROBE.judge(observed(tmp_path, KILLED).observations, {})
    assert judgement.outcome is Outcome.FAILS
    assert "signal 31" in judgement.message


def test_without_the_program_it_is_unavailable(tmp_path: Path) -> None:
    judgement = PROBE.judge(observed(tmp_path, RAN, built=False).observations, {})
    assert (judgement.outcome, judgement.message) == (
        Outcome.UNAVAILABLE,
        "the compiler of this host makes no 32-bit programs",
    )


@pytest.mark.parametrize(
    ("own", "host", "outcome"),
    [
        ({"runs": False}, {"runs": True}, Outcome.FAILS),
        ({"runs": False}, {"runs": False}, Outcome.INERT),
        ({"runs": [True, False]}, {"runs": True}, Outcome.FAILS),
    ],
)
def test_the_kernel_is_told_from_the_runtime(own: Recorded, host: Recorded, outcome: Outcome) -> None:
    assert judge("legacy_32bit", own, host=host).outcome is outcome


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns, payload: Path) -> None:
    own = take_turn("legacy_32bit")
    built = (payload / "legacy32").exists()
    assert PROBE.judge(own, {}).outcome in (
        {Outcome.HOLDS, Outcome.INERT} if built else {Outcome.UNAVAILABLE}
    )
