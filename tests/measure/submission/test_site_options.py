"""Whoever submits, and for what: every job asks for what the site says. The scheduler is a fake."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from evaluation.batch import Batch
from evaluation.measure.launcher import Launcher
from evaluation.measure.submission import pool
from evaluation.measure.submission.folder import SubmissionFolder
from evaluation.measure.submission.scheduler import Queue, Slurm
from evaluation.measure.submission.scripts import ScriptPool
from evaluation.measure.user import ourselves
from evaluation.probes.batchsystem import Limits, batch_system

SITE = Batch(
    engine="slurm",
    partition="long",
    account="fermi",
    cores_per_node=2,
    mem_per_node=8,
    scheduler_options=("#SBATCH --qos=normal",),
)
REFUSES = """#!/bin/sh
# A fake for a unit test: it takes no job without an account and a QOS, and keeps what it was handed.
for last in "$@"; do :; done
{{ echo "$@"; cat "$last"; }} >{folder}/submitted
for option in account qos; do
    grep -q -- "--$option=" {folder}/submitted || {{ echo "sbatch: error: no $option" >&2; exit 1; }}
done
echo {answer}
"""


def played(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str = "Submitted batch job 7") -> Path:
    for name in ("squeue", "sacct", "scancel", "scontrol"):
        (folder / name).write_text("#!/bin/sh\n# A fake for a unit test: no job is listed.\n")
        (folder / name).chmod(0o755)
    (folder / "sbatch").write_text(REFUSES.format(folder=folder, answer=answer))
    (folder / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "submitted"


def asked(submitted: Path) -> set[str]:
    words = submitted.read_text().replace('"', "").split()
    return {word for word in SITE.options if word in words}


def test_by_parsl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted = played(tmp_path, monkeypatch)
    folder = SubmissionFolder(tmp_path / "results")
    provider = pool._provider(SITE, folder, 1)
    provider.script_dir = str(tmp_path)
    provider.submit("true", 1)
    assert asked(submitted) == set(SITE.options)


def test_by_psij(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted = played(tmp_path, monkeypatch)
    folder = SubmissionFolder(tmp_path / "results")
    with ScriptPool(SITE, folder, Queue(Slurm(), Launcher(ourselves()))) as executor:
        executor._submit(("true",), folder.path / "log")
    assert asked(submitted) == set(SITE.options)


def test_by_a_probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted = played(tmp_path, monkeypatch, answer="7")
    system = batch_system(SITE, {})
    assert system is not None
    (tmp_path / "j.sh").write_text("#!/bin/bash\n")
    argv = system.submission(str(tmp_path / "j.sh"), name="j", folder=str(tmp_path), limits=Limits())
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert system.number(done.stdout) == "7", done.stderr
    assert asked(submitted) == set(SITE.options)
