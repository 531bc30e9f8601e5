"""An ordinary user, without root and network, on Debian 13 with systemd and version 2 of control groups."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from journeys.test_kit import USER
from journeys.walking import clean_clone, everybodys_python, named_user, new_folder
from world import World, report_elsewhere

from evaluation.images.build import BuiltImage
from evaluation.report import chapters
from evaluation.report.load import load_case

world = World("nbox")
pytestmark = pytest.mark.real
bare = World("bare")
SITE, OLDER, NODE = "newer", "older", "bare-node"
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


def on_request(name: str) -> pytest.MarkDecorator:
    """A walk of twenty minutes and more."""
    asked = name in os.environ.get("WORLDS", "").split()
    return pytest.mark.skipif(not asked, reason=f"only on request: WORLDS={name}")


@pytest.fixture(scope="module")
def archive(clone: Path) -> Path:
    """What ada measured, packed and described, as docs/sites-in-detail.md says."""
    evaluation("site", "new", SITE)
    _described(clone / "sites" / f"{SITE}.yaml")
    evaluation("site", "check", SITE)
    ada("make", "site", f"SITE={SITE}", "PROFILE=trial", "YES=1")
    (made,) = (clone / "results").glob("*.zip")
    return made


def _described(file: Path) -> None:
    text = file.read_text().replace("status: declared-only", "status: measured-here")
    file.write_text(text.replace("engine: unknown ", "engine: local "))


@pytest.fixture(scope="module")
def other() -> Iterator[Path]:
    """The other end: a clean clone, on this machine."""
    folder = new_folder()
    yield clean_clone(folder / "project", everybodys_python())
    shutil.rmtree(folder)


def words(tag: Tag) -> str:
    return " ".join(tag.get_text(" ").split())


def at(other: Path, *words: str) -> str:
    """Run a command at the other end, which must succeed; give what it printed."""
    before = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "MAKE"))}
    path = f"{other / '.venv/bin'}:{before['PATH']}"
    done = subprocess.run(
        words, cwd=other, env={**before, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@on_request("nbox")
def test_a_contact_s_archive_is_reported_at_the_other_end(clone: Path, archive: Path, tmp_path: Path) -> None:
    found = json.loads(evaluation("findings", "--format", "json"))
    rows = [row for row in found if row["site"] == SITE]
    assert [row for row in rows if row["outcome"] == "ERROR"] == []
    assert {row["runtime"] for row in rows if row["outcome"] == "MEASURED"} >= {
        *("host", "docker", "podman", "apptainer", "apptainer-sandbox", "charliecloud")
    }
    assert SITE in report_elsewhere(archive, clone / "sites" / f"{SITE}.yaml", tmp_path / "other")


def _of_this_machine(other: Path) -> Path:
    """Measure this machine as root does, with the measuring user's containers."""
    at(other, "evaluation", "site", "new", OLDER)
    _described(other / "sites" / f"{OLDER}.yaml")
    at(other, "evaluation", "run", "--site", OLDER, "--profile", "trial", *named_user(), "--results", "own")
    at(other, "evaluation", "site", "pack", "--site", OLDER, "--results", "own", "--yes")
    (made,) = (other / "own").glob("*.zip")
    return made


def _of_the_kit(other: Path) -> Path:
    """Carry the kit to a node with busybox alone, and bring back what it packed."""
    at(other, "make", "kit")
    (kit,) = (other / "build").glob("*.tar.gz")
    bare("build")
    data = Path(bare("path").strip()) / "data"
    shutil.copy(kit, data)
    words = f"--site {NODE} --batch local --runtime none --profile trial --as {USER} --yes"
    unpack = f"cd /data && tar xzf {kit.name} && cd container-evaluation-kit"
    bare("run", f"{unpack} && ./evaluate {words} --output ../out.zip")
    shutil.copy(data / f"container-evaluation-kit/project/sites/{NODE}.yaml", other / "sites")
    arrived = Path(shutil.copy(data / "out.zip", other / f"{NODE}.zip"))
    bare("stop")
    return arrived


@on_request("three")
def test_three_sites_stand_side_by_side(clone: Path, archive: Path, other: Path) -> None:
    """This machine as root with version 1, nbox as a user with systemd and version 2, a node with nothing."""
    shutil.copy(clone / "sites" / f"{SITE}.yaml", other / "sites")
    arrived = {OLDER: _of_this_machine(other), SITE: archive, NODE: _of_the_kit(other)}
    for packed in arrived.values():
        at(other, "evaluation", "import", "archive", str(packed), "--results", "three")
    at(other, "evaluation", "report", "--results", "three")
    case = load_case(results=other / "three", criteria=other / "criteria.yaml", sites=other / "sites")
    assert [site.site for site in case.measured] == [SITE, OLDER, NODE], "what has nothing to rank is last"
    chapter = BeautifulSoup(chapters.batch(case).html, "html.parser")
    page = (other / "three/report.html").read_text(encoding="utf-8")
    assert "nothing to rank: only the bare host was measured" in page

    found = json.loads(at(other, "evaluation", "findings", "--results", "three", "--format", "json"))
    answers: dict[tuple[str, str], dict[str, str]] = {}
    for row in found:
        if re.fullmatch("B0[1-9]|B10", row["checklist_id"]) and row["outcome"] in {"HOLDS", "FAILS"}:
            cell = (f"{row['checklist_id']} {row['probe'].replace('_', ' ')}", row["runtime"])
            answers.setdefault(cell, {})[row["site"]] = row["outcome"]
    differing = {cell for cell, seen in answers.items() if len({*seen.values()}) > 1 and cell[1] != "host"}
    explained = set()
    for row in chapter.select("#contract-by-site tbody tr"):
        (title,) = row.select("th")
        runtimes = words(title.select("small")[0])
        name = words(title).removesuffix(f" {runtimes}")
        explained |= {(name, runtime) for runtime in runtimes.split(", ")}
        *seen, why = (words(each) for each in row.select("td"))
        assert why.replace("'", "&#39;") in page or why in page
        assert all(re.search(r"control groups v[12]", each) for each in seen), seen
        if why.startswith("They differ with the control groups"):
            assert re.search(rf"at {SITE}, version 2, .*at {OLDER}, version 1, ", why), why
    assert explained == differing
    assert ("B09 requested limit", "podman") in differing, "version 1 ignores it, version 2 knows it"
