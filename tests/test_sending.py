"""From the site that measured to the report that decides, with the run that comes with the project."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made_up_run import manifest, observation

from evaluation import cli, sending
from evaluation.archive.hiding import Hider, Private
from evaluation.archive.packing import pack as made_fit
from evaluation.errors import EvaluationError
from evaluation.files import digest_of
from evaluation.model import SWEEP
from evaluation.report.load import load_case
from evaluation.store import Run, Turn, find_runs, measurements

ROOT = Path(__file__).parents[1]
REFERENCE = max(path.parent for path in (ROOT / "results" / "reference").glob("*-quick/manifest.json"))
SWEPT = REFERENCE.with_name(f"{REFERENCE.name}-sweep")


def evaluation(*words: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(word) for word in words])


def measured(results: Path, site: str, of: Path = REFERENCE) -> Run:
    """The run that comes with the project, as if it had been measured for another site."""
    target = results / site / of.name
    shutil.copytree(of, target)
    facts = json.loads((target / "manifest.json").read_text())
    (target / "manifest.json").write_text(json.dumps(facts | {"site": site, "label": ""}))
    sentinel = json.loads((target / "complete.json").read_text())
    sentinel["sha256"]["manifest.json"] = digest_of(target / "manifest.json")
    (target / "complete.json").write_text(json.dumps(sentinel))
    return Run(target)


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A packed real run, and what was said of it."""
    folder = tmp_path_factory.mktemp("packed")
    measured(folder / "results", "local")
    measured(folder / "results", "local", SWEPT)  # it is newer, and no measurement
    listings: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        told = sending.pack(
            "",
            site="local",
            results=folder / "results",
            output=folder / "run.zip",
            key=folder / "key",
            agreed=lambda listing: not listings.append(listing),  # type: ignore[func-returns-value]
        )
    assert "this leaves:" in listings[0]
    assert f"and beside it, of the same site, {SWEPT.name}" in listings[0]
    return folder / "run.zip", told


def test_a_real_run_says_the_same_after_it_has_travelled(archive: tuple[Path, str], tmp_path: Path) -> None:
    path, told = archive
    digest = re.search(r"--sha256 ([0-9a-f]{64})", told)
    assert digest
    assert "sites/local.yaml is: send that too if it is new" in told
    done = evaluation("import", path, "--results", tmp_path / "there", "--sha256", digest[1])
    assert done.exit_code == 0, done.output
    assert "as its sender says" in done.output
    assert f"and beside it: {tmp_path / 'there' / 'local' / SWEPT.name}" in done.output
    assert "next: evaluation report" in done.output
    measured(tmp_path / "here", "local")
    measured(tmp_path / "here", "local", SWEPT)
    here, there = (
        load_case(results=tmp_path / folder, criteria=ROOT / "criteria.yaml", sites=ROOT / "sites")
        for folder in ("here", "there")
    )
    (ours,), (theirs,) = here.measured, there.measured
    assert [row.score for row in ours.decision.rows] == [row.score for row in theirs.decision.rows]
    assert len(ours.decision.rows) > 100
    assert here.sweeps["local"].widest == there.sweeps["local"].widest
    assert [each.throughput for each in here.sweeps["local"].levels] == [
        each.throughput for each in there.sweeps["local"].levels
    ]
    for one, other in zip(ours.decision.use_cases, theirs.decision.use_cases, strict=True):
        assert [(v.runtime, v.standing, v.score, v.p_first) for v in one.verdicts] == [
            (v.runtime, v.standing, v.score, v.p_first) for v in other.verdicts
        ]


def test_no_folder_of_anybody_is_in_it(archive: tuple[Path, str]) -> None:
    run = Run(REFERENCE)
    original = "".join(str(row) for name in ("evidence.jsonl", "outputs.jsonl") for _, row in run.lines(name))
    folders = {*re.findall(r"/home/([a-z][a-z0-9_-]+)", original)} | {
        *re.findall(r"container-evaluation-[a-z0-9_]{8}(?=/)", original)
    }
    assert folders
    with zipfile.ZipFile(archive[0]) as packed:
        text = "".join(packed.read(name).decode() for name in packed.namelist())
    assert not [name for name in folders if name in text]


def test_what_leaves_is_listed_before_and_nothing_is_written_unasked(tmp_path: Path) -> None:
    measured(tmp_path / "results", "local")
    words = ("site", "pack", "--results", tmp_path / "results", "--output", tmp_path / "run.zip")
    done = evaluation(*words)
    assert done.exit_code == 1
    assert "this leaves:" in done.output
    assert "run again with --yes" in done.output
    assert not (tmp_path / "run.zip").exists()
    agreed = evaluation(*words, "--yes")
    assert agreed.exit_code == 0, agreed.output
    assert (tmp_path / "run.zip").is_file()


