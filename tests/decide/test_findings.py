from pathlib import Path

from made_up_run import manifest

from evaluation.decide.criteria import load_criteria
from evaluation.decide.findings import findings_of
from evaluation.model import Outcome
from evaluation.probes.registry import discover
from evaluation.store import Run

CRITERIA = load_criteria(Path(__file__).parents[2] / "criteria.yaml")


def unavailable(tmp_path: Path, profile: str) -> set[str]:
    run = Run.create(tmp_path / "results", manifest().model_copy(update={"profile": profile}))
    return {
        finding.probe
        for finding in findings_of(run, CRITERIA)
        if finding.runtime == "host" and finding.outcome is Outcome.UNAVAILABLE
    }


def test_what_the_quick_profile_leaves_out_is_said_and_not_skipped(tmp_path: Path) -> None:
    slow = {probe.id for probe in discover().values() if not probe.quick}
    assert unavailable(tmp_path / "quick", "quick") == slow
    assert slow
    assert unavailable(tmp_path / "full", "full") == set()
