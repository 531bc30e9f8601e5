"""The release manager: what an image was built of, what changed since, and a bill of materials."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest

from journeys.conftest import CloneOf
from journeys.walking import Clone, named_user, new_folder, ordinary_user

pytestmark = pytest.mark.real

SITE = "builder"
WITHOUT_ENGINES = """\
title: A machine that builds images and keeps them in files
status: measured-here
batch:
  engine: local
runtimes:
"""


@pytest.fixture(scope="module")
def clone(clone_of: CloneOf) -> Iterator[Clone]:
    """A clone with a cache of its own: no engine's store is touched."""
    for tool in ("mmdebstrap", "umoci", "skopeo"):
        if shutil.which(tool) is None:
            pytest.skip(f"images are built with {tool}, which is not installed")
    mine = clone_of()
    cache = new_folder()
    user = ordinary_user()
    if user:
        shutil.chown(cache, user)
    mine.write(
        f"sites/{SITE}.yaml",
        WITHOUT_ENGINES
        + "".join(f"  {each}: {{forbidden: its store is not ours}}\n" for each in ("docker", "podman")),
    )
    yield Clone(folder=mine.folder, journey=mine.journey, env={"EVALUATION_CACHE": str(cache)})
    shutil.rmtree(cache, ignore_errors=True)


@pytest.fixture(scope="module")
def who() -> tuple[str, ...]:
    """Who builds: named where root runs the tests, as the help says."""
    return named_user()


def lines(clone: Clone) -> list[dict[str, object]]:
    return [json.loads(line) for line in clone.read("images/xs/ledger.jsonl").splitlines()]


def test_an_image_is_built_once(clone: Clone, who: tuple[str, ...]) -> None:
    assert "xs" in clone.run("evaluation", "image", "build", "xs", *who).out
    again = clone.run("evaluation", "image", "build", "xs", *who).out
    listed = clone.run("evaluation", "image", "list", "--site", SITE, *who).out
    assert "image xs-" in listed
    folder = again.split()[-1]
    assert folder.rpartition("/")[2] in listed


def test_a_build_is_recorded_with_its_forms(clone: Clone, who: tuple[str, ...]) -> None:
    before = lines(clone)
    clone.run("evaluation", "image", "record", "xs", "--forms", "--site", SITE, *who)
    after = lines(clone)
    assert len(after) >= len(before)
    forms = after[-1]["forms"]
    assert isinstance(forms, list)
    assert forms
    assert "xs " in clone.run("evaluation", "image", "ledger", "--results", "results").out
    told = clone.run("evaluation", "image", "ledger", "xs").out
    assert str(after[-1]["tar_sha256"]) in told


def test_two_builds_are_the_same_or_their_drift_is_named(clone: Clone, who: tuple[str, ...]) -> None:
    clone.run("evaluation", "image", "drift", "xs", "--write", *who)
    assert clone.run("evaluation", "image", "drift", "xs", *who).status == 0, (
        "what was written is what is built"
    )


def test_the_difference_of_two_images_is_named(clone: Clone, who: tuple[str, ...]) -> None:
    told = clone.run("evaluation", "image", "diff", "xs", "small", *who).out
    assert "packages removed: 1\n    busybox-static" in told
    earlier = str(lines(clone)[0]["tar_sha256"])[:12]
    clone.run("evaluation", "image", "diff", f"xs@{earlier}", "xs", *who)


def test_the_bill_of_materials_is_the_same_each_time(clone: Clone) -> None:
    printed = clone.run("evaluation", "image", "sbom", "xs").out
    clone.run("evaluation", "images", "sbom", "xs", "--output", "xs.json")
    assert clone.read("xs.json") == printed
    bill = json.loads(printed)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert [each["name"] for each in bill["components"]] == ["busybox-static"]
    assert "ledger" in clone.run("evaluation", "image", "sbom", "large", ends=1).err


def test_what_is_kept_is_removed_by_name(clone: Clone, who: tuple[str, ...]) -> None:
    clone.run("evaluation", "image", "clean", "xs", "--site", SITE, *who)
    listed = clone.run("evaluation", "image", "list", "--site", SITE, *who).out
    assert "image xs-" not in listed
