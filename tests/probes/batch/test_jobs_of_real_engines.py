"""The batch contract in real jobs of both engines: found by the probes, not assumed.

One file for all probes of the group, because what can flip them is the same: a runtime with a daemon.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from processes import eventually
from real_attempts import ArmOf, turn

from evaluation.measure.session import Bench
from evaluation.model import Outcome
from evaluation.probes.base import Judgement, Observations
from evaluation.probes.batchsystem import GridEngine, Slurm
from evaluation.probes.registry import discover, find, group_of
from evaluation.runtimes.base import RuntimeRefusalError
from evaluation.testing import FakeSession, Recorded, ended, judge

PROBES = [id_ for id_ in discover() if group_of(id_) == "batch"]
MITIGATIONS = {"batch_epilog", "batch_init", "batch_job_cgroup"}
REFUSED = ended(exit_status=1, stderr=b"sbatch: error: Unable to contact slurm controller")


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.parametrize(
    ("own", "host", "outcome"),
    [
        ({"effect": True}, {"effect": False}, Outcome.FAILS),
        ({"effect": False, "control": True}, {"effect": False}, Outcome.HOLDS),
        ({"effect": False, "control": False}, {"effect": False}, Outcome.INERT),
        ({"unavailable": "the engine takes no job from a node"}, {}, Outcome.UNAVAILABLE),
        ({"not_planted": "the job ran on another host"}, {}, Outcome.INERT),
        ({"problem": "the engine took no job"}, {"effect": False}, Outcome.ERROR),
        ({}, {"effect": True}, Outcome.ERROR),
    ],
)
def test_the_table(name: str, own: Recorded, host: Recorded, outcome: Outcome) -> None:
    judgement = judge(name, own, host=host)
    assert judgement.outcome is outcome
    assert not judgement.verdict, "the words of the security checklist are the checklist's"


@pytest.mark.parametrize(
    "name", ["batch_cpu_accounting", "batch_memory_accounting", "batch_memory_limit", "batch_job_cgroup"]
)
def test_nobody_is_judged_by_books_or_limits_that_miss_the_bare_job_too(name: str) -> None:
    missed: Recorded = {"effect": True, "control": True}
    assert judge(name, missed, host=missed).outcome is Outcome.INERT
    assert judge(name, missed, runtime="host").outcome is Outcome.INERT
    assert judge(name, missed, host={"effect": False, "control": True}).outcome is Outcome.FAILS


@pytest.mark.parametrize("name", PROBES)
def test_an_engine_that_takes_no_job_is_an_error_and_never_a_pass(name: str, tmp_path: Path) -> None:
    uid, gid = os.getuid(), os.getgid()
    session = FakeSession(
        probe=find(name), work=tmp_path, on_launch=lambda _: REFUSED, batch=Slurm(), uid=uid, gid=gid
    )
    try:
        find(name).observe(session)
    except RuntimeRefusalError:
        assert name in MITIGATIONS, "only a remedy can be needless"
        session.is_control = True
        find(name).observe(session)
    judgement = find(name).judge(session.observations, {})
    assert judgement.outcome is Outcome.ERROR
    assert "Unable to contact" in judgement.message


@pytest.mark.parametrize("name", PROBES)
def test_where_nothing_is_submitted_nothing_is_tried(name: str, tmp_path: Path) -> None:
    session = FakeSession(probe=find(name), work=tmp_path, on_launch=lambda _: ended())
    find(name).observe(session)
    judgement = find(name).judge(session.observations, {})
    assert judgement.outcome is Outcome.INERT
    assert "real job" in judgement.message
    assert not session.launched


# ---- real engines -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def under_slurm(bench: Bench, slurm: dict[str, str]) -> Bench:
    return replace(bench, batch=Slurm(env=slurm))


@pytest.fixture(scope="module")
def under_grid_engine(bench: Bench, gridengine: dict[str, str]) -> Bench:
    return replace(bench, batch=GridEngine(env=gridengine))


@pytest.fixture(params=["under_slurm", "under_grid_engine"])
def farm(request: pytest.FixtureRequest) -> Bench:
    found: Bench = request.getfixturevalue(request.param)
    return found


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    assert eventually(lambda: not payloads()), f"a payload was left running: {payloads()}"


def payloads() -> list[str]:
    """Command lines of payloads of a job that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "stubborn" in words and str(entry.name) != str(os.getpid()):
            found.append(" ".join(words))
    return found


@pytest.fixture(scope="module")
def taken() -> dict[tuple[str, str], Observations]:
    """What the bare host showed already, by engine and probe: it is the same control for all."""
    return {}


def asked(
    bench: Bench, arm_of: ArmOf, name: str, runtime: str, taken: dict[tuple[str, str], Observations]
) -> dict[str, Judgement]:
    """Judge the bare host and one runtime beside it."""
    probe = find(name)
    key = (bench.batch.engine if bench.batch else "", name)
    if key not in taken:
        taken[key] = turn(bench, arm_of("host"), probe)
    host, own = taken[key], turn(bench, arm_of(runtime), probe)
    return {"host": probe.judge(host, {runtime: own}), runtime: probe.judge(own, {"host": host})}


@pytest.mark.real
@pytest.mark.parametrize("runtime", ["docker", "podman", "apptainer", "charliecloud"])
@pytest.mark.parametrize("name", ["batch_kill_survival", "batch_cpu_accounting"])
def test_who_survives_a_kill_and_escapes_the_books_is_found(
    farm: Bench, arm_of: ArmOf, name: str, runtime: str, taken: dict[tuple[str, str], Observations]
) -> None:
    found = asked(farm, arm_of, name, runtime, taken)
    assert found["host"].outcome is Outcome.HOLDS, found["host"].message
    assert found[runtime].outcome in {Outcome.HOLDS, Outcome.FAILS}, found[runtime].message
    if runtime == "docker":  # its daemon is nobody's child
        assert found[runtime].outcome is Outcome.FAILS, found[runtime].message
    if runtime in {"apptainer", "charliecloud"}:  # their payloads are the client's own children
        assert found[runtime].outcome is Outcome.HOLDS, found[runtime].message


@pytest.mark.real
@pytest.mark.parametrize("name", ["batch_memory_limit", "batch_limit_inheritance", "batch_leftovers"])
def test_limits_do_not_reach_a_daemons_container(
    under_slurm: Bench, arm_of: ArmOf, name: str, taken: dict[tuple[str, str], Observations]
) -> None:
    found = asked(under_slurm, arm_of, name, "docker", taken)
    assert found["host"].outcome is Outcome.HOLDS, found["host"].message
    assert found["docker"].outcome is Outcome.FAILS, found["docker"].message


@pytest.mark.real
def test_an_epilog_by_label_ends_what_outlived_the_kill(under_slurm: Bench, arm_of: ArmOf) -> None:
    seen = turn(under_slurm, arm_of("docker"), find("batch_epilog"))
    judgement = find("batch_epilog").judge(seen, {})
    assert judgement.outcome is Outcome.HOLDS
    assert "survived the kill, and was ended by the epilog" in judgement.message
