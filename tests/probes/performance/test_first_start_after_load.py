from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import PreparedForm
from evaluation.probes.performance.first_start_after_load import PROBE
from evaluation.testing import FakeSession, TakesTurns, ended, judge

FORM = PreparedForm(path="/form", size_bytes=1000, convert_s=12.5, first_start_s=0.5)


@pytest.mark.parametrize(
    ("form", "outcome", "samples"),
    [
        (FORM, Outcome.MEASURED, {0: 0.5}),
        (replace(FORM, first_start_s=None), Outcome.UNAVAILABLE, None),
        (None, Outcome.ERROR, None),
    ],
)
def test_what_was_recorded_is_the_value(
    tmp_path: Path, form: PreparedForm | None, outcome: Outcome, samples: dict[int, float] | None
) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: ended(), form=form)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert (judgement.outcome, judgement.samples) == (outcome, samples)
    assert not session.launched


def test_it_is_measured_once_and_for_all() -> None:
    assert PROBE.repeat == "once"
    assert judge("first_start_after_load", {"first_start": 0.5}, host={"first_start": 1.0}).samples == {
        0: 0.5
    }


def test_a_real_turn_reads_the_record(take_turn: TakesTurns) -> None:
    assert PROBE.judge(take_turn("first_start_after_load", form=FORM), {}).samples == {0: 0.5}
