"""The kit on an older machine: Debian 11, as an ordinary user and without network; only on request."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from world import World, report_elsewhere

world = World("deb11")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        world.name not in os.environ.get("WORLDS", "").split() or os.getuid() != 0,
        reason="only on request, as root: WORLDS=deb11",
    ),
]
SITE = "older"
MODES = ("podman", "bubblewrap")


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make the kit, begin the world, let carl unpack it; give its folder as it is seen from outside."""
    made = tmp_path_factory.mktemp("kit")
    subprocess.run((sys.executable, "-I", "-m", "evaluation.kit.make", str(made)), check=True)
    home = world.begin("--offline") / "home/carl"
    (packed,) = made.iterdir()
    shutil.copy(packed, home / "kit.tar.gz")
    carl("tar", "xzf", "kit.tar.gz")
    yield home / "container-evaluation-kit"
    world("stop")
    assert world.leftovers() == []


def carl(*words: str) -> str:
    return world("login", "carl", *words)


def evaluate(*words: str) -> str:
    return carl("container-evaluation-kit/evaluate", *words)


def test_what_it_has_is_older_than_what_the_kit_is_made_with(kit: Path) -> None:
    del kit
    assert "2.31" in carl("ldd", "--version").splitlines()[0]
    assert carl("podman", "--version") == "podman version 3.0.1\n"
    assert carl("python3", "--version").startswith("Python 3.9.")
    assert "files are as they were made" in evaluate("--verify")
    runtimes = {each["id"]: each for each in json.loads(evaluate("doctor", "--json"))["runtimes"]}
    assert {name for name, facts in runtimes.items() if facts["present"]} >= {"host", *MODES}
    assert "ch-convert" in runtimes["charliecloud"]["reason"]


def test_one_command_measures_and_its_file_makes_a_report_elsewhere(kit: Path, tmp_path: Path) -> None:
    modes = [word for mode in MODES for word in ("--runtime", mode)]
    told = evaluate("--site", SITE, "--batch", "local", *modes, "--profile", "trial", "--yes")
    assert "SHA-256: " in told
    rows = [row for row in json.loads(evaluate("findings", "--format", "json")) if row["site"] == SITE]
    assert [row for row in rows if row["outcome"] == "ERROR"] == []
    assert {row["runtime"] for row in rows if row["outcome"] == "MEASURED"} >= {"host", *MODES}
    (archive,) = kit.glob("*.zip")
    page = report_elsewhere(archive, kit / f"project/sites/{SITE}.yaml", tmp_path / "other")
    assert SITE in page
    assert "3.0.1" in page
