from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.performance.open_rate_pinned import CALLS, PROBE, REPETITIONS
from evaluation.probes.timing import LIBRARY
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

LINE: dict[str, object] = {"what": "opens", "files": 171, "errors": 0, "cpus": 1, "elapsed_ns": CALLS * 3000}


def observed(tmp_path: Path, end: Completed) -> FakeSession:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: end)
    PROBE.observe(session)
    return session


def test_what_is_asked_and_what_it_is_worth(tmp_path: Path) -> None:
    session = observed(tmp_path, answered(*[LINE] * REPETITIONS))
    assert session.launched == [
        ("/payload/probe", "cd", "/", "--", "opens", LIBRARY, str(CALLS), str(REPETITIONS))
    ]
    own = session.observations
    judgement = PROBE.judge(own, {"host": own})
    assert judgement.samples is not None
    assert judgement.samples[0] == pytest.approx(3000)
    assert own.items[0].unit == PROBE.unit


@pytest.mark.parametrize(
    "end",
    [
        answered(*[{**LINE, "errors": 1}] * REPETITIONS),
        answered(*[{**LINE, "elapsed_ns": 0}] * REPETITIONS),
        answered(*[LINE] * (REPETITIONS + 1)),
        answered(*[LINE] * REPETITIONS, done=False),
        answered(),
    ],
)
def test_a_faulty_turn_is_an_error_and_no_fast_result(tmp_path: Path, end: Completed) -> None:
    own = observed(tmp_path, end).observations
    judgement = PROBE.judge(own, {"host": own})
    assert (judgement.outcome, judgement.samples) == (Outcome.ERROR, None)


def test_other_work_than_the_controls_is_an_error() -> None:
    own: Recorded = {"per_open": 2.0, "files": 171}
    assert judge("open_rate_pinned", own, host=own).outcome is Outcome.MEASURED
    assert judge("open_rate_pinned", own, host={**own, "files": 170}).outcome is Outcome.ERROR


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    own, host = take_turn("open_rate_pinned"), take_turn("open_rate_pinned")
    judgement = PROBE.judge(own, {"host": host})
    assert judgement.outcome is Outcome.MEASURED
    assert judgement.samples is not None
    assert judgement.samples[0] > 0


def test_a_runtime_that_does_not_keep_the_pin_is_not_measured(tmp_path: Path) -> None:
    loose = answered(*[{**LINE, "cpus": 2}] * REPETITIONS)
    judgement = PROBE.judge(observed(tmp_path, loose).observations, {})
    assert judgement.outcome is Outcome.UNAVAILABLE
    assert "was not held to core" in judgement.message


def test_the_bare_payload_really_sees_one_core(take_turn: TakesTurns) -> None:
    assert take_turn("open_rate_pinned").values("unavailable") == ()
