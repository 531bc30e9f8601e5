from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.performance.loopback_bandwidth import BYTES, PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

LINE: dict[str, object] = {
    "what": "loopback",
    "ok": True,
    "errors": 0,
    "bytes": BYTES,
    "elapsed_ns": 100_000_000,
}


def observed(tmp_path: Path, end: Completed) -> FakeSession:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: end)
    PROBE.observe(session)
    return session


def test_what_is_asked_and_what_it_is_worth(tmp_path: Path) -> None:
    session = observed(tmp_path, answered(*[LINE] * 1))
    assert session.launched == [("/payload/probe", "loopback", str(BYTES))]
    own = session.observations
    judgement = PROBE.judge(own, {"host": own})
    assert judgement.samples is not None
    assert judgement.samples[0] == pytest.approx(10 * BYTES)
    assert own.items[0].unit == PROBE.unit


@pytest.mark.parametrize(
    "end",
    [
        answered(*[{**LINE, "errors": 1}] * 1),
        answered(*[{**LINE, "elapsed_ns": 0}] * 1),
        answered(*[LINE] * (1 + 1)),
        answered(*[LINE] * 1, done=False),
        answered(),
    ],
)
def test_a_faulty_turn_is_an_error_and_no_fast_result(tmp_path: Path, end: Completed) -> None:
    own = observed(tmp_path, end).observations
    judgement = PROBE.judge(own, {"host": own})
    assert (judgement.outcome, judgement.samples) == (Outcome.ERROR, None)


def test_other_work_than_the_controls_is_an_error() -> None:
    own: Recorded = {"bytes_per_second": 2.0, "bytes": BYTES}
    assert judge("loopback_bandwidth", own, host=own).outcome is Outcome.MEASURED
    assert judge("loopback_bandwidth", own, host={**own, "bytes": BYTES - 1}).outcome is Outcome.ERROR


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    own, host = take_turn("loopback_bandwidth"), take_turn("loopback_bandwidth")
    judgement = PROBE.judge(own, {"host": host})
    assert judgement.outcome is Outcome.MEASURED
    assert judgement.samples is not None
    assert judgement.samples[0] > 0
