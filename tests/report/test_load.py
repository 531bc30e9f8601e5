"""Which runs a report shows, and that a case is made from files alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_case import FINISHED, manifest
from synthetic_findings import RUN, RUNTIMES, Findings

from evaluation.errors import EvaluationError
from evaluation.model import CALIBRATION, CONTROL, SECURITY_CALIBRATION
from evaluation.report import load
from evaluation.report.load import choose_runs, load_case
from evaluation.store import Run, find_runs

ROOT = Path(__file__).parents[2]
LABEL = "a plain 2-core virtual machine"


def make_run(
    results: Path,
    name: str,
    *,
    site: str = "local",
    started_at: str = "2026-11-14T09:00:00+00:00",
    label: str = "",
    complete: bool = True,
    profile: str = "quick",
) -> Run:
    facts = manifest(RUNTIMES, label=label).model_copy(
        update={"site": site, "run": name, "started_at": started_at, "profile": profile}
    )
    run = Run.create(results, facts)
    if complete:
        run.finish(FINISHED)
    return run


def chosen(results: Path, *names: str) -> list[str]:
    return [run.path.name for run in choose_runs(find_runs(results), names)]


def test_the_newest_finished_run_of_each_site_is_shown(tmp_path: Path) -> None:
    make_run(tmp_path, "b-old", started_at="2026-11-01T00:00:00+00:00")
    make_run(tmp_path, "a-new", started_at="2026-11-02T00:00:00+00:00")
    make_run(tmp_path, "c-broken-off", started_at="2026-11-03T00:00:00+00:00", complete=False)
    make_run(tmp_path, "lyon", site="cc-in2p3")
    assert chosen(tmp_path) == ["lyon", "a-new"]


def test_a_site_without_any_runtime_stands_behind_the_others(tmp_path: Path) -> None:
    bare = tuple(
        facts.model_copy(update={"present": facts.id == CONTROL}) for facts in manifest(RUNTIMES).runtimes
    )
    facts = manifest(RUNTIMES).model_copy(update={"site": "a-node", "run": "bare", "runtimes": bare})
    Run.create(tmp_path, facts).finish(FINISHED)
    make_run(tmp_path, "lyon", site="cc-in2p3")
    assert chosen(tmp_path) == ["lyon", "bare"]


def test_a_run_that_was_broken_off_is_shown_where_it_is_all_there_is(tmp_path: Path) -> None:
    make_run(tmp_path, "broken-off", complete=False)
    assert chosen(tmp_path) == ["broken-off"]


@pytest.mark.parametrize("profile", [CALIBRATION, SECURITY_CALIBRATION])
def test_a_calibration_is_never_picked_unless_asked_for(tmp_path: Path, profile: str) -> None:
    make_run(tmp_path, "calibrated", profile=profile)
    with pytest.raises(EvaluationError, match="no results to report on"):
        chosen(tmp_path)
    make_run(tmp_path, "measured", started_at="2026-11-01T00:00:00+00:00")
    assert chosen(tmp_path) == chosen(tmp_path, "local") == ["measured"]
    assert chosen(tmp_path, "calibrated") == ["calibrated"]


def test_the_reference_run_steps_back_before_own_measurements_unless_asked_for(tmp_path: Path) -> None:
    make_run(tmp_path, "reference", site="reference", label=LABEL)
    assert chosen(tmp_path) == ["reference"]
    make_run(tmp_path, "own")
    assert chosen(tmp_path) == ["own"]
    assert chosen(tmp_path, "own", "reference/reference") == ["own", "reference"]


def test_an_unknown_run_is_named_with_those_there_are(tmp_path: Path) -> None:
    make_run(tmp_path, "own")
    with pytest.raises(EvaluationError, match="there is no run other") as caught:
        chosen(tmp_path, "other")
    assert caught.value.advice == "there are: local/own"


def test_two_runs_of_one_site_may_be_asked_for(tmp_path: Path) -> None:
    make_run(tmp_path, "one")
    make_run(tmp_path, "two")
    assert chosen(tmp_path, "two", "one", "local/two") == ["two", "one"]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings that are made up, whatever a run holds."""
    monkeypatch.setattr(load, "findings_of", lambda *_: tuple(Findings(blocks=3).items))


@pytest.mark.usefixtures("found")
def test_a_case_is_made_from_files(tmp_path: Path) -> None:
    make_run(tmp_path, RUN)
    case = load_case(results=tmp_path, criteria=ROOT / "criteria.yaml", sites=ROOT / "sites", runs=RUN)
    assert [site.site for site in case.measured] == ["local"]
    assert {"local", "slac", "cc-in2p3"} <= case.sites.keys()
    assert case.measured[0].finished_at == FINISHED
    assert {answer.use_case for answer in case.measured[0].decision.use_cases} == set(case.criteria.use_cases)
    assert case.measured[0].points


def test_an_empty_results_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no results to report on"):
        load_case(results=tmp_path, criteria=ROOT / "criteria.yaml", sites=ROOT / "sites")


def test_a_run_that_was_changed_after_its_end_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path, RUN)
    run.write_manifest(run.manifest.model_copy(update={"seed": 1}))
    with pytest.raises(EvaluationError, match="sentinel"):
        load_case(results=tmp_path, criteria=ROOT / "criteria.yaml", sites=ROOT / "sites")


def sites_shown(results: Path, runs: str = "") -> set[str]:
    case = load_case(results=results, criteria=ROOT / "criteria.yaml", sites=ROOT / "sites", runs=runs)
    return set(case.sites)


@pytest.mark.usefixtures("found")
def test_a_site_that_is_no_centre_is_named_only_where_its_run_is_shown(tmp_path: Path) -> None:
    centres = {"local", "slac", "cc-in2p3", "nersc"}
    make_run(tmp_path, "own")
    make_run(tmp_path, "theirs", site="reference", label=LABEL)
    assert sites_shown(tmp_path) == centres
    assert sites_shown(tmp_path, "own,theirs") == {*centres, "reference"}
    make_run(tmp_path, "in-a-job", site="slurm-test")
    assert sites_shown(tmp_path) == {*centres, "slurm-test"}
