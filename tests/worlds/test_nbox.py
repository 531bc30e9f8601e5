"""An ordinary user, without root and network, on Debian 13 with systemd and version 2 of control groups."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world import World, report_elsewhere

from evaluation.images.build import BuiltImage

world = World("nbox")
pytestmark = pytest.mark.real
SITE = "newer"
MODES = {
    *("host", "docker", "docker-hardened", "docker-rootless", "docker-unsafe", "docker-user"),
    *("podman", "podman-keep-id", "podman-cgroupfs", "podman-cgroups-disabled"),
    *("apptainer", "apptainer-contained", "apptainer-fakeroot", "apptainer-sandbox"),
    *("bubblewrap", "charliecloud", "charliecloud-squashfs"),
}
"""What must be found there, and be what is taken for granted of it."""
WAITING = """
set -eu
cd "$(mktemp -d)"
echo '#include <unistd.h>' >wait.c
echo 'int main(void) { pause(); }' >>wait.c
gcc -static -o wait wait.c
tar -c wait | $1 import - container-evaluation-try:1 >&2
$1 run --detach --name container-evaluation-left container-evaluation-try:1 /wait
"""
"""Leaves a container that waits; prints its id."""
GROUPS = """
from evaluation.measure.residue import look
from evaluation.measure.user import measuring_user

print(*look(measuring_user())["control group"], sep="\\n")
"""


@pytest.fixture(scope="module")
def clone(image: BuiltImage) -> Iterator[Path]:
    """Begin the world and have the project set up by ada, from what docs/sites.md says to carry over."""
    folder = world.begin("--offline") / "home/ada/container-evaluation"
    images = folder.parent / ".cache/container-evaluation/images"
    built = Path(image.folder)
    shutil.copytree(built, images / built.name, ignore=shutil.ignore_patterns("forms"))
    world("run", "chown", "-R", "ada:ada", "/home/ada/.cache")
    ada("env", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/home/ada/container-evaluation/wheels", "make", "setup")
    yield folder
    world("stop")
    assert world.leftovers() == []


def ada(*words: str) -> str:
    return world("login", "ada", *words)


def evaluation(*words: str) -> str:
    return ada(".venv/bin/evaluation", *words)


@pytest.fixture(scope="module")
def found(clone: Path) -> dict[str, Any]:
    """What doctor tells there."""
    del clone
    told: dict[str, Any] = json.loads(evaluation("doctor", "--json"))
    return told


def test_it_has_a_dev_and_settings_of_its_own(clone: Path) -> None:
    del clone
    inside = int(world("run", "python3", "-c", "import os; print(os.stat('/dev/null').st_dev)"))
    assert Path("/dev/null").stat().st_dev != inside
    assert world.ask("run", "test", "-w", "/proc/sys/kernel/panic").returncode == 1
    assert world.ask("run", "test", "-w", "/proc/sys/net/ipv4/ip_forward").returncode == 0
    assert world.ask("run", "getent", "hosts", "example.org").returncode != 0


def test_a_login_is_a_session_with_a_bus(clone: Path) -> None:
    del clone
    assert re.search(
        r"^0::/user\.slice/user-1000\.slice/session-", ada("cat", "/proc/self/cgroup"), re.MULTILINE
    )
    assert ada("systemctl", "--user", "is-system-running") == "running\n"


def test_every_mode_is_found_and_who_makes_its_control_groups(found: dict[str, Any]) -> None:
    assert found["host"]["cgroup"] == "v2"
    assert found["measured_as"] == "ada, an unprivileged user"
    runtimes = {each["id"]: each for each in found["runtimes"]}
    assert {each["id"] for each in runtimes.values() if each["present"]} == MODES
    managers = {
        name: fact for name in MODES for fact in runtimes[name]["security"] if fact.startswith("cgroups: ")
    }
    assert managers["docker"] == "cgroups: 2, systemd"
    assert managers["podman"] == "cgroups: v2, systemd"
    assert managers["podman-cgroupfs"] == "cgroups: v2, cgroupfs"
    assert managers["podman-cgroups-disabled"] == "cgroups: v2, disabled"


def test_every_mode_does_what_is_taken_for_granted(clone: Path) -> None:
    del clone
    told = evaluation("conform")
    assert {line.split()[0] for line in told.splitlines() if " HOLDS " in line} == MODES


@pytest.mark.parametrize(("command", "scope"), [("docker", "docker-{}.scope"), ("podman", "libpod-{}.scope")])
def test_what_is_left_is_seen_by_the_scopes_that_systemd_made(clone: Path, command: str, scope: str) -> None:
    del clone
    container = ada("sh", "-c", WAITING, "sh", command).split()[-1]
    try:
        told = ada(".venv/bin/python", "-c", GROUPS)
        assert scope.format(container) in {Path(line).name for line in told.splitlines()}
    finally:
        ada(command, "rm", "--force", container)
        ada(command, "rmi", "--force", "container-evaluation-try:1")


@pytest.mark.skipif(
    world.name not in os.environ.get("WORLDS", "").split(), reason="only on request: WORLDS=nbox"
)
def test_a_contact_s_archive_is_reported_at_the_other_end(clone: Path, tmp_path: Path) -> None:
    evaluation("site", "new", SITE)
    described = clone / "sites" / f"{SITE}.yaml"
    text = described.read_text().replace("status: declared-only", "status: measured-here")
    described.write_text(text.replace("engine: unknown ", "engine: local "))
    evaluation("site", "check", SITE)
    ada("make", "site", f"SITE={SITE}", "PROFILE=trial", "YES=1")
    found = json.loads(evaluation("findings", "--format", "json"))
    rows = [row for row in found if row["site"] == SITE]
    assert [row for row in rows if row["outcome"] == "ERROR"] == []
    assert {row["runtime"] for row in rows if row["outcome"] == "MEASURED"} >= {
        *("host", "docker", "podman", "apptainer", "apptainer-sandbox", "charliecloud")
    }
    (archive,) = (clone / "results").glob("*.zip")
    assert SITE in report_elsewhere(archive, described, tmp_path / "other")
