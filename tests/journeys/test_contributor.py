"""The contributor: the steps of CONTRIBUTING.md, followed literally, with things of the test's own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess

import pytest

from journeys import supplies
from journeys.conftest import CloneOf
from journeys.walking import PATIENCE, PROJECT, Clone, named_user

pytestmark = pytest.mark.real

CLIENTS = {"charliecloud": "ch-run", "apptainer": "apptainer"}


@pytest.fixture(scope="module")
def clone(clone_of: CloneOf) -> Clone:
    """A clone in which mypy remembers what it knows of ours, where it has been run there."""
    mine = clone_of()
    if (PROJECT / ".mypy_cache").is_dir():
        shutil.copytree(PROJECT / ".mypy_cache", mine.folder / ".mypy_cache")
    return mine


@pytest.fixture(scope="module")
def who() -> tuple[str, ...]:
    return named_user()


@pytest.fixture
def runtime() -> str:
    """The runtime that is asked: the cheapest that is here."""
    found = next((runtime for runtime, client in CLIENTS.items() if shutil.which(client)), "")
    return found or pytest.skip("needs Charliecloud or Apptainer")


def test_what_is_checked_before_a_commit_is_installed(clone: Clone) -> None:
    clone.run("pre-commit", "install")
    assert (clone.folder / ".git/hooks/pre-commit").exists()


def test_a_probe_is_one_file_its_test_and_a_row(clone: Clone, runtime: str, who: tuple[str, ...]) -> None:
    clone.write("evaluation/probes/operations/file_mode_mask.py", supplies.PROBE)
    clone.write("tests/probes/operations/test_file_mode_mask.py", supplies.PROBE_TEST)
    clone.run("evaluation", "docs", "--check", ends=1)
    clone.run("make", "docs")
    clone.run("evaluation", "docs", "--check")
    assert "file_mode_mask" in clone.read("docs/probes.md")
    clone.edit(
        "criteria.yaml",
        "  output_ownership:\n    question:",
        f"{supplies.CRITERION}  output_ownership:\n    question:",
    )
    clone.run("evaluation", "validate")
    words = (
        "evaluation",
        "probe",
        "file_mode_mask",
        "--runtime",
        runtime,
        "--site",
        "local",
        "--blocks",
        "2",
    )
    told = clone.run(*words, "--show", *who).out
    assert "the mask inside is" in told
    assert "umask" in told, "what was run is shown"
    assert told.count("HOLDS") >= 1
    share = "      file_mode_mask: 1  # files that the group cannot write are mended by hand\n"
    beside = "      output_ownership: 2   # results are looked at"
    clone.edit("criteria.yaml", beside, f"{share}{beside}")
    clone.run("evaluation", "validate")
    reason = "files that the group cannot write are mended by hand"
    clone.run("evaluation", "weights", "set", "developer", "handling=29", "--reason", reason)
    clone.run("evaluation", "weights", "set", "developer", "time=56")
    clone.run("evaluation", "validate")
    assert "file_mode_mask" in clone.run("evaluation", "weights", "show", "developer").out


def test_a_probe_that_is_wrong_is_named_with_its_file(
    clone: Clone, runtime: str, who: tuple[str, ...]
) -> None:
    path = "evaluation/probes/operations/file_mode_mask.py"
    clone.write(path, supplies.PROBE.replace('("sh", "-c", "umask")', '("sh", "-c", undefined)'))
    told = clone.run("evaluation", "probe", "file_mode_mask", "--runtime", runtime, *who, ends=1).all
    assert "NameError" in told
    assert re.search(r"file_mode_mask\.py.{0,20}\b12\b", told), f"file and line of the fault:\n{told}"
    clone.write(path, supplies.PROBE.replace('id="file_mode_mask"', 'id="other"'))
    assert "file_mode_mask" in clone.run("evaluation", "validate", ends=1).all
    clone.write(path, supplies.PROBE.replace("import Mapping", "import Maping"))
    assert "file_mode_mask.py" in clone.run("evaluation", "validate", ends=1).all
    clone.write(path, supplies.PROBE)
    clone.run("evaluation", "validate")


def test_an_attempt_is_calibrated_with_flags(clone: Clone, who: tuple[str, ...]) -> None:
    if shutil.which("apptainer") is None:
        pytest.skip("the checklist is calibrated with Docker's or Apptainer's flags; neither is here")
    clone.write("evaluation/probes/security/host_name_visibility.py", supplies.ATTEMPT)
    clone.run("make", "docs")
    clone.run("evaluation", "validate")
    words = ("evaluation", "calibrate", "security", "P99", "--site", "local", "--runtime", "apptainer")
    told = clone.run(*words, "--repeats", "1", "--results", "calibrated", *who).out
    assert "P99" in told or "host_name_visibility" in told
    (run,) = clone.runs(results="calibrated")
    kept = clone.read(f"calibrated/local/{run}/security-calibration.json")
    assert "host_name_visibility" in kept
    refused = clone.run("evaluation", "calibrate", "security", "P98", "--site", "local", *who, ends=1)
    assert "P98" in refused.err


def test_a_runtime_is_one_file_and_conforms(clone: Clone, who: tuple[str, ...]) -> None:
    if shutil.which("ch-run") is None:
        pytest.skip("the journey's own runtime starts Charliecloud's client, which is not here")
    clone.write("evaluation/runtimes/plain.py", supplies.RUNTIME)
    assert re.search(r"^\+ plain ", clone.run("evaluation", "doctor").out, re.MULTILINE)
    told = clone.run("evaluation", "conform", "--site", "local", "--runtime", "plain", *who).out
    outcomes = {line.split()[2] for line in told.splitlines() if line.startswith("plain ")}
    assert "conforms" in told.lower() or outcomes
    assert clone.run("evaluation", "conform", "--runtime", "shifter", *who, ends=1).err


def test_a_package_is_held_against_its_row(clone: Clone) -> None:
    before = clone.read("inventory.yaml")
    clone.write("inventory.yaml", before + supplies.PACKAGE)
    clone.run("evaluation", "validate")
    clone.edit("inventory.yaml", 'said: "asks nobody"', 'said: "asks everybody"')
    told = clone.run("evaluation", "validate", ends=1).all
    assert re.search(r"inventory\.yaml:\d+:\d+: ", told)
    clone.write("inventory.yaml", before)


def test_an_image_is_a_folder(clone: Clone, who: tuple[str, ...]) -> None:
    for tool in ("mmdebstrap", "umoci", "skopeo"):
        if shutil.which(tool) is None:
            pytest.skip(f"images are built with {tool}, which is not installed")
    clone.write("images/tiny/image.yaml", supplies.IMAGE)
    clone.run("make", "docs")
    assert (clone.folder / "images/tiny/Containerfile").exists()
    clone.run("evaluation", "image", "build", "tiny", *who)
    assert "tiny" in clone.run("evaluation", "image", "list", *who).out
    clone.run("evaluation", "image", "clean", "tiny", *who)


def test_a_workload_is_a_file_and_what_it_must_write_is_asked_for(
    clone: Clone, runtime: str, who: tuple[str, ...]
) -> None:
    clone.write("workloads/lines.yaml", supplies.WORKLOAD)
    clone.run("make", "docs")
    clone.run("evaluation", "validate")
    words = ("evaluation", "probe", "lines", "--runtime", runtime, "--blocks", "2", *who)
    assert "MEASURED" in clone.run(*words).out
    clone.write("workloads/lines.yaml", supplies.WORKLOAD.replace("> lines.txt", "> other.txt"))
    told = clone.run(*words, ends=1).all
    assert "lines.txt" in told
    clone.write("workloads/lines.yaml", supplies.WORKLOAD)


def test_the_timing_is_calibrated(clone: Clone, who: tuple[str, ...]) -> None:
    words = ("evaluation", "calibrate", "timing", "--site", "local", "--blocks", "2", "--results", "timed")
    assert clone.run(*words, *who).out
    assert clone.runs(results="timed")


def test_all_of_it_passes_the_checks(clone: Clone) -> None:
    clone.run("make", "check")


def test_the_tests_find_it(clone: Clone) -> None:
    """`make test`, as CONTRIBUTING says, of the tests that are about what was added."""
    told = clone.run("make", "test", env={"PYTEST_ADDOPTS": "-k test_file_mode_mask"}).out
    assert re.search(r"\b4 passed", told), told


def test_the_worlds_are_walked_whole(clone: Clone) -> None:
    """`make worlds`, as tests/worlds says, but for the walking, which takes hours."""
    told = clone.run("make", "worlds", env={"PYTEST_ADDOPTS": "--collect-only --quiet"}).out
    for world in ("fresh12", "nbox", "deb11", "virtual_machine"):
        assert f"tests/worlds/test_{world}.py::" in told


def test_what_measuring_costs_is_measured(clone: Clone) -> None:
    process = clone.start("make", "bench")
    assert process.stdout is not None
    first = process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    try:
        rest, _ = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert "No module" not in first + rest
