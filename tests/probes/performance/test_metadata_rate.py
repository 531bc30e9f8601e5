from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.performance.metadata_rate import LARGEST_BYTES, PROBE, TREE, observe
from evaluation.testing import FakeSession, Recorded, answered, judge

LINE = {
    "what": "walk",
    "files": 1000,
    "directories": 90,
    "bytes": 5_000_000,
    "errors": 0,
    "elapsed_ns": 20_000_000,
}
COUNTS = {"files": 1000, "directories": 90, "bytes": 5_000_000}


def test_files_per_second_are_the_value(tmp_path: Path) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(LINE))
    observe(session)
    assert session.launched == [("/payload/probe", "cd", "/", "--", "walk", TREE, str(LARGEST_BYTES))]
    own = session.observations
    assert own.by_block("files_per_second") == {0: [pytest.approx(50_000)]}
    assert own.items[0].unit == PROBE.unit


@pytest.mark.parametrize(
    "end",
    [
        answered({**LINE, "errors": 1}),
        answered({**LINE, "files": 0}),
        answered(LINE, done=False),
        answered(),
    ],
)
def test_a_walk_with_faults_is_an_error(tmp_path: Path, end: Completed) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: end)
    observe(session)
    assert PROBE.judge(session.observations, {}).outcome is Outcome.ERROR


def test_another_tree_than_the_controls_is_an_error() -> None:
    own: Recorded = {"files_per_second": 5e4, **COUNTS}
    assert judge("metadata_rate", own, host=own).outcome is Outcome.MEASURED
    assert judge("metadata_rate", own, host={**own, "files": 999}).outcome is Outcome.ERROR
