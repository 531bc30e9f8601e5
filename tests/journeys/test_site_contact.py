"""The site contact: an ordinary user, without a network, measures a site and sends one file elsewhere."""

from __future__ import annotations

import json
import os
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from journeys.conftest import CloneOf
from journeys.walking import Clone, new_folder, ordinary_user

pytestmark = pytest.mark.real

SITE = "journey-site"
CHEAPEST = ("charliecloud", "apptainer", "podman")
BENCH = {
    "dockerbenchsecurity": "1.6.0",
    "start": 1790000000,
    "tests": [
        {
            "id": "2",
            "desc": "Docker daemon configuration",
            "results": [{"id": "2.2", "desc": "Traffic between containers", "result": "WARN"}],
        }
    ],
    "checks": 1,
    "score": -1,
    "end": 1790000009,
}
"""What docker-bench-security writes, in small."""


@pytest.fixture(scope="module")
def clone(clone_of: CloneOf) -> Clone:
    """A clone of an ordinary user's, whose commands have no network."""
    return clone_of(user=ordinary_user(), offline=True)


@pytest.fixture(scope="module")
def elsewhere(clone_of: CloneOf) -> Clone:
    """The clone of whoever gets the archive."""
    return clone_of()


@pytest.fixture(scope="module")
def runtime(clone: Clone) -> str:
    """The runtime here that is measured soonest; none is one too."""
    looked = json.loads(clone.run("evaluation", "doctor", "--json", "--site", "local").out)
    there = {each["id"] for each in looked["runtimes"] if each["present"]}
    return next((each for each in CHEAPEST if each in there), "none")


def archive(clone: Clone) -> Path:
    (packed,) = (clone.folder / "results").glob("*.zip")
    return packed


def answer_at(clone: Clone, *words: str) -> list[tuple[object, ...]]:
    """The answer per use case at the site, as a reader compares it."""
    (site,) = (each for each in clone.answers(*words) if each["site"] == SITE)
    return [
        (case["use_case"], case["winner"], case["sentence"], *sorted(map(json.dumps, case["verdicts"])))
        for case in site["use_cases"]
    ]


def test_the_doctor_says_what_can_be_measured(clone: Clone, runtime: str) -> None:
    told = clone.run("evaluation", "doctor").out
    assert "an unprivileged user" in told
    assert runtime == "none" or re.search(rf"^\+ {runtime} ", told, re.MULTILINE)
    assert len(told.splitlines()) <= 40
    assert "positive control: " in clone.run("evaluation", "doctor", "--all").out


def test_a_site_is_described(clone: Clone) -> None:
    assert f"written: sites/{SITE}.yaml" in clone.run("evaluation", "site", "new", SITE).out
    assert "is there already" in clone.run("evaluation", "site", "new", SITE, ends=1).err
    assert "not measured: make site" in clone.run("evaluation", "site", "check", SITE).out
    clone.run("evaluation", "site", "pack", "--check-name", "--site", SITE)
    clone.edit(f"sites/{SITE}.yaml", "status: declared-only", "status: measured-hear")
    faulty = clone.run("evaluation", "site", "check", SITE, ends=1).out
    assert re.search(rf"{SITE}\.yaml:\d+:\d+: .*measured-hear", faulty), faulty
    clone.edit(f"sites/{SITE}.yaml", "status: measured-hear", "status: measured-here")
    clone.edit(f"sites/{SITE}.yaml", "engine: unknown ", "engine: local ")
    told = clone.run("evaluation", "site", "check", SITE, "--results", "results").out
    assert "as it should be" in told
    assert "answer here: host" in told


def test_an_administrator_plants_once_what_only_root_can(clone: Clone) -> None:
    assert "only root can plant" in clone.run("evaluation", "plant", ends=1).err
    if os.getuid() != 0:
        pytest.skip("only root is an administrator")
    administrator = replace(clone, user="")
    place = new_folder()
    place.chmod(0o1777)
    named = ("evaluation", "plant", "--in", str(place))
    assert "4755" in administrator.run(*named).out
    told = clone.run(*named, "--list").out
    assert "P39" in told
    assert "not trusted" not in told
    assert "removed: " in administrator.run(*named, "--remove").out
    place.rmdir()


def test_it_is_measured_and_packed_by_one_command(clone: Clone, runtime: str) -> None:
    if runtime != "none":
        online = Clone(folder=clone.folder, journey=clone.journey, user=clone.user)
        online.run("evaluation", "image", "build", "small", "xs")
    words = (f"SITE={SITE}", "PROFILE=trial", f"RUNTIMES={runtime}", "IMAGES=xs small", "RESULTS=results")
    told = clone.run("make", "site", *words, "YES=1").out
    (measured,) = (each for each in clone.runs(SITE) if not each.endswith("-sweep"))
    packed = archive(clone)
    assert packed.name == f"{SITE}-{measured}.zip", "the measurement, not its sweep"
    assert "this leaves:" in told
    assert str(clone.folder).encode() not in b"".join(_contents(packed))
    checked = clone.run("evaluation", "site", "check", SITE).out
    assert f"{measured}\n" in checked
    rows = [row for row in _findings(clone) if row["runtime"] in {"host", runtime}]
    errors = [row for row in rows if row["outcome"] == "ERROR"]
    assert not errors
    assert {row["runtime"] for row in rows if row["outcome"] == "MEASURED"} == {"host", runtime} - {"none"}


