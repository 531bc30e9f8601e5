"""One measurement at a time on a host, whatever TMPDIR says."""

import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.measure.alone import LOCK, alone

ROOT = Path(__file__).parents[2]
TRIES = """
from evaluation.measure.alone import alone
from evaluation.errors import EvaluationError
try:
    with alone(): print('alone')
except EvaluationError as error: print(error)
"""


@pytest.fixture(autouse=True)
def own_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOCK, f"test-{tmp_path.name}")


def another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What another process says that has a temporary folder of its own."""
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    done = subprocess.run([sys.executable, "-c", TRIES], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not list(folder.iterdir())
    return done.stdout


def test_jobs_with_private_temporary_folders_exclude_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with alone():
        told = another(tmp_path / "a", monkeypatch)
        assert "another measurement is under way on this host: process " in told
        assert "Wait until it ends" in told
    assert another(tmp_path / "b", monkeypatch) == "alone\n"


def test_it_tells_who_holds_the_host_as_often_as_it_is_asked() -> None:
    with alone():
        for _ in range(200):
            with pytest.raises(EvaluationError, match="another measurement is under way"), alone():
                raise AssertionError
    with alone():
        pass


def test_what_fails_inside_is_not_told_as_another_measurement() -> None:
    """A fork at `ulimit -u` raises this."""
    with pytest.raises(BlockingIOError, match="Resource temporarily unavailable"), alone():
        raise BlockingIOError(11, "Resource temporarily unavailable")


def test_a_name_that_is_no_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOCK, "x" * 200)
    with pytest.raises(EvaluationError, match=LOCK), alone():
        pass
