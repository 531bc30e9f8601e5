"""A real run of the real command, ended again and again: it resumes, and nothing is lost, twice or left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from processes import eventually

from evaluation.errors import EvaluationError
from evaluation.measure.launcher_main import stat_of
from evaluation.measure.user import measuring_user
from evaluation.probes.registry import discover
from evaluation.store import Run, find_runs

ROOT = Path(__file__).parents[2]
MEASURED = "charliecloud"  # the fastest; what becomes of an engine's containers has a test of its own


def started(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "evaluation", "run", "--profile", "trial", "--runtime", MEASURED,
         "--results", folder / "results"],
        cwd=ROOT, env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def tree(root: int) -> dict[int, str]:
    """Every process below one, with its time of start: a number alone may be another's later."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := stat_of(int(entry.name))[1]):
            parents[int(entry.name)] = (int(fields[1]), fields[19])
    found, level = {}, {root}
    while level:
        found.update({pid: parents[pid][1] for pid in level if pid in parents})
        level = {pid for pid, (parent, _) in parents.items() if parent in level}
    return found


def gone(pid: int, began: str) -> bool:
    fields = stat_of(pid)[1]
    return not fields or fields[0] == "Z" or fields[19] != began


def all_gone(processes: dict[int, str]) -> bool:
    return all(gone(pid, began) for pid, began in processes.items())


def measured_or_ended(folder: Path, enough: int, process: subprocess.Popen[str]) -> bool:
    return len(lines(folder)) >= enough or process.poll() is not None


def lines(folder: Path) -> list[str]:
    found = list(folder.glob("results/local/*-trial/observations.jsonl"))
    return found[0].read_text().split("\n")[:-1] if found else []


def interrupted(
    folder: Path, number: signal.Signals, enough: int
) -> tuple[dict[int, str], subprocess.Popen[str], str]:
    """Begin a run, or resume it, and end it by a signal; give its processes, the command, and what it said.

    On a busy machine it may come to its end before we look again: then nothing was interrupted, and it is
    begun anew, from what there was before.
    """
    kept = folder.with_name(f"{folder.name}-before")
    for _ in range(5):
        if (folder / "results").exists():
            shutil.copytree(folder / "results", kept)
        with started(folder) as process:
            assert process.stdout
            assert eventually(partial(measured_or_ended, folder, enough, process), 180)
            process.send_signal(signal.SIGSTOP)  # it cannot end while we look
            below = tree(process.pid)
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
            told = process.stdout.read()
        if process.returncode != 0:
            shutil.rmtree(kept, ignore_errors=True)
            assert len(below) >= 3, told  # at least the command, its kernel, the launcher
            return below, process, told
        shutil.rmtree(folder / "results")
        if kept.exists():
            kept.rename(folder / "results")
    pytest.fail(f"it was five times at its end before it could be interrupted: {told}")


@pytest.mark.real
@pytest.mark.skipif(not shutil.which("ch-run"), reason=f"needs {MEASURED}")
def test_ended_again_and_again_a_run_comes_to_its_end(folder: Path) -> None:
    try:
        measuring_user()
    except EvaluationError as error:
        pytest.skip(str(error))
    before: list[str] = []
    for number, enough in ((signal.SIGTERM, 8), (signal.SIGKILL, 32)):
        below, process, told = interrupted(folder, number, enough)
        assert eventually(partial(all_gone, below))
        assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
        if number != signal.SIGKILL:
            assert "interrupted; what was measured is kept, run again to resume" in told
            assert "Traceback" not in told, told
        kept = lines(folder)
        assert kept[: len(before)] == before
        before = kept
    with started(folder) as process:
        assert process.stdout
        told = process.stdout.read()
    assert process.returncode == 0, told
    assert "resuming the interrupted run" in told
    (run,) = (run for run in find_runs(folder / "results") if run.manifest.profile == "trial")
    run.verify()
    assert run.complete
    assert lines(folder)[: len(before)] == before
    turns = [line.split('"')[3] for line in lines(folder)]
    assert len(turns) == len(set(turns)) == len(run.turns_done())
    assert planned(run) == set(turns)
    assert not [item for item in run.observations() if item.name == "error"]
    evidence, outputs = run.evidence(), run.outputs()
    for item in run.observations():
        assert all(evidence[id_].stdout in outputs for id_ in item.evidence)
    # The folders of the killed ones were removed by the next.
    assert {path.name for path in folder.iterdir()} == {"results"}
    assert str(folder) not in Path("/proc/mounts").read_text()


def planned(run: Run) -> set[str]:
    """What the trial profile asks of the bare host and two runtimes, in one uninterrupted go."""
    turns = set()
    for probe in discover().values():
        if not probe.quick or probe.id in run.manifest.unavailable:
            continue
        paired = probe.repeat == "paired"
        arms = ["host", "host-again", *MEASURED.split()] if paired else ["host", *MEASURED.split()]
        blocks = range(3 if paired else probe.turns)
        turns |= {f"{probe.id}/{arm}/{block}" for arm in arms for block in blocks}
    assert run.manifest.profile == "trial"
    return turns
