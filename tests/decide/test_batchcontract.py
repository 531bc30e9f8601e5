"""Under which control groups a verdict of the batch contract was seen: from a made-up manifest."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_run import manifest, observation

from evaluation.decide.batchcontract import belongs, control_groups
from evaluation.decide.criteria import load_criteria
from evaluation.decide.findings import judged
from evaluation.manifest import RuntimeFacts
from evaluation.model import Finding, Outcome
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
