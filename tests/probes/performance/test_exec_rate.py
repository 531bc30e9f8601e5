from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.performance.exec_rate import CALLS, PROBE, REPETITIONS
from evaluation.testing import FakeSession, TakesTurns, answered

LINE: dict[str, object] = {"what": "execs", "errors": 0, "elapsed_ns": CALLS * 500_000}


def observed(tmp_path: Path, end: Completed) -> FakeSession:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: end)
    PROBE.observe(session)
    return session


def test_what_is_asked_and_what_it_is_worth(tmp_path: Path) -> None:
    session = observed(tmp_path, answered(*[LINE] * REPETITIONS))
    assert session.launched == [("/payload/probe", "execs", "/payload/probe", str(CALLS), str(REPETITIONS))]
    own = session.observations
    judgement = PROBE.judge(own, {"host": own})
    assert judgement.samples is not None
    assert judgement.samples[0] == pytest.approx(500_000)
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


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    own, host = take_turn("exec_rate"), take_turn("exec_rate")
    judgement = PROBE.judge(own, {"host": host})
    assert judgement.outcome is Outcome.MEASURED
    assert judgement.samples is not None
    assert judgement.samples[0] > 0
