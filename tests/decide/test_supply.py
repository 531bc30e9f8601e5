"""Advisories: the three answers, and what each rests on."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.decide.supply import Advisories, Condition, Exposure, load_advisories, match
from evaluation.errors import FaultyDocumentError
from evaluation.manifest import ProgramFacts, RuntimeFacts

ROOT = Path(__file__).parents[2]
CVE = "CVE-2000-0001"


def answer(
    version: str,
    *fixed: str,
    package: str = "",
    mentioned: bool = False,
    read: bool = True,
    only: tuple[str, ...] = (),
    configured: tuple[str, ...] = (),
) -> str:
    table = Advisories.model_validate(
        {
            "checked": "2000-01-01",
            "advisories": (
                {
                    "id": CVE,
                    "component": "runc",
                    "what": "?",
                    "fixed": fixed or ("1.1.12",),
                    "source": "a test",
                    "only": only,
                },
            ),
        }
    )
    program = ProgramFacts(
        component="runc",
        version=version,
        package=package,
        changelog_read=bool(package) and read,
        mentioned=(CVE,) if mentioned else (),
    )
    other = ProgramFacts(component="crun", version="0.1")
    runtime = RuntimeFacts(
        id="made-up", family="apptainer", mode="", present=True, version="runc 1", security=configured
    )
    (found,) = match((program, other), table, (runtime,))
    assert found.program is program
    return f"{found.exposure}: {found.where}"


@pytest.mark.parametrize(
    ("version", "exposure"),
    [("1.1.11", "affected"), ("1.1.12", "fixed"), ("1.1.13", "fixed"), ("1.2", "fixed"), ("1.1", "affected")],
)
def test_without_a_package_the_version_decides(version: str, exposure: str) -> None:
    assert answer(version).startswith(exposure)


@pytest.mark.parametrize(
    ("version", "exposure"),
    [
        ("1.2.7", "affected"),
        ("1.2.8", "fixed"),
        ("1.3.2", "affected"),  # above the fix of another branch, and not fixed
        ("1.3.3", "fixed"),
        ("1.4.0-rc.2", "affected"),
        ("1.4.0", "fixed"),
        ("1.5.0-rc.1", "fixed"),
        ("1.1.99", "affected"),
    ],
)
def test_each_branch_has_its_own_fix(version: str, exposure: str) -> None:
    assert answer(version, "1.4.0", "1.2.8", "1.3.3").startswith(exposure)


@pytest.mark.parametrize("version", ["1.1.5+ds1-1+deb12u1", "1:1.1.5~ds2-1", "1.1.5-2.el9"])
def test_a_distribution_s_changelog_says_what_it_carried_back(version: str) -> None:
    said = answer(version, package="runc", mentioned=True)
    assert said == f"fixed: the changelog of runc {version} mentions it"


def test_not_mentioned_is_unknown_neither_safe_nor_affected() -> None:
    said = answer("1.1.5+ds1-1", package="runc")
    assert said == "unknown: the changelog of runc 1.1.5+ds1-1 does not mention it"
    assert answer("1.1.5-1", package="runc", read=False) == "unknown: runc 1.1.5-1 has no changelog here"
    assert answer("") == "unknown: its version could not be read"


def test_a_fixed_version_of_a_package_is_fixed_whatever_its_changelog_says() -> None:
    assert answer("1:1.1.12+ds1-1", package="runc") == "fixed: version 1:1.1.12+ds1-1; fixed in 1.1.12"


def test_the_projects_own_table_is_in_order_and_every_row_has_its_source() -> None:
    table = load_advisories(ROOT / "advisories.yaml")
    assert len(table.advisories) >= 20
    assert {row.component for row in table.advisories} >= {
        "runc",
        "containerd",
        "moby",
        "podman",
        "apptainer",
    }
    debian = ProgramFacts(
        component="runc",
        version="1.1.5+ds1-1+deb12u1",
        package="runc",
        changelog_read=True,
        mentioned=("CVE-2024-21626",),
    )
    answers = {item.advisory.id: item.exposure for item in match((debian,), table)}
    assert answers["CVE-2024-21626"] is Exposure.FIXED
    assert answers["CVE-2023-25809"] is Exposure.FIXED
    assert answers["CVE-2025-31133"] is Exposure.UNKNOWN


@pytest.mark.parametrize(
    ("right", "wrong", "line", "told"),
    [
        ("id: CVE-2000-0002", "id: CVE-2000-0001", 8, "CVE-2000-0001 of runc stands above already"),
        ('fixed: ["1.1"]', 'fixed: ["1.1-rc"]', 6, "fixed"),
        ('fixed: ["1.1"]', "fixed: []", 6, "fixed"),
        ("    what: one", "    waht: one", 5, "did you mean 'what'?"),
        ("id: CVE-2000-0001", "id: 2000-0001", 3, "id"),
    ],
)
def test_faults_are_told_with_their_line(
    tmp_path: Path, right: str, wrong: str, line: int, told: str
) -> None:
    text = (
        'checked: "2000-01-01"\nadvisories:\n'
        '  - id: CVE-2000-0001\n    component: runc\n    what: one\n    fixed: ["1.1"]\n    source: a test\n'
        '  - id: CVE-2000-0002\n    component: runc\n    what: two\n    fixed: ["1.2"]\n    source: a test\n'
    )
    path = tmp_path / "advisories.yaml"
    path.write_text(text)
    assert len(load_advisories(path).advisories) == 2
    path.write_text(text.replace(right, wrong, 1))
    with pytest.raises(FaultyDocumentError) as raised:
        load_advisories(path)
    assert any(fault.line == line and told in fault.message for fault in raised.value.faults), raised.value


SETUID, LIMITED = Condition
INSTALLED, NOT_INSTALLED = "setuid helper: installed", "setuid helper: not installed"
OFF = "setuid helper: installed, and switched off (allow setuid = no in x)"
BELOW = "version 1.1.11, of no package; fixed in 1.1.12"


@pytest.mark.parametrize(
    ("only", "configured", "told"),
    [
        ((SETUID,), (INSTALLED,), f"affected: {BELOW}"),
        ((SETUID,), (NOT_INSTALLED,), f"not concerned: {SETUID}"),
        ((SETUID,), (OFF,), f"not concerned: {SETUID}"),
        ((SETUID,), (), f"unknown: {BELOW}; {SETUID}"),
        ((SETUID, LIMITED), (INSTALLED, "limit container paths: set"), f"affected: {BELOW}"),
        (
            (SETUID, LIMITED),
            (INSTALLED, "limit container paths: not set (default)"),
            f"not concerned: {LIMITED}",
        ),
        ((SETUID, LIMITED), (INSTALLED,), f"unknown: {BELOW}; {LIMITED}"),
        ((SETUID, LIMITED), (NOT_INSTALLED,), f"not concerned: {SETUID}"),
    ],
)
def test_what_hangs_on_a_configuration_is_held_against_it(
    only: tuple[str, ...], configured: tuple[str, ...], told: str
) -> None:
    said = answer("1.1.11", only=only, configured=configured)
    for ending in ("; this one was seen to be none", ", which could not be seen"):
        said = said.removesuffix(ending)
    assert said.replace("concerns only installations ", "") == told
    assert answer("1.1.12", only=only, configured=configured).startswith("fixed")


def test_a_product_is_held_against_its_own_configuration() -> None:
    table = load_advisories(ROOT / "advisories.yaml")
    program = ProgramFacts(component="singularity-ce", version="4.4.1")
    security = (INSTALLED, "limit container paths: set")
    ours = RuntimeFacts(
        id="apptainer", family="apptainer", mode="", present=True, version="SingularityCE 4.4.1"
    )
    other = ours.model_copy(
        update={"version": "Apptainer 1.4.5", "security": ("setuid helper: not installed",)}
    )

    def exposure(*runtimes: RuntimeFacts) -> Exposure:
        answers = {item.advisory.id: item.exposure for item in match((program,), table, runtimes)}
        return answers["CVE-2026-47215"]

    assert exposure(other, ours.model_copy(update={"security": security})) is Exposure.AFFECTED
    assert exposure(other, ours.model_copy(update={"security": (INSTALLED,)})) is Exposure.UNKNOWN
    assert exposure(other) is Exposure.UNKNOWN