def test_a_name_that_is_a_word_of_the_results_changes_nothing_silently(tmp_path: Path) -> None:
    measured(tmp_path / "results", "local")
    done = evaluation("site", "pack", "--results", tmp_path / "results", "--yes", "--hide", "docker")
    assert done.exit_code == 1
    assert "--public docker" in done.output
    assert not [*(tmp_path / "results").glob("*.zip")]


@pytest.mark.parametrize("host", ["local", "LOCAL.example.org"])
def test_a_site_called_like_its_host_is_refused_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    assert evaluation("site", "pack", "--check-name").exit_code == 0
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", host, "6.1", "#1", "x86_64")))
    done = evaluation("site", "pack", "--check-name")
    assert done.exit_code == 1
    assert "'local' is the name of a host or a user here" in done.output
    assert "--public local" in done.output
    assert evaluation("site", "pack", "--check-name", "--public", "local").exit_code == 0


def test_make_site_looks_at_the_name_first() -> None:
    told = subprocess.run(("make", "-n", "site"), cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert 0 < told.index("site pack --check-name --site local") < told.index("evaluation run ")


def test_what_is_not_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="nothing was measured for this site") as caught:
        sending.pack("", site="slac", results=tmp_path, output=None, agreed=lambda _: True)
    assert "make site SITE=slac" in caught.value.advice
    with pytest.raises(EvaluationError, match="there is no run nothing"):
        sending.pack("nothing", site="slac", results=tmp_path, output=None, agreed=lambda _: True)


def test_a_sweep_alone_is_no_measurement_and_is_said_to_be_none(tmp_path: Path) -> None:
    results = tmp_path / "results"
    measured(results, "local", SWEPT)
    done = evaluation("site", "pack", "--results", results, "--yes")
    assert done.exit_code == 1
    assert "nothing was measured for this site: what is here is a sweep or a calibration" in done.output
    words = ("site", "pack", SWEPT.name, "--results", results, "--yes", "--output", tmp_path / "a.zip")
    named = evaluation(*words)
    assert named.exit_code == 0, named.output
    done = evaluation("import", tmp_path / "a.zip", "--results", tmp_path / "there")
    assert done.exit_code == 0, done.output
    assert "it holds no measurement, only a run of the profile sweep" in done.output
    assert "make site SITE=local" in done.output
    bare = evaluation("weights", "show", "--results", tmp_path / "there")
    assert bare.exit_code == 0, bare.output


def test_a_run_that_is_no_sweep_is_refused_and_by_hand_costs_the_report_a_sentence(tmp_path: Path) -> None:
    """As an archive that is valid by all digests, whose profile and content disagree."""
    results = tmp_path / "results"
    run = Run.create(results, manifest().model_copy(update={"profile": SWEEP, "label": "", "plan": ""}))
    run.append(Turn(probe="cold_start", runtime="host", block=0), [observation()], [])
    run.finish("2026-01-01T00:00:00.000+00:00")
    made_fit(run, Hider(key=b"k" * 32, private=Private())).write(tmp_path / "odd.zip")
    done = evaluation("import", tmp_path / "odd.zip", "--results", tmp_path / "there")
    assert done.exit_code == 1
    assert "what it holds is no sweep, although its profile says so; nothing was added" in done.output
    measured(results, "local")
    page = evaluation("report", "--results", results, "--output", tmp_path / "page.html")
    assert page.exit_code == 0, page.output
    assert f"The run local/{run.path.name} was passed over" in (tmp_path / "page.html").read_text()


def test_two_sites_stand_side_by_side_one_of_them_from_an_archive(
    archive: tuple[Path, str], tmp_path: Path
) -> None:
    """One machine, two policies: the imported run and ours are two columns, and nothing is averaged."""
    results = tmp_path / "results"
    sites = tmp_path / "sites"
    shutil.copytree(ROOT / "sites", sites)
    (sites / "unprivileged.yaml").write_text(
        (sites / "local.yaml").read_text().replace("title: This machine", "title: The same, without daemons")
        + "\npolicy:\n  knock_outs:\n"
        "    - {family: docker, reason: no daemon of root's on worker nodes, source: made up for a test}\n"
    )
    measured(results, "unprivileged")
    assert evaluation("import", "archive", archive[0], "--results", results).exit_code == 0
    assert [run.path.parent.name for run in measurements(find_runs(results))] == ["local", "unprivileged"]
    case = load_case(results=results, criteria=ROOT / "criteria.yaml", sites=sites)
    ours, theirs = case.measured
    assert (ours.archived is not None, theirs.archived) == (True, None)
    for mine, other in zip(ours.decision.use_cases, theirs.decision.use_cases, strict=True):
        of_docker = [{way.runtime: way for way in decision.modes}["docker"] for decision in (mine, other)]
        assert any("no daemon of root" in reason for reason in of_docker[1].knocked_out)
        assert not any("no daemon of root" in reason for reason in of_docker[0].knocked_out)
        assert of_docker[0].score == of_docker[1].score  # the same evidence, and each by itself
