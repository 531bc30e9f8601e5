import os
from pathlib import Path

from evaluation.model import Outcome
from evaluation.probes.performance.import_storm_parallel import PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

LINE = {"what": "imports", "elapsed_ns": 250_000_000, "failed": [], "modules": 287}


def observed(tmp_path: Path, *lines: dict[str, object], cores: int) -> FakeSession:
    left = [answered(line) for line in lines]
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: left.pop(0))
    PROBE.observe(session)
    assert len(session.launched) == cores
    return session


def test_the_slowest_of_all_counts(tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0))
    lines: list[dict[str, object]] = [{**LINE, "elapsed_ns": (i + 1) * 10**9} for i in range(cores)]
    own = observed(tmp_path, *lines, cores=cores).observations
    assert PROBE.judge(own, {"host": own}).samples == {0: cores}


def test_one_that_failed_spoils_the_turn(tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0))
    lines: list[dict[str, object]] = [dict(LINE)] * (cores - 1) + [{**LINE, "failed": ["ssl"]}]
    own = observed(tmp_path, *lines, cores=cores).observations
    assert PROBE.judge(own, {"host": own}).outcome is Outcome.ERROR


def test_other_modules_than_the_controls_are_an_error() -> None:
    own: Recorded = {"imports": 0.3, "modules": 287, "at_once": 2}
    assert judge("import_storm_parallel", own, host=own).outcome is Outcome.MEASURED
    assert judge("import_storm_parallel", own, host={**own, "modules": 286}).outcome is Outcome.ERROR


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    own = take_turn("import_storm_parallel")
    assert PROBE.judge(own, {"host": own}).outcome is Outcome.MEASURED
