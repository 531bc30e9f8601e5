"""A real run with an engine's containers is killed in mid-turn: nothing of it is left on the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import eventually

from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.residue import CONTAINER_PREFIX, appeared, look
from evaluation.measure.user import measuring_user
from evaluation.runtimes import known_runtimes

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.real


def command_lines() -> Iterator[list[str]]:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue


def containers_of(folder: Path) -> set[str]:
    """Names of the containers that clients were told to start with something of this folder in them."""
    found = set()
    for words in command_lines():
        if any(str(folder) in word for word in words):
            found |= {word for word in words if word.startswith(CONTAINER_PREFIX)}
    return found


def recorded(folder: Path) -> set[str]:
    """Names of the containers that the run has written down: none is too short for it to be seen."""
    lines = [
        line for file in folder.glob("results/*/*/evidence.jsonl") for line in file.read_text().splitlines()
    ]
    return {word for line in lines for word in line.split('"') if word.startswith(CONTAINER_PREFIX)}


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("runtime", ["docker", "podman"])
def test_a_run_that_is_killed_leaves_nothing(folder: Path, runtime: str, launcher: Launcher) -> None:
    if not launcher.find(runtime):
        pytest.skip(f"needs {runtime}")
    listing = known_runtimes()[runtime].listing()
    if not launcher.run(Command(argv=listing, env=launcher.user.env), timeout_s=60.0).ok:
        pytest.skip(f"{runtime} does not list its containers")
    before = look(measuring_user(), (listing,))
    command = [sys.executable, "-m", "evaluation", "run", "--profile", "trial", "--runtime", runtime]
    seen: set[str] = set()

    def many_seen() -> bool:
        seen.update(recorded(folder))
        return len(seen) >= 8 or process.poll() is not None

    with subprocess.Popen(
        [*command, "--results", folder / "results"], cwd=ROOT, text=True,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert eventually(many_seen, 240)
        process.kill()
        told = process.stdout.read() if process.stdout else ""
    assert len(seen) >= 8, told
    assert process.returncode == -signal.SIGKILL, "it came to its end before it was killed"

    def left() -> tuple[str, ...]:
        """What appeared and is ours, by name or by folder; its files the next run removes."""
        seen.update(containers_of(folder))
        ours = (*seen, str(folder))
        return tuple(
            what
            for what in appeared(before, look(measuring_user(), (listing,)))
            if any(word in what for word in ours) and not what.startswith("file: ")
        )

    assert eventually(lambda: not containers_of(folder) and not left(), 60), left()
    assert str(folder) not in Path("/proc/mounts").read_text()
