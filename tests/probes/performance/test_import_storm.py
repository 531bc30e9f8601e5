from pathlib import Path

from evaluation.model import Outcome
from evaluation.probes.performance.import_storm import PROBE, observe
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

COUNTS = {"modules": 287, "files": 249, "compiled": 229}
LINE = {"what": "imports", "elapsed_ns": 250_000_000, "failed": [], **COUNTS}


def test_the_imports_alone_are_the_value(tmp_path: Path) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(LINE))
    observe(session)
    assert session.launched == [("python3", "-B", "/payload/import_storm.py")]
    own = session.observations
    assert own.by_block("imports") == {0: [0.25]}
    assert own.by_block("launch") == {0: [0.01]}
    assert PROBE.judge(own, {"host": own}).samples == {0: 0.25}


def test_a_module_that_does_not_import_is_an_error(tmp_path: Path) -> None:
    broken = answered({**LINE, "failed": ["ssl"]})
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: broken)
    observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert (judgement.outcome, judgement.message) == (Outcome.ERROR, "these modules did not import: ['ssl']")


def test_other_files_than_the_control_are_an_error() -> None:
    host: Recorded = {"imports": 0.2, **COUNTS}
    assert judge("import_storm", {"imports": 0.3, **COUNTS}, host=host).outcome is Outcome.MEASURED
    judgement = judge("import_storm", {"imports": 0.3, **COUNTS, "compiled": 0}, host=host)
    assert judgement.outcome is Outcome.ERROR
    assert judgement.message.startswith("compiled was 0 and on the bare host 229")


def test_without_the_sentinel_there_is_no_value(tmp_path: Path) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(LINE, done=False))
    observe(session)
    assert PROBE.judge(session.observations, {}).outcome is Outcome.ERROR


def test_a_real_interpreter_is_measured(take_turn: TakesTurns) -> None:
    own = take_turn("import_storm")
    assert PROBE.judge(own, {"host": own}).outcome is Outcome.MEASURED
    modules = own.last("modules")
    assert isinstance(modules, int)
    assert modules > 200
