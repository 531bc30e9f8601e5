from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import PreparedForm
from evaluation.probes.performance import image_read_cold
from evaluation.probes.performance.image_read_cold import ANY_SIZE, PROBE, TREE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

WALK = {"what": "walk", "files": 10, "directories": 1, "bytes": 5000, "errors": 0, "elapsed_ns": 10**9}
EVICTED = answered({"what": "evict", "files": 9, "bytes": 1000, "resident_bytes": 0, "errors": 0})
FORM = PreparedForm(path="/forms/image.sif", size_bytes=1, convert_s=1.0, first_start_s=1.0)


def observed(tmp_path: Path, walk: dict[str, object]) -> FakeSession:
    session = FakeSession(
        probe=PROBE,
        work=tmp_path,
        form=FORM,
        on_launch=lambda argv: EVICTED if "evict" in argv else answered(walk),
    )
    PROBE.observe(session)
    return session


def test_bytes_per_second_are_the_value(tmp_path: Path) -> None:
    session = observed(tmp_path, dict(WALK))
    assert session.launched[1] == ("/payload/probe", "cd", "/", "--", "walk", TREE, ANY_SIZE)
    own = session.observations
    assert PROBE.judge(own, {"host": own}).samples == {0: 5000}


def test_a_read_with_errors_is_no_result(tmp_path: Path) -> None:
    own = observed(tmp_path, {**WALK, "errors": 1}).observations
    assert PROBE.judge(own, {"host": own}).outcome is Outcome.ERROR


def test_other_files_than_the_controls_are_an_error() -> None:
    own: Recorded = {"bytes_per_second": 1e9, "files": 10, "bytes": 5000}
    assert judge("image_read_cold", own, host=own).outcome is Outcome.MEASURED
    assert judge("image_read_cold", own, host={**own, "bytes": 4999}).outcome is Outcome.ERROR


def test_a_real_turn_on_the_bare_host(
    take_turn: TakesTurns, payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The payload's own directory stands for the image; on a RAM disk nothing can be put out of memory.
    monkeypatch.setattr(image_read_cold, "TREE", str(payload).lstrip("/"))
    form = PreparedForm(path=str(payload), size_bytes=1, convert_s=1.0, first_start_s=1.0)
    own = take_turn("image_read_cold", form=form)
    judgement = PROBE.judge(own, {"host": own})
    assert judgement.outcome in {Outcome.MEASURED, Outcome.UNAVAILABLE}
