"""What a job prints is shown as it comes, and what it ends with becomes a run's folder or a reason."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import pytest

from evaluation.errors import EvaluationError
from evaluation.measure.submission import Executor, LostError, remote
from evaluation.measure.submission.remote import run_on_node
from evaluation.sites import load_site

ROOT = Path(__file__).parents[3]
SLURM = load_site("slurm-test", ROOT / "sites")


class Scripted(Executor):
    """A node on which a command prints what it is told to, and ends so."""

    id = "an-id"
    engine = "slurm"

    def __init__(self, printed: str, ends: int | Exception) -> None:
        self.printed, self.ends, self.closed = printed, ends, False
        self.asked: tuple[str, ...] = ()

    def submit(self, *_: object) -> Future[object]:
        raise NotImplementedError

    def run(self, argv: Sequence[str], output: Path) -> Future[int]:
        self.asked = tuple(argv)
        output.write_text(self.printed)
        done: Future[int] = Future()
        if isinstance(self.ends, Exception):
            done.set_exception(self.ends)
        else:
            done.set_result(self.ends)
        return done

    def jobs(self) -> tuple[str, ...]:
        return ("7",)

    def close(self) -> None:
        self.closed = True


def outcome(
    monkeypatch: pytest.MonkeyPatch, results: Path, printed: str, ends: int | Exception = 0
) -> tuple[Path, str, Scripted]:
    (results / ".submissions" / "an-id").mkdir(parents=True)
    node, terminal = Scripted(printed, ends), io.StringIO()
    monkeypatch.setattr(remote, "open_executor", lambda *_, **__: node)
    try:
        return run_on_node(SLURM, ("run", "--site", "x"), results, terminal), terminal.getvalue(), node
    finally:
        assert node.closed


def test_what_a_job_prints_does_not_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    printed = "module: \x1b[2J\x9b2J\u202e\nmeasured: results/a/b\n"
    _, shown, _ = outcome(monkeypatch, tmp_path, printed)
    assert shown.splitlines()[1:] == ["module: <U+001B>[2J<U+009B>2J<U+202E>"]


def test_the_run_is_the_one_that_the_job_names_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = tmp_path / "slurm-test" / "a-run"
    named = os.path.relpath(run, ROOT)
    printed = f"  ... performance 3%\nperformance: 9 turns\nmeasured: {named}\n"
    path, shown, node = outcome(monkeypatch, tmp_path, printed)
    assert path == run
    assert node.asked[1:] == ("-m", "evaluation", "run", "--site", "x")
    assert shown.splitlines()[1:] == ["  ... performance 3%", "performance: 9 turns"]


def test_a_failure_has_the_job_s_last_words_without_its_progress(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(EvaluationError) as caught:
        outcome(monkeypatch, tmp_path, "  ... 3%\nevaluation: no such image", 1)
    assert "exit status 1" in caught.value.what
    assert "evaluation: no such image" in caught.value.what
    assert "3%" not in caught.value.what
    assert caught.value.where == "slurm, job 7"


def test_a_full_results_folder_is_the_reason_even_where_nothing_could_be_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(EvaluationError, match="no space is left in the results folder"):
        outcome(monkeypatch, tmp_path, "", 120)


def test_a_lost_job_is_lost_and_never_begun_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(LostError, match="job 7 ended: NODE_FAIL"):
        outcome(monkeypatch, tmp_path, "", LostError("job 7 ended: NODE_FAIL"))


def test_a_job_that_names_no_run_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="names no run"):
        outcome(monkeypatch, tmp_path, "hello\n")
