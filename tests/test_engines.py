"""The batch systems for tests start after a crash as after nothing, run jobs, and leave nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import eventually, running, unique_seconds

from evaluation.errors import EvaluationError
from evaluation.measure.user import User, measuring_user

SETUP = Path(__file__).parents[1] / "setup" / "engines"
OURS = Path("/var/lib/container-evaluation/engines-17010")  # an instance of its own, beside one in use
MARK = f"CONTAINER_EVALUATION_ENGINES={OURS}".encode()
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        os.getuid() != 0 or not shutil.which("slurmctld") or not shutil.which("qsub"),
        reason="needs root, Slurm and Grid Engine: setup/engines install",
    ),
]


def setup(*words: str) -> list[str]:
    environment = dict(os.environ, ENGINES_PORT="17010")
    done = subprocess.run(
        [SETUP, *words], stdout=subprocess.PIPE, text=True, check=True, env=environment, timeout=200
    )
    return done.stdout.splitlines()


def daemons() -> list[int]:
    """Processes that this instance started and that have not ended."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if MARK in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def control_groups() -> list[Path]:
    patterns = ("slurm_p17010n*", "p17010n*_slurmstepd.scope")
    return [path for each in patterns for path in Path("/sys/fs/cgroup").rglob(each) if path.is_dir()]


@pytest.fixture
def user() -> User:
    try:
        return measuring_user()
    except EvaluationError as error:
        pytest.skip(str(error))


@pytest.fixture
def folder(user: User) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="evaluation-engines-"))
    os.chown(made, user.uid, user.gid)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def ended() -> Iterator[None]:
    yield
    setup("stop")


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize(("engine", "submit"), [("slurm", "sbatch"), ("gridengine", "qsub")])
def test_it_starts_after_a_crash_and_leaves_nothing(
    engine: str, submit: str, user: User, folder: Path
) -> None:
    assert setup("start", engine)[-1] == f"{engine}: started"
    environment = {**dict(user.env), **dict(line.split("=", 1) for line in setup("env", engine))}
    seconds = unique_seconds()
    job = folder / "job.sh"
    # what a scheduler finds hardest: a session of its own, and a process that will not be asked to end
    job.write_text(f"#!/bin/bash\ntrap '' TERM\nsetsid sleep {seconds} &\nsleep {seconds}\n")
    job.chmod(0o755)
    subprocess.run(
        [submit, job], user=user.uid, group=user.gid, extra_groups=user.groups, env=environment, cwd=folder,
        stdout=subprocess.DEVNULL, check=True, timeout=60,
    )  # fmt: skip
    assert eventually(lambda: len(running(seconds)) >= 2), "the job does not run"
    for pid in daemons():
        if pid not in running(seconds):
            os.kill(pid, signal.SIGKILL)

    assert setup("start", engine)[-1] == f"{engine}: started"
    assert not running(seconds), "a job outlived the scheduler that was killed, and its next start"
    assert setup("start", engine)[-1] == f"{engine}: already running"
    assert f"engines: {engine}: runs" in setup("status")

    setup("stop", engine)
    assert not OURS.exists()
    assert eventually(lambda: not daemons()), "a daemon is left"
    assert not control_groups()
    assert str(OURS) not in Path("/proc/self/mounts").read_text()
    rules = subprocess.run(["iptables", "-S"], capture_output=True, text=True, check=False).stdout
    assert str(OURS) not in rules
