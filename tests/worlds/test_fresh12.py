"""The README's first command on a machine that has nothing; only on request, for it takes long."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from world import World

world = World("fresh12")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        world.name not in os.environ.get("WORLDS", "").split() or os.getuid() != 0,
        reason="only on request, as root: WORLDS=fresh12",
    ),
]


@pytest.fixture(scope="module")
def begun() -> Iterator[Path]:
    """Begin the world; give where its files are seen from outside."""
    yield world.begin()
    world("stop")


def test_it_has_nothing_and_a_dev_of_its_own(begun: Path) -> None:
    assert (begun / "root/container-evaluation/Makefile").exists()
    for name in ("docker", "podman", "apptainer", "ch-run", "gcc", "evaluator"):
        assert world("run", "sh", "-c", f"command -v {name} || getent passwd {name} || echo none") == "none\n"
    inside = int(world("run", "python3", "-c", "import os; print(os.stat('/dev/null').st_dev)"))
    assert Path("/dev/null").stat().st_dev != inside


def test_the_first_report_is_right_about_podman(begun: Path) -> None:
    world("run", "make", "report", "PROFILE=trial")
    results = begun / "root/container-evaluation/results"
    assert (results / "report.html").exists()
    (manifest,) = results.glob("local/*-trial/manifest.json")
    runtimes = {facts["id"]: facts for facts in json.loads(manifest.read_text())["runtimes"]}
    absent = {id_ for id_, facts in runtimes.items() if not facts["present"]}
    assert not absent & {"docker", "docker-rootless", "podman", "apptainer", "charliecloud"}
    assert {facts["impairment"] for facts in runtimes.values()} == {""}
    assert "storage: overlay" in runtimes["podman"]["security"]
    said = world(
        "run", "su", "-", "evaluator", "-c", "podman info --format '{{.Store.GraphDriverName}}' 2>&1"
    )
    assert said == "overlay\n"


def test_it_ends_with_nothing_left() -> None:
    world("stop")
    world.begin()
    world("stop")
    assert world.leftovers() == []
