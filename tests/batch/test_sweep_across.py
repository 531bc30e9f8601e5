"""A real sweep across nodes of Slurm: killed half-way it leaves nothing, and goes on where it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from processes import eventually

from evaluation.decide.sweeps import sweeps_of
from evaluation.measure.launcher import Launcher
from evaluation.report.spreading import spread
from evaluation.store import find_runs
from evaluation.units import count

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.real


def started_in(folder: Path) -> list[str]:
    """Command lines of the containers that run with something of this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if words[0].endswith("ch-run") and any(str(folder) in word for word in words):
            found.append(" ".join(words))
    return found


def test_a_sweep_across_two_nodes_keeps_every_container_and_one_that_is_killed_goes_on(
    folder: Path, launcher: Launcher, slurm: dict[str, str]
) -> None:
    if not launcher.find("ch-run"):
        pytest.skip("needs Charliecloud")
    results = folder / "results"
    command = [sys.executable, "-m", "evaluation", "sweep", "--site", "slurm-test", "--nodes", "2"]
    command += ["--runtime", "charliecloud", "--max", "4", "--repeats", "0", "--results", str(results)]
    env = {**os.environ, **slurm, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}

    def lines() -> int:
        return sum(len(path.read_bytes().splitlines()) for path in results.glob("*/*/observations.jsonl"))

    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL) as process:
        assert eventually(lambda: lines() >= 2 or process.poll() is not None, 240)
        process.kill()
    assert eventually(lambda: not started_in(folder)), started_in(folder)
    (run,) = find_runs(results)
    assert not run.complete
    before = run.turns_done()
    assert before
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    queued = subprocess.run(["squeue", "--noheader"], env=env, capture_output=True, text=True, check=True)
    assert queued.stdout == "", "neither the jobs of this sweep nor of the one that was killed"
    (run,) = find_runs(results)
    assert run.complete
    assert before < run.turns_done()
    sweep = sweeps_of([run], "slurm-test").across
    assert sweep is not None
    assert Counter((each.runtime, each.width, each.on) for each in spread(sweep)) == dict.fromkeys(
        (
            (runtime, width, on)
            for runtime in ("host", "charliecloud")
            for width in (2, 4)
            for on in (count(1, "node"), count(2, "node"))
        ),
        1,
    )
    for level in sweep.levels:
        assert len(level.waits) == len(level.starts) == level.launched >= 32
        assert min(level.starts) > 0, "what a container says of itself is on the same clock"
        assert {node.bound_s for node in level.nodes} == {0.0}, "these nodes have one kernel"
        assert all(node.handed_over_s > 0 for node in level.nodes)
        assert not level.stopped
