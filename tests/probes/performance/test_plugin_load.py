from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.performance.plugin_load import PROBE, TREE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

LINE: dict[str, object] = {"what": "plugins", "loaded": 253, "failed": [], "elapsed_ns": 50_000_000}


def observed(tmp_path: Path, end: Completed) -> FakeSession:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: end)
    PROBE.observe(session)
    return session


def test_what_is_asked_and_what_it_is_worth(tmp_path: Path) -> None:
    session = observed(tmp_path, answered(*[LINE] * 1))
    assert session.launched == [("python3", "-B", "/payload/plugin_load.py", "/", TREE)]
    own = session.observations
    judgement = PROBE.judge(own, {"host": own})
    assert judgement.samples is not None
    assert judgement.samples[0] == pytest.approx(0.05)
    assert own.items[0].unit == PROBE.unit


@pytest.mark.parametrize(
    "end",
    [
        answered(*[{**LINE, "failed": ["libJIS.so: cannot open"]}] * 1),
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
    own: Recorded = {"loading": 2.0, "loaded": 253}
    assert judge("plugin_load", own, host=own).outcome is Outcome.MEASURED
    assert judge("plugin_load", own, host={**own, "loaded": 252}).outcome is Outcome.ERROR


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    own, host = take_turn("plugin_load"), take_turn("plugin_load")
    judgement = PROBE.judge(own, {"host": host})
    assert judgement.outcome is Outcome.MEASURED
    assert judgement.samples is not None
    assert judgement.samples[0] > 0