def _contents(packed: Path) -> list[bytes]:
    with zipfile.ZipFile(packed) as whole:
        return [whole.read(name) for name in whole.namelist()]


def _findings(clone: Clone) -> list[dict[str, str]]:
    told = clone.run("evaluation", "findings", "--format", "json")
    return [row for row in json.loads(told.out) if row["site"] == SITE]


def test_it_is_packed_again_with_words_hidden(clone: Clone) -> None:
    (measured,) = (each for each in clone.runs(SITE) if not each.endswith("-sweep"))
    words = ("evaluation", "site", "pack", measured, "--site", SITE, "--results", "results")
    options = ("--output", "again.zip", "--hide", "Linux", "--public", "nobody", "--key", "own.key")
    refused = clone.run(*words, *options, ends=1)
    assert "nobody is here to agree" in refused.err
    assert not (clone.folder / "again.zip").exists()
    clone.run(*words, *options, "--yes")
    assert (clone.folder / "own.key").stat().st_mode & 0o077 == 0
    words_left = b"".join(_contents(clone.folder / "again.zip"))
    assert not re.search(rb"\bLinux\b", words_left), "SELinux is another word"


def test_the_other_end_has_the_same_answer(clone: Clone, elsewhere: Clone) -> None:
    told = clone.run("evaluation", "site", "pack", "--site", SITE, "--yes", "--output", "third.zip").out
    digest = re.search(r"SHA-256: ([0-9a-f]{64})", told)
    assert digest
    elsewhere.write(f"sites/{SITE}.yaml", clone.read(f"sites/{SITE}.yaml"))
    arrived = elsewhere.folder / "third.zip"
    arrived.write_bytes((clone.folder / "third.zip").read_bytes())
    elsewhere.run("evaluation", "import", "archive", "third.zip", "--sha256", "0" * 64, ends=1)
    assert elsewhere.runs(SITE, "empty") == []
    elsewhere.run("evaluation", "import", "archive", "third.zip", "--sha256", digest[1], "--results", "empty")
    assert elsewhere.runs(SITE, "empty")
    elsewhere.run("evaluation", "import", "third.zip", "--results", "empty", ends=1)
    elsewhere.run("evaluation", "report", "--results", "empty")
    assert (
        "verified: " in elsewhere.run("evaluation", "verify", "empty/report.html", "--results", "empty").out
    )
    assert answer_at(elsewhere, "--results", "empty") == answer_at(clone)


def test_a_complete_run_is_compressed_and_says_the_same(elsewhere: Clone) -> None:
    elsewhere.run("evaluation", "compress", SITE, "--results", "empty")
    told = elsewhere.run("evaluation", "verify", "empty/report.html", "--results", "empty").out
    assert "verified: " in told


def test_the_sites_stand_side_by_side_and_another_tool_s_result_beside_ours(elsewhere: Clone) -> None:
    elsewhere.run("evaluation", "import", "third.zip")
    elsewhere.write("bench.log.json", json.dumps(BENCH))
    log = ("evaluation", "import", "docker-bench", "bench.log.json")
    elsewhere.run(*log, "--site", SITE, "--results", "results")
    elsewhere.run("evaluation", "report")
    page = elsewhere.read("results/report.html")
    assert {SITE, "reference", "docker-bench-security"} <= set(re.findall(r"[a-z-]+", page))
    words = ("evaluation", "site", "page", SITE)
    elsewhere.run(*words, "--results", "results", "--criteria", "criteria.yaml", "--output", "one.html")
    assert SITE in elsewhere.read("one.html")
    assert "measured on" in elsewhere.run("evaluation", "site", "check", SITE).out


def test_read_only_results_are_reported_too(clone: Clone) -> None:
    if not clone.user and os.getuid() == 0:
        pytest.skip("root may write everywhere")
    results = clone.folder / "results" / SITE
    modes = [(each, each.stat().st_mode) for each in (results, *results.rglob("*")) if each.is_dir()]
    for each, mode in modes:
        each.chmod(mode & ~0o222)
    target = new_folder()
    target.chmod(0o777)
    try:
        clone.run("evaluation", "report", "--output", str(target / "report.html"))
        assert SITE in (target / "report.html").read_text(encoding="utf-8")
    finally:
        for each, mode in modes:
            each.chmod(mode)
