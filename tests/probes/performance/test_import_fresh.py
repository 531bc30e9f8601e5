from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.performance.import_fresh import PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

LINE: dict[str, object] = {"what": "imports", "modules": 900, "failed": [], "elapsed_ns": 1_500_000_000}


def observed(tmp_path: Path, end: Completed) -> FakeSession:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: end)
    PROBE.observe(session)
    return session


def test_what_is_asked_and_what_it_is_worth(tmp_path: Path) -> None:
    session = observed(tmp_path, answered(*[LINE] * 1))
    assert session.launched == [("python3", "-B", "/payload/import_fresh.py")]
    own = session.observations
    judgement = PROBE.judge(own, {"host": own})
    assert judgement.samples is not None
    assert judgement.samples[0] == pytest.approx(1.5)
    assert own.items[0].unit == PROBE.unit


@pytest.mark.parametrize(
    "end",
    [
        answered(*[{**LINE, "failed": ["chromo (no such module)"]}] * 1),
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
    own: Recorded = {"imports": 2.0, "modules": 900}
    assert judge("import_fresh", own, host=own).outcome is Outcome.MEASURED
    assert judge("import_fresh", own, host={**own, "modules": 899}).outcome is Outcome.ERROR


def test_where_the_stack_is_missing_a_real_turn_says_so(take_turn: TakesTurns) -> None:
    own = take_turn("import_fresh")
    judgement = PROBE.judge(own, {"host": own})
    missing = "imports had errors" in judgement.message
    assert judgement.outcome is (Outcome.ERROR if missing else Outcome.MEASURED)
    assert (judgement.samples is None) is missing
