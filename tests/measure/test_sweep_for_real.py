"""A real sweep by the command: all is accounted for; killed half-way it leaves nothing and goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import eventually

from evaluation.decide.sweeps import CLIMB, read_sweep
from evaluation.measure.launcher import Launcher
from evaluation.store import find_runs

ROOT = Path(__file__).parents[2]
PROBE = "sweep_start"
pytestmark = pytest.mark.real


def started_in(folder: Path) -> list[str]:
    """Command lines of what runs with something of this folder in it, sweeps themselves left out."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(str(folder) in word for word in words) and "sweep" not in words:
            found.append(" ".join(words))
    return found


def test_a_sweep_of_charliecloud_loses_nothing_and_one_that_is_killed_goes_on(
    folder: Path, launcher: Launcher
) -> None:
    if not launcher.find("ch-run"):
        pytest.skip("needs Charliecloud")
    command = [sys.executable, "-m", "evaluation", "sweep", "--runtime", "charliecloud", "--max", "16"]
    results = folder / "results"
    whole = [*command, "--repeats", "1", "--results", str(results)]
    env = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}

    def lines() -> int:
        return sum(len(path.read_bytes().splitlines()) for path in results.glob("*/*/observations.jsonl"))

    with subprocess.Popen(whole, cwd=ROOT, env=env, stdout=subprocess.DEVNULL) as process:
        assert eventually(lambda: lines() >= 4 or process.poll() is not None, 240)
        process.kill()
    assert eventually(lambda: not started_in(folder)), started_in(folder)
    (run,) = find_runs(results)
    assert not run.complete
    before = run.turns_done()
    done = subprocess.run(whole, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "resuming the interrupted run" in done.stdout
    (run,) = find_runs(results)
    assert run.complete
    assert before < run.turns_done()
    sweep = read_sweep(run)
    for runtime in ("host", "charliecloud"):
        assert [cell.width for cell in sweep.cells(PROBE, runtime)] == [1, 2, 4, 8, 16]
        assert not sweep.failed(PROBE, runtime)
        assert not [what for what in sweep.left(PROBE, runtime) if what.startswith("processes")]
        assert not sweep.stopped(PROBE, runtime)
    for level in sweep.levels:
        assert len(level.waits) == level.launched >= level.width
        assert len(level.starts) == len(level.outputs) == level.launched
    assert {level.kind for level in sweep.levels} > {CLIMB}
