from pathlib import Path

import pytest
from made_up_run import manifest, observation

from evaluation.decide import checklist as checklist_module
from evaluation.decide.checklist import read_checklists
from evaluation.decide.criteria import load_criteria
from evaluation.decide.findings import checklist_of, findings_of
from evaluation.manifest import KnobFacts
from evaluation.model import SECURITY_CALIBRATION, Effect, Outcome, Role
from evaluation.probes.registry import discover, group_of
from evaluation.store import Run, RuntimeFacts, Turn

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
    assert groups["mode"] == {"security", "operations", "batch", "performance"}
    assert {id_ for id_ in asked["mode"] if group_of(id_) == "performance"} == {"cold_start"}
    assert groups["open"] == {"security"}
    assert asked["named"] == asked["shifter"] == set(discover())


# -- attempts of the checklist ------------------------------------------------------------------------


def attempted(run: Run, runtime: str, effect: bool | None, block: int = 0) -> None:  # noqa: FBT001
    """Keep a made-up turn of P05; without an effect the probe broke."""
    changes = {"probe": "no_new_privileges", "runtime": runtime, "block": block, "unit": ""}
    named = {"name": "error", "value": "made up"} if effect is None else {"name": "effect", "value": effect}
    turn = Turn(probe="no_new_privileges", runtime=runtime, block=block)
    run.append(turn, [observation(**changes, **named)], [])  # type: ignore[arg-type]


def calibration(tmp_path: Path, *, weak: bool | None = True, run: str = "calibrated") -> Run:
    """A made-up calibration: the bare host is exposed, and Charliecloud with one flag more."""
    known = RuntimeFacts(id="charliecloud", family="charliecloud", mode="fake", present=True)
    arms = [
        known.model_copy(
            update={
                "id": f"charliecloud+{name}",
                "knob": KnobFacts(of="charliecloud", options=(f"--{name}",), effect=effect, expected="!"),
            }
        )
        for name, effect in (("null", Effect.NOTHING), ("weak", Effect.WEAKENS))
    ]
    facts = manifest(run).model_copy(update={"profile": SECURITY_CALIBRATION})
    facts = facts.model_copy(update={"runtimes": (*facts.runtimes, known, *arms)})
    made = Run.create(tmp_path, facts)
    for block in range(2):
        attempted(made, "host", effect=False, block=block)
        attempted(made, "charliecloud", effect=False, block=block)
    attempted(made, "charliecloud+null", effect=False)
    attempted(made, "charliecloud+weak", weak)
    return made


def test_a_calibration_is_judged_turn_by_turn_against_the_bare_host(tmp_path: Path) -> None:
    run = calibration(tmp_path)
    checklist = checklist_of(run, CRITERIA)
    (tried,) = checklist.attempts
    assert tried.verdicts == {
        "host": ("DENIED", "DENIED"),
        "charliecloud": ("INERT", "INERT"),
        "charliecloud+null": ("INERT",),
        "charliecloud+weak": ("EXPOSED",),
    }
    assert "no control could do it either" in tried.reasons["charliecloud"]
    assert [flip.arm for flip in checklist.flips(tried)] == ["charliecloud+weak"]
    assert [arm.id for arm in checklist.knobs] == ["charliecloud+null", "charliecloud+weak"]
    assert {arm.mode for arm in checklist.runtimes if arm.id == "charliecloud"} == {"fake"}
    assert {arm.mode for arm in checklist.knobs} == {""}  # it would say twice what is said of the runtime
    assert read_checklists(tmp_path / "local") == (checklist,)


def test_a_flag_with_which_the_probe_breaks_flips_nothing(tmp_path: Path) -> None:
    checklist = checklist_of(calibration(tmp_path, weak=None), CRITERIA)
    (tried,) = checklist.attempts
    assert tried.first("charliecloud+weak") == "ERROR"
    assert tried.reasons["charliecloud+weak"] == "made up"
    assert checklist.unpublished(tried)


def test_findings_of_attempts_are_published_only_after_a_calibration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checklist_module, "root", lambda: tmp_path / "no project")
    run = Run.create(tmp_path, manifest())
    attempted(run, "host", effect=True)

    def seen(*, only_published: bool = True) -> tuple[str, str]:
        found = findings_of(run, CRITERIA, only_published=only_published)
        finding = next(item for item in found if (item.probe, item.runtime) == ("no_new_privileges", "host"))
        return finding.verdict, finding.message

    assert seen()[0] == "INERT"
    assert "was not calibrated yet" in seen()[1]
    assert seen(only_published=False)[0] == "EXPOSED"
    checklist_of(calibration(tmp_path, weak=False, run="a"), CRITERIA)
    assert seen()[1].startswith("not published: no flag and no control flips it")
    checklist_of(calibration(tmp_path, run="b"), CRITERIA)
    assert seen()[0] == "EXPOSED"
    assert {path.name for path in run.path.iterdir()} == {"manifest.json", "observations.jsonl"}  # read only
