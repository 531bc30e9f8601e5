"""What runs as no centre would run it is said, and timed and ranked only where it was asked for by name."""

from __future__ import annotations

import json
import platform
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import fake_executable

from evaluation.doctor import examine
from evaluation.measure import impairment as module
from evaluation.measure.discovery import discover
from evaluation.measure.impairment import impairment
from evaluation.measure.launcher import Launcher
from evaluation.measure.preparation import chosen
from evaluation.measure.user import User, ourselves
from evaluation.probes.registry import discover as discover_probes
from evaluation.probes.roles import takes_part
from evaluation.runtimes import known_runtimes
from evaluation.sites import load_site
from evaluation.store import RuntimeFacts

LOCAL = load_site("local", Path(__file__).parents[2] / "sites")
Found = Callable[..., RuntimeFacts]
FOREIGN, ITS_NUMBER = ("s390x", 22) if platform.machine() != "s390x" else ("x86_64", 62)


@pytest.fixture
def user(tmp_path: Path) -> User:
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "env", "uname", "cat"):
        (tmp_path / "bin" / tool).symlink_to(f"/usr/bin/{tool}")
    return replace(ourselves(), home=str(tmp_path), env={"PATH": str(tmp_path / "bin")})


@pytest.fixture
def launcher(user: User) -> Iterator[Launcher]:
    with Launcher(user) as started:
        yield started


def engine(path: Path, version: str, **info: object) -> None:
    """Let a fake engine say this of itself."""
    said = path.parent / f"{path.name}.json"
    said.write_text(json.dumps(info))
    fake_executable(path, f'case "$*" in *info*) cat {said};; *) echo "{version}";; esac')


@pytest.fixture
def podman(launcher: Launcher, tmp_path: Path) -> Found:
    def look(version: str = "podman version 4.3.1", **store: str) -> RuntimeFacts:
        host = {"arch": "amd64", "kernel": platform.release()}
        if platform.machine() != "x86_64":
            host["arch"] = platform.machine()
        store = {"graphDriverName": "overlay", "graphRoot": str(tmp_path)} | store
        engine(tmp_path / "bin" / "podman", version, host=host, store=store)
        return next(item.facts for item in discover(LOCAL, launcher) if item.facts.id == "podman")

    return look


def test_an_engine_as_centres_run_it_is_not_impaired(podman: Found) -> None:
    facts = podman()
    assert (facts.present, facts.impairment) == (True, "")


def test_a_store_that_copies_the_whole_image_is_an_impairment(podman: Found) -> None:
    assert podman(graphDriverName="vfs").impairment == (
        "its storage driver is vfs, which copies the whole image at every start"
    )


@pytest.mark.parametrize("version", ["5.0.0-dev", "4.9.4-dirty", "5.1.0-debug"])
def test_a_debug_or_development_build_is_one(podman: Found, version: str) -> None:
    said = podman(version=f"podman version {version}").impairment
    assert said.startswith("it is a debug or development build")


def test_a_full_disk_is_one(podman: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LEAST_BYTES", 2**80)
    assert podman(graphRoot="/does/not/exist").impairment.startswith("the disk of its store is full: ")


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({"Driver": "vfs"}, "its storage driver is vfs"),
        ({"Driver": "native"}, "its storage driver is native"),
        ({"Debug": True}, "its daemon runs in debug mode"),
        ({"Architecture": FOREIGN}, f"its engine is built for {FOREIGN}"),
        ({"KernelVersion": "6.6.0-linuxkit"}, "a virtual machine or on another one (kernel 6.6.0-linuxkit"),
    ],
)
def test_a_docker_engine_says_its_own(
    launcher: Launcher, tmp_path: Path, info: dict[str, object], said: str
) -> None:
    whole = {"Driver": "overlay2", "Debug": False, "DockerRootDir": str(tmp_path)} | info
    engine(tmp_path / "bin" / "docker", "20.10.24", **whole)
    assert said in impairment(known_runtimes()["docker"], "20.10.24", launcher)


def test_a_program_of_another_machine_is_emulated(launcher: Launcher, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "ch-run"
    program.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, ITS_NUMBER))
    program.chmod(0o755)
    said = impairment(known_runtimes()["charliecloud"], "0.31", launcher)
    assert (
        said == f"its program is built for {FOREIGN} and is emulated on this machine ({platform.machine()})"
    )


def test_an_engine_that_says_nothing_is_not_accused(launcher: Launcher, tmp_path: Path) -> None:
    fake_executable(tmp_path / "bin" / "podman", "echo no; exit 1")
    assert impairment(known_runtimes()["podman"], "4.3.1", launcher) == ""


def test_what_is_impaired_is_timed_only_where_it_is_named(launcher: Launcher, podman: Found) -> None:
    podman(graphDriverName="vfs")
    found = discover(LOCAL, launcher)

    def timed(*runtimes: str) -> bool:
        return next(item.facts for item in chosen(found, runtimes) if item.facts.id == "podman").timed

    assert not timed()
    assert timed("podman")


def test_what_is_impaired_is_still_asked_for_its_security(launcher: Launcher, podman: Found) -> None:
    podman(graphDriverName="vfs")
    facts = next(item.facts for item in chosen(discover(LOCAL, launcher), ()) if item.facts.id == "podman")
    asked = {
        probe.id for probe in discover_probes().values() if takes_part(facts.role, probe, timed=facts.timed)
    }
    assert "setuid_escalation" in asked
    assert "cold_start" not in asked


def test_doctor_says_it_and_how_to_have_it_ranked(
    podman: Found, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    podman(graphDriverName="vfs")
    monkeypatch.setattr("evaluation.doctor.measuring_user", lambda _: user)
    said = " ".join(examine(LOCAL).as_text().split())
    assert "! podman as a centre would run it: its storage driver is vfs" in said
    assert "RUNTIMES=podman" in said
