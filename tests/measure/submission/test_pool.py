"""What Parsl is told of a job comes from the scheduler that holds it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from parsl.jobs.states import JobState, JobStatus

from evaluation.measure.submission import pool


def test_a_job_that_the_books_do_not_have_yet_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, script in {"sacct": "exit 0", "squeue": "echo 7 PD"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n# A fake for a unit test: no scheduler.\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    provider = pool._Slurm(partition="main")
    provider.resources["7"] = {
        "status": JobStatus(JobState.PENDING), "job_stdout_path": None, "job_stderr_path": None,
    }  # fmt: skip
    (status,) = provider.status(["7"])  # type: ignore[no-untyped-call]
    assert status.state is JobState.PENDING
