"""The doctor says what is here, what cannot be measured and why, and what to do; as text and for scripts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation import doctor as module
from evaluation.doctor import examine
from evaluation.errors import EvaluationError
from evaluation.manifest import CheckFacts
from evaluation.measure.user import ourselves
from evaluation.model import CheckState, Role
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


def checked(what: str) -> CheckFacts:
    (check,) = (each for each in examine(LOCAL).checks if each.what == what)
    return check


@pytest.mark.usefixtures("bare")
def test_a_bare_machine_says_what_is_missing_and_what_to_do() -> None:
    checkup = examine(LOCAL)
    assert [facts.id for facts in checkup.runtimes if facts.present] == ["host"]
    checks = {check.what: check for check in checkup.checks}
    assert "mmdebstrap, umoci, skopeo not found" in checks["evaluation image"].sentence
    assert "there is no C compiler" in checks["static program"].sentence
    for check in checkup.checks:
        told = check.state not in {CheckState.SOUND, CheckState.UNKNOWN}
        assert check.sentence
        assert (bool(check.costs), bool(check.remedy)) == (told, told), check
    told_here = " ".join(checkup.as_text().split())
    for runtime in ("docker", "podman", "apptainer", "charliecloud", "shifter"):
        assert re.search(rf"- ([a-z-]+, )*{runtime}[,:]", told_here)
        assert known_runtimes()[runtime].how_to_get in told_here


@pytest.mark.usefixtures("bare")
def test_for_scripts_it_is_an_object_with_every_runtime_and_every_check() -> None:
    told = json.loads(json.dumps(examine(LOCAL).as_json()))
    assert set(told) == {"site", "measured_as", "batch", "host", "runtimes", "checks"}
    assert [runtime["id"] for runtime in told["runtimes"]] == list(known_runtimes())
    for runtime in told["runtimes"]:
        assert {"id", "family", "mode", "present", "version", "reason"} <= set(runtime)
        assert runtime["present"] is (runtime["id"] == "host")
        assert bool(runtime["version"]) == runtime["present"] == (not runtime["reason"])
    assert told["host"]["cores"] >= 1
    for check in told["checks"]:
        assert set(check) == {"what", "state", "sentence", "costs", "remedy", "file_system"}
        assert check["state"] in {*CheckState}


@pytest.mark.usefixtures("bare")
def test_for_a_person_it_is_one_screen() -> None:
    checkup = examine(LOCAL)
    lines = checkup.as_text().splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 40
    ranked = [facts for facts in checkup.runtimes if facts.role in {Role.BASELINE, Role.ALTERNATIVE}]
    for facts in ranked:
        assert any(re.match(rf"(\+|-( [a-z-]+,)*) {facts.id}[ ,:]", line) for line in lines)
    assert any(line.startswith("measured as: ") for line in lines[:3])
    assert lines[-1] == "in full, with every mode: evaluation doctor --all"


@pytest.mark.usefixtures("bare")
def test_in_full_it_tells_every_runtime_by_its_role_and_every_check() -> None:
    checkup = examine(LOCAL, everything=True)
    lines = checkup.as_text(everything=True).splitlines()
    assert max(map(len, lines)) <= 100
    for runtime in known_runtimes():
        assert any(line.startswith((f"+ {runtime} ", f"- {runtime} ")) for line in lines)
    headings = [index for index, line in enumerate(lines) if line.startswith(tuple(f"{r}: " for r in Role))]
    assert [lines[index].partition(":")[0] for index in headings] == list(Role)
    control = next(index for index, line in enumerate(lines) if "docker-unsafe " in line)
    assert control > headings[-1]
    told = " ".join(" ".join(lines).split())
    for check in checkup.checks:
        assert " ".join(check.sentence.split()) in told


def wanting(number: int, state: CheckState) -> CheckFacts:
    words = f"what was seen there, and goes on over more than a line, number {number} " * 3
    return CheckFacts(
        what=f"check {number}", state=state, sentence=words, costs=f"cost {number}", remedy=words
    )


@pytest.mark.usefixtures("bare")
def test_however_much_is_wrong_the_worst_comes_first_and_a_line_is_cut_where_it_shows() -> None:
    states = (CheckState.CONDITION, CheckState.LOST, CheckState.FATAL, CheckState.LOST, CheckState.UNKNOWN)
    checks = tuple(wanting(number, state) for number, state in enumerate(states))
    lines = replace(examine(LOCAL), checks=checks).as_text().splitlines()
    assert len(lines) <= 40
    told = [line for line in lines if re.match(r"(!!|!|~|\?) ", line)]
    assert [line.split()[0] for line in told] == ["!!", "!", "!", "~", "?"]
    assert all(line.endswith("\N{HORIZONTAL ELLIPSIS}") for line in told)


@pytest.mark.usefixtures("bare")
def test_what_one_cause_takes_away_stands_together() -> None:
    one = CheckFacts(what="a", state=CheckState.LOST, sentence="no way", costs="this", remedy="Mend it.")
    both = (one, one.model_copy(update={"what": "b", "costs": "that"}))
    assert "! this, that: no way" in replace(examine(LOCAL), checks=both).as_text()


def test_root_without_anybody_to_measure_as_can_still_look(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: str) -> None:
        message = "root does not measure"
        raise EvaluationError(message, advice="name a user")

    monkeypatch.setattr(module, "measuring_user", nobody)
    checkup = examine(LOCAL)
    first = checkup.checks[0]
    assert (first.state, first.sentence) == (CheckState.FATAL, "root does not measure")
    assert first.remedy == "name a user"
    assert len(checkup.runtimes) == len(known_runtimes())


@pytest.mark.usefixtures("bare")
def test_what_only_root_can_plant_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    lack = Lack(what="files of root's (P39)", why="there is no canary", advice="An administrator plants it.")
    monkeypatch.setattr(module, "lacking", lambda: (lack,))
    check = checked("canaries")
    assert check.state is CheckState.LOST
    assert (check.costs, check.sentence, check.remedy) == (lack.what, lack.why, lack.advice)
    monkeypatch.setattr(module, "lacking", lambda: ())
    assert checked("canaries").state is CheckState.SOUND


def test_what_of_the_environment_is_left_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    somebody = replace(ourselves(), altered=("LD_PRELOAD is left out: it would be loaded on the host",))
    monkeypatch.setattr(module, "measuring_user", lambda _: replace(somebody, env={"PATH": "/nowhere"}))
    checkup = examine(LOCAL)
    assert "~ environment: LD_PRELOAD is left out" in checkup.as_text()
    assert checked("environment").state is CheckState.CONDITION


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
    check = checked("static program")
    assert check.costs == "every probe with the static payload"
    assert check.sentence == "no static program can be built: /usr/bin/ld: cannot find -lc"
    assert "glibc-static" in check.remedy


def test_the_compiler_that_counts_is_that_of_who_builds_the_payload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake compiler on our PATH, and none on that of the measuring user."""
    fake = tmp_path / "cc"
    fake.write_text('#!/bin/sh\nprintf \'#!/bin/sh\\necho seen >"$1"\\n\' >"$5"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(module, "measuring_user", lambda _: replace(ourselves(), env={"PATH": "/nowhere"}))
    assert checked("static program").state is CheckState.SOUND


def test_what_everything_rests_on_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    somebody = replace(ourselves(), env={"PATH": "/nowhere"})
    monkeypatch.setattr(module, "measuring_user", lambda _: somebody)
    monkeypatch.setenv("TMPDIR", "/nowhere/at/all")
    check = checked("work folder")
    assert check.state is CheckState.FATAL
    assert "TMPDIR is /nowhere/at/all" in check.sentence
