"""PSI/J's jobs under a scheduler that does not always answer: a fake, which records what it is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluation.batch import Batch
from evaluation.measure.launcher import Launcher
from evaluation.measure.submission import scheduler, scripts
from evaluation.measure.submission.executor import LostError
from evaluation.measure.submission.folder import SubmissionFolder
from evaluation.measure.submission.scheduler import Queue, Slurm
from evaluation.measure.submission.scripts import ScriptPool
from evaluation.measure.user import ourselves

FAKE = """#!/bin/sh
# A fake for a unit test: no scheduler. It says and does the next thing of its list, and at last the last one.
echo "$(basename "$0") $*" >>{folder}/asked
number=$(grep -c "^$(basename "$0") " {folder}/asked)
[ -e {folder}/$(basename "$0").$number ] || number=last
. {folder}/$(basename "$0").$number
"""
SILENT = "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1"


class Played:
    """A scheduler's commands on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def says(self, command: str, *answers: str) -> None:
        program = self.folder / command
        program.write_text(FAKE.format(folder=self.folder))
        program.chmod(0o755)
        for number, answer in enumerate(answers[:-1], 1):
            (self.folder / f"{command}.{number}").write_text(f"{answer}\n")
        (self.folder / f"{command}.last").write_text(f"{answers[-1]}\n")

    def asked(self, command: str) -> int:
        lines = (self.folder / "asked").read_text().splitlines()
        return len([line for line in lines if line.startswith(f"{command} ")])


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(scheduler, "_PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr(scripts, "_LOOK_S", 0.01)
    found = Played(folder)
    found.says("scancel", "true")
    found.says("scontrol", "echo 'JobState=COMPLETED Reason=None ExitCode=0:0'")
    return found


@pytest.fixture
def pool(played: Played, tmp_path: Path) -> Iterator[ScriptPool]:
    del played
    batch = Batch(engine="slurm", submit_by="psij", walltime="00:00:02")
    folder = SubmissionFolder(tmp_path / "results")
    opened = ScriptPool(batch, folder, Queue(Slurm(), Launcher(ourselves())))
    yield opened
    opened.close()


def listed(pool: ScriptPool) -> str:
    return f"echo '7|RUNNING|None|n1|evaluation-{pool.id}'"


def test_a_question_that_fails_does_not_end_the_measurement(
    pool: ScriptPool, played: Played, tmp_path: Path
) -> None:
    left = tmp_path / "left"
    work = f"echo 3 >{left}"
    played.says("squeue", listed(pool), *[SILENT] * 8, listed(pool), f"{work}; true", "true")
    told = pool._follow("7", left, lambda: int(left.read_text()))
    assert told.result(60) == 3
    assert played.asked("squeue") >= 11
    assert "scancel" not in (played.folder / "asked").read_text(), "nothing is cancelled meanwhile"


def test_what_the_work_has_left_counts_though_nobody_answers(
    pool: ScriptPool, played: Played, tmp_path: Path
) -> None:
    left = tmp_path / "left"
    played.says("squeue", SILENT, f"echo 3 >{left}; {SILENT}", SILENT)
    assert pool._follow("7", left, lambda: int(left.read_text())).result(60) == 3
    played.says("squeue", "true")


def test_a_scheduler_that_never_answers_again_is_told_in_its_words(
    pool: ScriptPool, played: Played, tmp_path: Path
) -> None:
    played.says("squeue", listed(pool), SILENT)
    told = pool._follow("7", tmp_path / "left", lambda: 0)
    with pytest.raises(LostError, match=r"(?s)of job 7 nothing was heard for 00:00:02.*Unable to contact"):
        told.result(60)
    played.says("squeue", "true")


def test_an_end_that_the_scheduler_has_forgotten_is_looked_for_in_the_folder(
    pool: ScriptPool, played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Queue, "ending", lambda *_, **__: scheduler.NOT_KNOWN)
    left = tmp_path / "left"
    played.says("squeue", "true")
    monkeypatch.setattr(scripts, "_KNOWN_AFTER_S", 30.0)
    told = pool._follow("7", left, lambda: int(left.read_text()))
    left.write_text("3")
    assert told.result(60) == 3
