from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.performance.cold_start import PROBE, observe
from evaluation.testing import FakeSession, TakesTurns, ended, judge


def test_the_duration_of_the_launch_is_the_value(tmp_path: Path) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: ended(duration_s=0.25))
    observe(session)
    assert session.launched == [("/bin/true",)]
    assert session.observations.by_block("start") == {0: [0.25]}
    assert session.recorded[0].unit == PROBE.unit


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (
            ended(exit_status=1, stderr=b"a\nno such image\n"),
            "/bin/true did not run cleanly (exit status 1; it said: no such image)",
        ),
        (ended(b"pulling\n"), "/bin/true did not run cleanly (exit status 0)"),
        (ended(timed_out=True), "/bin/true did not run cleanly (it was ended after 0.0 s)"),
    ],
)
def test_an_unclean_launch_is_an_error(tmp_path: Path, end: Completed, message: str) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: end)
    observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert (judgement.outcome, judgement.message) == (Outcome.ERROR, message)


def test_seconds_per_block_are_measured() -> None:
    judgement = judge("cold_start", {"start": [0.1, 0.3]}, host={"start": [0.001, 0.001]})
    assert judgement.outcome is Outcome.MEASURED
    assert judgement.samples == {0: 0.1, 1: 0.3}


def test_a_real_launch_is_measured(take_turn: TakesTurns) -> None:
    own = take_turn("cold_start")
    samples = PROBE.judge(own, {}).samples
    assert samples is not None
    assert samples[0] > 0
