"""A site's file: begun valid, never written over, checked with its age and its gaps."""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path

import pytest
from made_up_sweep import sweep_run

from evaluation import sitework, validation
from evaluation.doctor import Checkup
from evaluation.errors import EvaluationError, Fault
from evaluation.measure.host import host_facts

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sites", tmp_path / "sites")
    shutil.copy(ROOT / "criteria.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)


def checked(name: str, folder: Path) -> tuple[str, bool]:
    text, valid = sitework.check(name, results=folder / "none", today=date(2026, 11, 23))
    return text.replace("\N{NO-BREAK SPACE}", " "), valid


def faults_of(path: Path) -> list[Fault]:
    return validation.validate(path.parents[1] / "criteria.yaml", path.parent)


def test_a_new_file_is_valid_as_it_is_and_is_never_written_over(tmp_path: Path) -> None:
    path = sitework.new("my-site")
    assert path == tmp_path / "sites" / "my-site.yaml"
    assert faults_of(path) == []
    path.write_text("kept")
    with pytest.raises(EvaluationError, match="is not written over"):
        sitework.new("my-site")
    assert path.read_text() == "kept"


def test_a_name_of_this_host_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "rack7", "6.1", "#1", "x86_64")))
    with pytest.raises(EvaluationError, match="'rack7' is the name of a host or a user here"):
        sitework.new("rack7-gpu")
    assert not (tmp_path / "sites" / "rack7-gpu.yaml").exists()
    assert sitework.new("rack70").is_file()


def test_what_its_comments_show_is_valid_too(tmp_path: Path) -> None:
    """Every example of the file, uncommented, is what the schema takes."""
    path = sitework.new("my-site")
    kept = [line for line in path.read_text().splitlines() if not line.startswith("# ") and line != "#"]
    shown = ("#   ", "# facts:", "# offers:", "# borrows:", "# runtimes:")
    examples = [line[2:] for line in path.read_text().splitlines() if line.startswith(shown)]
    path.write_text("\n".join([*kept, *examples]) + "\n")
    assert faults_of(path) == []
    text, valid = checked("my-site", tmp_path)
    assert valid
    assert "declared (9 months old): container policy: What is so" in text
    assert "offers apptainer (2026-01-31): What is offered, in one sentence." in text
    assert "borrows from reference, widened 1.5fold, until it has measured: cold_start, warm_start" in text


def test_what_is_borrowed_on_a_condition_is_named_with_it(tmp_path: Path) -> None:
    path = sitework.new("my-site")
    borrow = "{from: reference, criteria: [cold_start, job_memory_limit], widen_by: 2, reason: a, source: b}"
    path.write_text(f"{path.read_text()}borrows: [{borrow}]\n")
    text, _ = checked("my-site", tmp_path)
    assert "    only where control groups are made alike here and there: job_memory_limit\n" in text


def test_of_a_batch_system_that_nobody_named_it_is_not_said_that_it_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Checkup(site="my-site", measured_as="me", host=host_facts(), runtimes=(), checks=())
    monkeypatch.setattr("evaluation.sitework.doctor.examine", lambda _: nothing)
    path = sitework.new("my-site")
    path.write_text(path.read_text().replace("status: declared-only", "status: measured-here"))
    text, valid = checked("my-site", tmp_path)
    assert valid
    assert "batch system: not said which (batch: engine); nothing is submitted" in text
    assert "does not answer" not in text


@pytest.mark.parametrize("name", ["", "..", "../evil", "Big", "a b", "-x", "a/b", "x" * 80])
def test_a_name_that_is_no_id_is_refused(name: str) -> None:
    with pytest.raises(EvaluationError, match="is no id for a site"):
        sitework.new(name)


def test_a_check_says_what_is_out_of_date_missing_and_not_measured(tmp_path: Path) -> None:
    text, valid = checked("cc-in2p3", tmp_path)
    assert valid
    assert "declared, out of date (148 months old): batch system: The batch scheduler was Univa" in text
    assert "declared, age unknown: container policy" in text
    assert "nobody has said: container runtime" in text
    assert "not measured: make site SITE=cc-in2p3" in text
    assert "not asked whether anything answers" in text


def test_a_sweep_or_a_calibration_is_no_measurement(tmp_path: Path) -> None:
    sweep_run(tmp_path / "results", "20260101T000000Z-a", [1, 2]).finish("2026-01-01T00:00:00.000+00:00")
    text, _ = sitework.check("local", results=tmp_path / "results", today=date(2026, 11, 23))
    assert "not measured: make site SITE=local, on its own machine (a sweep or a calibration is here" in text


def test_a_faulty_file_is_said_with_its_line_and_the_others_are_checked(tmp_path: Path) -> None:
    (tmp_path / "sites" / "slac.yaml").write_text("title: SLAC\nstatus: wrong\nbatch: {engine: slurm}\n")
    for name in ("local", "reference", "slurm-test", "gridengine-test"):
        (tmp_path / "sites" / f"{name}.yaml").unlink()
    text, valid = sitework.check("", results=tmp_path / "none")
    assert not valid
    assert "slac.yaml:2:" in text
    assert "cc-in2p3: CC-IN2P3, Lyon; sites/cc-in2p3.yaml is as it should be" in text


def test_an_unknown_site_is_answered_with_how_to_begin_it() -> None:
    with pytest.raises(EvaluationError, match="did you mean 'slac'") as caught:
        sitework.check("slak", results=None)
    assert "evaluation site new slak" in caught.value.advice
