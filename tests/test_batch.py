"""The batch part of a site's file: what it may say to which engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.batch import Batch
from evaluation.errors import FaultyDocumentError
from evaluation.sites import load_site

SHIPPED = Path(__file__).parents[1] / "sites"


def said_of(folder: Path, batch: str) -> str:
    (folder / "here.yaml").write_text(f"title: Here\nstatus: measured-here\nbatch: {batch}\n")
    with pytest.raises(FaultyDocumentError) as caught:
        load_site("here", folder)
    fault = caught.value.faults[0]
    assert fault.line == 3
    return fault.message


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        ("{engine: gridengine, partition: main}", "'partition' is Slurm's word"),
        ("{engine: slurm, queue: main}", "'queue' is not Slurm's word"),
        ("{engine: gridengine, submit_by: psij}", "'psij' does not know Grid Engine"),
        ("{engine: gridengine, cores_per_node: 2}", "#$ -pe ENVIRONMENT CORES"),
        ("{engine: gridengine, mem_per_node: 2}", "#$ -l h_vmem=SIZE"),
        ("{engine: local, scheduler_options: ['#SBATCH --exclusive']}", "mean nothing to the engine 'local'"),
        (
            "{engine: slurm, scheduler_options: ['#$ -pe smp 2']}",
            "should be one line beginning with '#SBATCH'",
        ),
        (
            "{engine: slurm, scheduler_options: ['--exclusive']}",
            "should be one line beginning with '#SBATCH'",
        ),
        ('{engine: slurm, scheduler_options: ["#SBATCH --a=b\\nrm -r ."]}', "should be one line"),
        ("{engine: slurm, submit_by: psij, scheduler_options: ['#SBATCH --exclusive']}", "NAME=VALUE"),
        ("{engine: slurm, environment: venv}", "absolute path"),
        ("{engine: slurm, walltime: 2h}", "walltime"),
        ("{engine: slurm, nodes: 0}", "nodes"),
        ("{engine: slurm, worker_int: []}", "worker_init"),
    ],
)
def test_what_would_be_passed_over_or_misread_is_a_fault(tmp_path: Path, batch: str, said: str) -> None:
    found = said_of(tmp_path, batch)
    assert said in found or said in found.replace("`", "'")


def test_a_native_launch_needs_words_and_a_bind_says_where(tmp_path: Path) -> None:
    start = "{engine: slurm}\nruntimes: {shifter: {native: "
    for native, said in (("{options: []}", "options"), ("{options: [a], bind: '{source}'}", "{target}")):
        text = f"title: Here\nstatus: measured-here\nbatch: {start}{native}}}}}\n"
        (tmp_path / "here.yaml").write_text(text)
        with pytest.raises(FaultyDocumentError, match=said.replace("{", "\\{")):
            load_site("here", tmp_path)


def test_only_slurm_launches_natively(tmp_path: Path) -> None:
    (tmp_path / "here.yaml").write_text(
        "title: Here\nstatus: measured-here\nbatch: {engine: gridengine}\n"
        "runtimes: {shifter: {native: {options: [a]}}}\n"
    )
    with pytest.raises(FaultyDocumentError, match=r"only Slurm starts containers itself.*'gridengine'"):
        load_site("here", tmp_path)


def test_times_are_seconds() -> None:
    batch = Batch(engine="slurm", walltime="01:02:03", start_within="100:00:00")
    assert (batch.walltime_s, batch.start_within_s) == (3723.0, 360_000.0)


@pytest.mark.parametrize(
    ("engine", "submits"),
    [("local", False), ("unknown", False), ("lsf", False), ("slurm", True), ("gridengine", True)],
)
def test_jobs_are_submitted_only_to_engines_that_were_tried(engine: str, submits: bool) -> None:  # noqa: FBT001 - a row
    assert Batch.model_validate({"engine": engine}).submits is submits


@pytest.mark.parametrize("site_id", ["slurm-test", "gridengine-test"])
def test_the_test_clusters_say_that_they_show_function_only(site_id: str) -> None:
    site = load_site(site_id, SHIPPED)
    assert site.status == "test"
    assert site.title.startswith("Test cluster: ")
    assert "shows function, not how hardware scales" in (site.batch.remark or "")
    assert site.batch.submits
    assert site.batch.address == "127.0.0.1"
