"""The batch way: a measurement in a job of real Slurm, its command killed, resumed in a new job, reported."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import eventually

from journeys.conftest import CloneOf
from journeys.walking import PATIENCE, Clone, named_user, new_folder

pytestmark = pytest.mark.real

SITE = "slurm-test"


@pytest.fixture(scope="module")
def clone(clone_of: CloneOf, slurm: dict[str, str]) -> Iterator[Clone]:
    """A clone whose commands find the scheduler, and a temporary folder of its own."""
    mine, scratch = clone_of(), new_folder()
    scratch.chmod(0o1777)
    yield Clone(folder=mine.folder, journey=mine.journey, env={**slurm, "TMPDIR": str(scratch)})
    shutil.rmtree(scratch, ignore_errors=True)


def jobs(slurm: dict[str, str]) -> list[str]:
    asked = subprocess.run(
        ("squeue", "--noheader", "--format=%i %j"),
        env={**os.environ, **slurm},
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in asked.stdout.splitlines() if "evaluation-" in line]


def lines(clone: Clone, results: str) -> int:
    files: list[Path] = list((clone.folder / results / SITE).glob("*/observations.jsonl"))
    return sum(len(path.read_bytes().splitlines()) for path in files)


def test_a_run_that_was_killed_is_resumed_and_reported(clone: Clone, slurm: dict[str, str]) -> None:
    assert "slurm" in clone.run("evaluation", "doctor", "--site", SITE).out
    command = ("evaluation", "run", "--site", SITE, "--profile", "trial", "--runtime", "none")
    options = ("--results", "results", "--image", "xs")
    process = clone.start(*command, *options)
    assert eventually(lambda: lines(clone, "results") > 5 or process.poll() is not None, PATIENCE)
    assert process.poll() is None, process.communicate()[0]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    (begun,) = clone.runs(SITE)
    kept = lines(clone, "results")
    told = clone.run(*command, *options).out
    assert begun in told
    assert [name for name in clone.runs(SITE) if not name.endswith("-sweep")] == [begun]
    assert lines(clone, "results") > kept
    assert (clone.folder / "results" / SITE / begun / "complete.json").exists()
    assert eventually(lambda: jobs(slurm) == [])
    assert list((clone.folder / "results").glob(".submissions/*")) == []
    clone.run("evaluation", "report", "--run", begun)
    assert "verified" in clone.run("evaluation", "verify", "results/report.html").out
    (site,) = clone.answers("--run", begun)
    assert site["run"] == f"{SITE}/{begun}"
    page = clone.read("results/report.html")
    assert "Slurm" in page or "slurm" in page


def test_a_sweep_is_spread_over_two_nodes(clone: Clone, slurm: dict[str, str]) -> None:
    words = ("evaluation", "sweep", "--site", SITE, "--nodes", "2", "--runtime", "host", "--max", "2")
    options = ("--repeats", "1", "--budget", "1", "--probe", "start", "--results", "swept", "--fresh")
    clone.run(*words, *options, *named_user())
    assert clone.runs(SITE, "swept")
    assert lines(clone, "swept") > 0
    assert eventually(lambda: jobs(slurm) == [])
