"""From the site that measured to the report that decides, with the run that comes with the project."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evaluation import cli, sending
from evaluation.errors import EvaluationError
from evaluation.files import digest_of
from evaluation.report.load import load_case
from evaluation.store import Run, find_runs

ROOT = Path(__file__).parents[1]
REFERENCE = max(path.parent for path in (ROOT / "results" / "reference").glob("*-quick/manifest.json"))


def evaluation(*words: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(word) for word in words])


def measured(results: Path, site: str) -> Run:
    """The run that comes with the project, as if it had been measured for another site."""
    target = results / site / REFERENCE.name
    shutil.copytree(REFERENCE, target)
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
    return folder / "run.zip", told


def test_a_real_run_says_the_same_after_it_has_travelled(archive: tuple[Path, str], tmp_path: Path) -> None:
    path, told = archive
    digest = re.search(r"--sha256 ([0-9a-f]{64})", told)
    assert digest
    done = evaluation("import", path, "--results", tmp_path / "there", "--sha256", digest[1])
    assert done.exit_code == 0, done.output
    assert "as its sender says" in done.output
    measured(tmp_path / "here", "local")
    for folder in ("here", "there"):
        assert evaluation("findings", "--results", tmp_path / folder).exit_code == 0
    here, there = (
        load_case(results=tmp_path / folder, criteria=ROOT / "criteria.yaml", sites=ROOT / "sites")
        for folder in ("here", "there")
    )
    (ours,), (theirs,) = here.measured, there.measured
    assert [row.score for row in ours.decision.rows] == [row.score for row in theirs.decision.rows]
    assert len(ours.decision.rows) > 100
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


def test_what_is_not_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="nothing was measured for this site") as caught:
        sending.pack("", site="slac", results=tmp_path, output=None, agreed=lambda _: True)
    assert "make site SITE=slac" in caught.value.advice
    with pytest.raises(EvaluationError, match="there is no run nothing"):
        sending.pack("nothing", site="slac", results=tmp_path, output=None, agreed=lambda _: True)


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
    assert [run.path.parent.name for run in find_runs(results)] == ["local", "unprivileged"]
    assert evaluation("findings", "--results", results).exit_code == 0
    case = load_case(results=results, criteria=ROOT / "criteria.yaml", sites=sites)
    ours, theirs = case.measured
    assert (ours.archived is not None, theirs.archived) == (True, None)
    for mine, other in zip(ours.decision.use_cases, theirs.decision.use_cases, strict=True):
        of_docker = [{v.runtime: v for v in decision.verdicts}["docker"] for decision in (mine, other)]
        assert any("no daemon of root" in reason for reason in of_docker[1].reasons)
        assert not any("no daemon of root" in reason for reason in of_docker[0].reasons)
        assert of_docker[0].score == of_docker[1].score  # the same evidence, and each by itself
