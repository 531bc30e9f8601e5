"""Under which control groups a verdict of the batch contract was seen: from a made-up manifest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_up_run import manifest, observation

from evaluation.decide.batchcontract import Measured, belongs, control_groups, differences, unanswered
from evaluation.decide.criteria import load_criteria
from evaluation.decide.findings import judged
from evaluation.manifest import RuntimeFacts
from evaluation.model import CONTROL, Borrowed, Finding, Outcome, ProbeTexts
from evaluation.probes.registry import discover, group_of
from evaluation.store import Run, Turn

CRITERIA = load_criteria(Path(__file__).parents[2] / "criteria.yaml")


def facts(*security: str, family: str = "docker", present: bool = True) -> RuntimeFacts:
    return RuntimeFacts(id=family, family=family, mode="made up", present=present, security=security)


@pytest.mark.parametrize(
    ("host", "runtime", "told"),
    [
        ("v1 with an empty v2 tree", facts("cgroups: 1, cgroupfs"), "v1, manager cgroupfs"),
        ("v2", facts("cgroups: 2, systemd"), "v2, manager systemd"),
        ("v2", facts("cgroups: v2, systemd", family="podman"), "v2, manager systemd"),
        ("v2", facts("cgroups: v2, disabled", family="podman"), "v2, none made for it"),
        ("v1", facts("cgroups: 1, none"), "v1, no manager"),
        ("v1", facts("cgroups: 2, cgroupfs"), "v2, manager cgroupfs"),  # an engine in a virtual machine
        ("v2", facts("cgroups: not told"), "v2, manager not known"),
        ("v1 with an empty v2 tree", facts(family="charliecloud"), "v1"),
        ("unknown", facts(family="charliecloud"), "version not known"),
        (
            "v2",
            facts("systemd cgroups: yes", family="apptainer"),
            "v2, by systemd where a limit is asked of it",
        ),
        (
            "v2",
            facts("systemd cgroups: no", family="apptainer"),
            "v2, by itself where a limit is asked of it",
        ),
    ],
)
def test_version_and_manager_are_what_the_run_says(host: str, runtime: RuntimeFacts, told: str) -> None:
    made_up = manifest()
    made_up = made_up.model_copy(
        update={"host": made_up.host.model_copy(update={"cgroup": host}), "runtimes": (runtime,)}
    )
    assert control_groups(made_up) == {runtime.id: told}


def test_nothing_is_said_of_what_is_not_here() -> None:
    absent = facts("cgroups: 2, systemd", present=False)
    assert control_groups(manifest().model_copy(update={"runtimes": (absent,)})) == {}


def test_the_contract_is_the_checklists_ten_and_all_that_is_asked_in_jobs() -> None:
    mine = [probe for probe in discover().values() if belongs(probe.texts(group_of(probe.id)))]
    numbers = {probe.checklist_id for probe in mine if probe.checklist_id}
    assert numbers == {f"B{number:02}" for number in range(1, 11)}
    in_jobs = {probe.id for probe in mine if not probe.checklist_id}
    assert in_jobs == {id_ for id_ in discover() if group_of(id_) == "batch"}


def found(tmp_path: Path, probe: str, name: str, value: bool | str) -> Finding:  # noqa: FBT001
    """Judge one made-up turn of a probe in Docker with the systemd driver."""
    made_up = manifest()
    runtimes = (*made_up.runtimes, facts("cgroups: 2, systemd"))
    run = Run.create(tmp_path, made_up.model_copy(update={"runtimes": runtimes, "profile": "full"}))
    for runtime, told, seen in (("docker", name, value), ("host", "effect", True)):
        item = observation(
            probe=probe,
            runtime=runtime,
            unit="",
            name=told,
            value=seen,
            probe_version=discover()[probe].version,
        )
        run.append(Turn(probe=probe, runtime=runtime, block=0), [item], [])
    return next(each for each in judged(run, CRITERIA) if (each.probe, each.runtime) == (probe, "docker"))


@pytest.mark.parametrize(
    ("probe", "name", "value", "outcome", "carried"),
    [
        ("job_memory_limit", "effect", True, Outcome.FAILS, True),
        ("job_process_limit", "effect", False, Outcome.HOLDS, True),
        ("batch_job_cgroup", "refused", "it does not start", Outcome.UNSUPPORTED, True),
        ("job_memory_limit", "problem", "it broke", Outcome.ERROR, False),
        ("no_new_privileges", "effect", True, Outcome.FAILS, False),
    ],
)
def test_each_verdict_of_the_contract_carries_them(
    tmp_path: Path,
    probe: str,
    name: str,
    value: bool | str,  # noqa: FBT001
    outcome: Outcome,
    *,
    carried: bool,
) -> None:
    finding = found(tmp_path, probe, name, value)
    assert finding.outcome is outcome
    assert finding.control_groups == ("v2, manager systemd" if carried else "")
    assert finding.message.endswith("; control groups v2, manager systemd") is carried


HOLDS, FAILS = Outcome.HOLDS, Outcome.FAILS
CGROUPFS, SYSTEMD = "v1, manager cgroupfs", "v2, manager systemd"


def site(
    name: str,
    outcome: Outcome,
    groups: str = "",
    *,
    version: str = "4.3.1",
    bare: Outcome = HOLDS,
    number: str = "B01",
    probe: str = "job_memory_limit",
    runtimes: tuple[str, ...] = ("podman",),
) -> Measured:
    """A made-up site that answers one question for some runtimes and for the bare host."""
    texts = ProbeTexts(
        question="Does it?", why="", method="", remedy="", group="security", checklist_id=number
    )
    found = [
        Finding(
            site=name, run="made-up", runtime=runtime, probe=probe, probe_version=1, outcome=came_to,
            message="", texts=texts, control_groups=under,
        )
        for runtime, came_to, under in (
            (CONTROL, bare, "v1"), *((runtime, outcome, groups) for runtime in runtimes),
        )
    ]  # fmt: skip
    known = [facts(family=runtime).model_copy(update={"version": version}) for runtime in runtimes]
    return Measured(
        site=name, manifest=manifest().model_copy(update={"runtimes": tuple(known)}), findings=found
    )


def why(*sites: Measured) -> str:
    (found,) = differences(sites)
    return found.why


def test_what_turns_round_is_explained_by_version_and_manager_of_the_control_groups() -> None:
    assert why(site("Older", HOLDS, CGROUPFS), site("Newer", FAILS, SYSTEMD, version="5.4.2")) == (
        "They differ with the control groups, for a job bounds and counts what stands in its group and "
        "below it: at Older, version 1, where the engine makes the container's group "
        "itself, as far as it may; at Newer, version 2, where systemd makes a scope of its own for the "
        "container. The runtime's version differs: 4.3.1 at Older, 5.4.2 at Newer."
    )


@pytest.mark.parametrize(
    ("older", "newer", "told"),
    [
        (
            site("Older", FAILS, CGROUPFS),
            site("Newer", HOLDS, CGROUPFS, version="5.4.2"),
            (
                "Control groups do not tell these answers apart. "
                "The runtime's version differs: 4.3.1 at Older, 5.4.2 at Newer."
            ),
        ),
        (
            site("Older", FAILS, CGROUPFS),
            site("Newer", HOLDS, "v2, manager not known"),
            (
                "Not explained: who makes the control groups at Newer is not known. "
                "The runtime's version is the same."
            ),
        ),
        (
            site("Older", FAILS, CGROUPFS, number="B05", probe="umask_inheritance"),
            site("Newer", HOLDS, SYSTEMD, number="B05", probe="umask_inheritance"),
            (
                "No limit and no account is asked for here, so control groups do not explain it. "
                "The runtime's version is the same."
            ),
        ),
        (
            site("Older", FAILS, CGROUPFS, bare=FAILS),
            site("Newer", HOLDS, SYSTEMD, bare=HOLDS),
            "The bare host answers so too at each of them: it is the site, not the runtime.",
        ),
        (
            site("Older", HOLDS, "v1", runtimes=("charliecloud",)),
            site("Newer", FAILS, "v2, none made for it", runtimes=("charliecloud",)),
            (
                "They differ with the control groups, for a job bounds and counts what stands in its group "
                "and below it: at Older, version 1, where the runtime makes none: the "
                "container stays in its client's; at Newer, version 2, where the container stays in its "
                "client's. The runtime's version is the same."
            ),
        ),
    ],
)
def test_what_does_not_explain_is_not_made_the_reason(older: Measured, newer: Measured, told: str) -> None:
    assert why(older, newer) == told


def test_sites_that_answer_alike_are_named_together() -> None:
    third = site("Third", FAILS, SYSTEMD, version="5.4.2")
    told = why(site("Older", HOLDS, CGROUPFS), site("Newer", FAILS, SYSTEMD, version="5.4.2"), third)
    assert "; at Newer and Third, version 2, where systemd makes a scope" in told
    assert told.endswith("4.3.1 at Older, 5.4.2 at Newer and Third.")


def test_runtimes_of_which_the_same_is_said_stand_together() -> None:
    both = ("podman", "podman-keep-id")
    (found,) = differences(
        [site("Older", HOLDS, CGROUPFS, runtimes=both), site("Newer", FAILS, SYSTEMD, runtimes=both)]
    )
    assert found.runtimes == both
    assert [(one.site, one.finding.outcome) for one in found.seen] == [("Older", HOLDS), ("Newer", FAILS)]


def changed(measured: Measured, *, message: str = "", borrowed: Borrowed | None = None) -> Measured:
    found = [replace(each, message=message, borrowed=borrowed) for each in measured.findings]
    return replace(measured, findings=found)


@pytest.mark.parametrize(
    "newer",
    [
        site("Newer", HOLDS, SYSTEMD),
        site("Newer", Outcome.INERT, SYSTEMD),
        site("Newer", Outcome.UNAVAILABLE, SYSTEMD),
        site("Newer", HOLDS, SYSTEMD, runtimes=("docker",), bare=FAILS),
        changed(
            site("Newer", FAILS, SYSTEMD),
            borrowed=Borrowed(site="Older", run="made-up", widen_by=2.0, reason="", source=""),
        ),
    ],
)
def test_nothing_differs_without_a_yes_and_a_no_of_the_sites_own_for_one_runtime(newer: Measured) -> None:
    assert differences([site("Older", HOLDS, CGROUPFS), newer]) == ()


def test_a_limit_of_the_container_s_own_is_not_put_down_to_the_job_s_group() -> None:
    older, newer = (
        site(name, outcome, groups, number="B09", probe="requested_limit")
        for name, outcome, groups in (("Older", HOLDS, CGROUPFS), ("Newer", FAILS, SYSTEMD))
    )
    assert why(older, newer) == (
        "They differ with the control groups, for the limit is set in the container's own, which takes a "
        "controller there and the right to use it: at Older, version 1, manager cgroupfs; at Newer, version "
        "2, manager systemd. The runtime's version is the same."
    )


def test_what_only_another_site_answers_is_named_with_the_reason() -> None:
    nothing = changed(site("Newer", Outcome.INERT, runtimes=("podman", "docker")), message="no such group")
    elsewhere = site("Third", HOLDS, SYSTEMD, runtimes=("charliecloud",))
    assert unanswered([site("Older", HOLDS, CGROUPFS), nothing, elsewhere]) == {
        "Older": {}, "Newer": {"no such group": ("B01",)}, "Third": {},
    }  # fmt: skip
