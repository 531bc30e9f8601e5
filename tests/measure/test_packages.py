"""Programs and their packages, as dpkg and rpm tell: by commands that are fakes and say so."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import fake_executable

from evaluation.manifest import ProgramFacts
from evaluation.measure import packages
from evaluation.measure.launcher import Launcher
from evaluation.measure.user import ourselves


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that alone is searched."""
    monkeypatch.setattr(packages, "_SYSTEM", str(tmp_path / "bin"))
    return tmp_path / "bin"


@pytest.fixture
def launcher(programs: Path) -> Iterator[Launcher]:
    with Launcher(replace(ourselves(), env={"PATH": f"{programs}:/usr/bin:/bin"})) as started:
        yield started


def look(launcher: Launcher, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ProgramFacts, ...]:
    monkeypatch.setattr(packages, "PROGRAMS", {"runc": "a-made-up-runc"})
    return packages.installed_programs(launcher, folder / "doc")


def test_a_debian_package_and_what_its_changelog_mentions(
    tmp_path: Path, programs: Path, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_executable(programs / "a-made-up-runc", "exit 1")
    fake_executable(
        programs / "dpkg-query", 'case $1 in --search) echo "runc:amd64: $2" ;; *) printf 1.1.5+ds1-1 ;; esac'
    )
    folder = tmp_path / "doc" / "runc"
    folder.mkdir(parents=True)
    with gzip.open(folder / "changelog.Debian.gz", "wt") as stream:
        stream.write("  * Fix CVE-2024-21626 (Closes: 1)\n  * CVE-2023-25809, CVE-2024-21626\n")
    (facts,) = look(launcher, tmp_path, monkeypatch)
    assert facts == ProgramFacts(
        component="runc",
        version="1.1.5+ds1-1",
        package="runc",
        changelog_read=True,
        mentioned=("CVE-2023-25809", "CVE-2024-21626"),
    )


def test_an_rpm_package_and_what_its_changelog_mentions(
    tmp_path: Path, programs: Path, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_executable(programs / "a-made-up-runc", "exit 1")
    fake_executable(programs / "dpkg-query", "exit 1")
    fake_executable(
        programs / "rpm",
        'case $2 in --changelog) echo "- fix CVE-2024-21626" ;; *) printf "runc\\t4:1.1.12-2.el9\\n" ;; esac',
    )
    (facts,) = look(launcher, tmp_path, monkeypatch)
    assert (facts.package, facts.version) == ("runc", "4:1.1.12-2.el9")
    assert facts.mentioned == ("CVE-2024-21626",)


def test_a_program_of_no_package_tells_its_own_version(
    tmp_path: Path, programs: Path, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_executable(programs / "dpkg-query", "exit 1")
    fake_executable(programs / "rpm", "exit 1")
    fake_executable(programs / "a-made-up-runc", "echo runc version 1.3.3; echo spec: 1.2.1")
    (facts,) = look(launcher, tmp_path, monkeypatch)
    assert facts == ProgramFacts(component="runc", version="1.3.3")


def test_what_is_not_here_has_no_row(
    tmp_path: Path, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look(launcher, tmp_path, monkeypatch) == ()


def test_a_package_without_a_changelog_says_so(
    tmp_path: Path, programs: Path, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_executable(programs / "a-made-up-runc", "exit 1")
    fake_executable(programs / "rpm", "exit 1")
    fake_executable(
        programs / "dpkg-query", 'case $1 in --search) echo "runc: $2" ;; *) printf 1.1.5 ;; esac'
    )
    (facts,) = look(launcher, tmp_path, monkeypatch)
    assert (facts.version, facts.changelog_read, facts.mentioned) == ("1.1.5", False, ())


def test_a_program_is_the_one_that_is_measured_here(
    tmp_path: Path, programs: Path, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "PROGRAMS", {"apptainer": "apptainer", "singularity": "singularity"})
    for tool in ("dpkg-query", "rpm"):
        fake_executable(programs / tool, "exit 1")
    fake_executable(programs / "apptainer", "echo apptainer version 1.4.5")
    theirs = fake_executable(tmp_path / "opt" / "apptainer", "echo apptainer version 1.3.0")
    named = {"apptainer": str(theirs)}
    found = packages.installed_programs(launcher, tmp_path / "doc", named=named)
    assert [(facts.component, facts.version) for facts in found] == [("apptainer", "1.3.0")]
    ce = fake_executable(programs / "singularity", "echo singularity-ce version 4.4.1")
    found = packages.installed_programs(launcher, tmp_path / "doc", named={"singularity-ce": str(ce)})
    assert {facts.component: facts.version for facts in found} == {
        "apptainer": "1.4.5", "singularity-ce": "4.4.1",
    }  # fmt: skip
