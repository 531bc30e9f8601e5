from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.performance.parallel_reads import CALLS, PROBE, READERS, REPETITIONS
from evaluation.probes.timing import LIBRARY
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

LINE: dict[str, object] = {
    "what": "reads",
    "files": 171,
    "bytes": 9_000_000,
    "readers": READERS,
    "errors": 0,
    "cpus": 2,
    "elapsed_ns": CALLS * 3000,
}


def observed(tmp_path: Path, end: Completed) -> FakeSession:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: end)
    PROBE.observe(session)
    return session


def test_what_is_asked_and_what_it_is_worth(tmp_path: Path) -> None:
    session = observed(tmp_path, answered(*[LINE] * REPETITIONS))
    assert session.launched == [
        ("/payload/probe", "cd", "/", "--", "reads", LIBRARY, str(CALLS), str(REPETITIONS), str(READERS))
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


@pytest.mark.parametrize("other", [{"files": 170}, {"bytes": 8_999_999}, {"readers": 3}])
def test_other_work_than_the_controls_is_an_error(other: Recorded) -> None:
    own: Recorded = {"per_read": 2.0, "files": 171, "bytes": 9_000_000, "readers": READERS}
    assert judge("parallel_reads", own, host=own).outcome is Outcome.MEASURED
    assert judge("parallel_reads", own, host={**own, **other}).outcome is Outcome.ERROR


def test_the_quick_profile_takes_it() -> None:
    assert PROBE.quick
    assert PROBE.repeat == "paired"


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    own, host = take_turn("parallel_reads"), take_turn("parallel_reads")
    judgement = PROBE.judge(own, {"host": host})
    assert judgement.outcome is Outcome.MEASURED
    assert judgement.samples is not None
    assert judgement.samples[0] > 0
