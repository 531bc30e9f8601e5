"""The doctor says what is here, what cannot be measured and why, and what to do; as text and for scripts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation import doctor as module
from evaluation.doctor import Limit, examine
from evaluation.errors import EvaluationError
from evaluation.measure.user import ourselves
from evaluation.model import Role
from evaluation.planting import Lack
from evaluation.runtimes import known_runtimes
from evaluation.sites import load_site

LOCAL = load_site("local", Path(__file__).parents[1] / "sites")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a shell and nothing else."""
    for tool in ("env", "uname"):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    somebody = replace(ourselves(), name="somebody", uid=ourselves().uid, env={"PATH": str(tmp_path)})
    monkeypatch.setattr(module, "measuring_user", lambda _: somebody)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("bare")
def test_a_bare_machine_says_what_is_missing_and_what_to_do() -> None:
    checkup = examine(LOCAL)
    assert [facts.id for facts in checkup.runtimes if facts.present] == ["host"]
    limits = {limit.what: limit for limit in checkup.limits}
    assert {"docker", "podman", "apptainer", "charliecloud", "shifter"} <= set(limits)
    assert "mmdebstrap, umoci, skopeo not found" in limits["building the evaluation image"].why
    assert "there is no C compiler" in limits["every probe with the static payload"].why
    assert all(limit.why and limit.advice for limit in checkup.limits)


@pytest.mark.usefixtures("bare")
def test_for_scripts_it_is_an_object_with_every_runtime() -> None:
    told = json.loads(json.dumps(examine(LOCAL).as_json()))
    assert set(told) == {"site", "measured_as", "environment", "batch", "host", "runtimes", "limits"}
    assert [runtime["id"] for runtime in told["runtimes"]] == list(known_runtimes())
    for runtime in told["runtimes"]:
        assert {"id", "family", "mode", "present", "version", "reason"} <= set(runtime)
        assert runtime["present"] is (runtime["id"] == "host")
        assert bool(runtime["version"]) == runtime["present"] == (not runtime["reason"])
    assert told["host"]["cores"] >= 1


@pytest.mark.usefixtures("bare")
def test_for_a_person_it_is_one_screen() -> None:
    lines = examine(LOCAL).as_text().splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 60
    assert any(line.startswith("+ host ") for line in lines)
    for runtime in known_runtimes():
        assert any(line.startswith((f"+ {runtime} ", f"- {runtime} ")) for line in lines)
    assert any(line.startswith("measured as: ") for line in lines[:3])
    headings = [index for index, line in enumerate(lines) if line.startswith(tuple(f"{r}: " for r in Role))]
    assert [lines[index].partition(":")[0] for index in headings] == list(Role)
    control = next(index for index, line in enumerate(lines) if "docker-unsafe " in line)
    assert control > headings[-1]


def test_root_without_anybody_to_measure_as_can_still_look(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: str) -> None:
        message = "root does not measure"
        raise EvaluationError(message, advice="name a user")

    monkeypatch.setattr(module, "measuring_user", nobody)
    checkup = examine(LOCAL)
    assert checkup.limits[0].why == "root does not measure"
    assert checkup.limits[0].advice == "name a user"
    assert len(checkup.runtimes) == len(known_runtimes())


@pytest.mark.usefixtures("bare")
def test_what_only_root_can_plant_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    lack = Lack(what="files of root's (P39)", why="there is no canary", advice="An administrator plants it.")
    monkeypatch.setattr(module, "lacking", lambda: (lack,))
    assert Limit(what=lack.what, why=lack.why, advice=lack.advice) in examine(LOCAL).limits


def test_a_host_that_hides_processes_is_named(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    del bare
    monkeypatch.setattr(module, "hidden", lambda: "/proc is mounted with hidepid=2")
    (limit,) = (limit for limit in examine(LOCAL).limits if "hidepid=2" in limit.why)
    assert "B06" in limit.what
    assert "as root" in limit.advice


def test_what_of_the_environment_is_left_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    somebody = replace(ourselves(), altered=("LD_PRELOAD is left out: it would be loaded on the host",))
    monkeypatch.setattr(module, "measuring_user", lambda _: replace(somebody, env={"PATH": "/nowhere"}))
    checkup = examine(LOCAL)
    assert "environment: LD_PRELOAD is left out" in checkup.as_text()
    assert checkup.as_json()["environment"] == list(somebody.altered)


def test_a_compiler_without_a_static_library_is_seen_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on RHEL, where glibc-static is apart: a fake compiler that says so."""
    fake = tmp_path / "cc"
    fake.write_text(
        "#!/bin/sh\necho '/usr/bin/ld: cannot find -lc' >&2\necho 'collect2: error: ld' >&2\nexit 1\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(module, "measuring_user", lambda _: replace(ourselves(), env={"PATH": str(tmp_path)}))
    limits = {limit.what: limit for limit in examine(LOCAL).limits}
    limit = limits["every probe with the static payload"]
    assert limit.why == "no static program can be built: /usr/bin/ld: cannot find -lc"
    assert "glibc-static" in limit.advice


def test_the_compiler_that_counts_is_that_of_who_builds_the_payload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake compiler on our PATH, and none on that of the measuring user."""
    (tmp_path / "cc").symlink_to("/usr/bin/true")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(module, "measuring_user", lambda _: replace(ourselves(), env={"PATH": "/nowhere"}))
    assert "every probe with the static payload" not in {limit.what for limit in examine(LOCAL).limits}


def test_what_everything_rests_on_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    somebody = replace(ourselves(), env={"PATH": "/nowhere"})
    monkeypatch.setattr(module, "measuring_user", lambda _: somebody)
    monkeypatch.setenv("TMPDIR", "/nowhere/at/all")
    assert any("TMPDIR is /nowhere/at/all" in limit.why for limit in examine(LOCAL).limits)
