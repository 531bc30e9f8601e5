from pathlib import Path

from made_up_run import manifest

from evaluation.decide.criteria import load_criteria
from evaluation.decide.findings import findings_of
from evaluation.model import Outcome, Role
from evaluation.probes.registry import discover
from evaluation.store import Run, RuntimeFacts

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


def test_what_a_runtime_is_not_asked_it_has_no_finding_of(tmp_path: Path) -> None:
    def facts(id_: str, role: Role, *, timed: bool) -> RuntimeFacts:
        return RuntimeFacts(
            id=id_, family="docker", mode="made up", present=False, reason="not here", role=role, timed=timed
        )

    made_up = manifest()
    runtimes = (
        *made_up.runtimes,
        facts("mode", Role.VARIANT, timed=False),
        facts("named", Role.VARIANT, timed=True),
        facts("open", Role.POSITIVE_CONTROL, timed=False),
    )
    run = Run.create(tmp_path, made_up.model_copy(update={"runtimes": runtimes, "profile": "full"}))
    groups: dict[str, set[str]] = {}
    asked: dict[str, set[str]] = {}
    for finding in findings_of(run, CRITERIA):
        groups.setdefault(finding.runtime, set()).add(finding.texts.group)
        asked.setdefault(finding.runtime, set()).add(finding.probe)
    assert groups["mode"] == {"security", "operations"}
    assert groups["open"] == {"security"}
    assert asked["named"] == asked["shifter"] == set(discover())
