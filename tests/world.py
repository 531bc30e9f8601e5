"""A world of tests/worlds, as tests use it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["World", "report_elsewhere"]

LACKING = 69
"""How a world's script ends where this machine lacks what it needs."""


@dataclass(frozen=True, slots=True)
class World:
    """One whole small system; its script begins, enters and ends it."""

    name: str

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Call the script, whatever comes of it."""
        script = Path(__file__).parent / "worlds" / self.name / "world"
        return subprocess.run([script, *words], capture_output=True, text=True, check=False)

    def __call__(self, *words: str) -> str:
        """Call the script, which must succeed; give what it printed."""
        done = self.ask(*words)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-4000:]
        return done.stdout

    def begin(self, *options: str) -> Path:
        """Begin it, or skip where this machine cannot; give where its files are seen from outside."""
        for words in (("build",), ("start", *options)):
            done = self.ask(*words)
            if done.returncode == LACKING:
                pytest.skip(done.stderr.strip())
            assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-4000:]
        return Path(self("path").strip())

    def leftovers(self) -> list[str]:
        """Name what of it is still on this machine: files, control groups, mounts."""
        root = self("path").strip()
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        return [
            *(str(path) for path in (Path(root), Path(root).with_name("state")) if path.exists()),
            *map(str, Path("/sys/fs/cgroup").glob(f"**/{self.name}")),
            *(line for line in mounts if root in line),
        ]


def report_elsewhere(archive: Path, described: Path, folder: Path) -> str:
    """Import an archive and its site's file into a clone in this folder; give the report that it makes."""
    subprocess.run(["git", "clone", "--quiet", str(Path(__file__).parents[1]), str(folder)], check=True)
    shutil.copy(described, folder / "sites")
    for words in (("import", "archive", str(archive)), ("report",)):
        command = [sys.executable, "-m", "evaluation", *words, "--results", str(folder / "results")]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return (folder / "results/report.html").read_text(encoding="utf-8")
