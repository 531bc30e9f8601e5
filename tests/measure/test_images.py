"""Which images a run makes ready, and what is said of those that are not there."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from made_up_run import manifest
from unreadable import unreadable

from evaluation.errors import EvaluationError
from evaluation.images.build import BuiltImage, folder_of, kept_image
from evaluation.images.process import UnreadableCacheError
from evaluation.images.recipe import load_recipe
from evaluation.measure.forms import sif_labels
from evaluation.measure.images import images_kept, runner, wanted_images
from evaluation.measure.launcher import Launcher
from evaluation.measure.preparation import _unavailable
from evaluation.measure.user import ourselves
from evaluation.model import Completed
from evaluation.probes.registry import find
from evaluation.store import ImageFacts
from evaluation.testing import ended

IMAGES = Path(__file__).parents[2] / "images"


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launcher]:
    monkeypatch.setenv("EVALUATION_CACHE", str(tmp_path))
    with Launcher(ourselves()) as started:
        yield started


def pretend_built(name: str, cache: Path) -> Path:
    recipe = load_recipe(IMAGES, name)
    folder = folder_of(recipe.sha256, name, cache)
    (folder / "forms").mkdir(parents=True)
    built = BuiltImage(
        name=name, recipe_sha256=recipe.sha256, tar_sha256="0" * 64, tar_bytes=7, build_s=1.0,
        packages=("a=1",), wheels=("b=2",), folder=str(folder),
    )  # fmt: skip
    (folder / "built.json").write_text(json.dumps(asdict(built)))
    (folder / "forms" / "charliecloud.json").write_text(json.dumps({"reference": "/made-up"}))
    return folder


def test_by_default_the_quick_ones_and_med_where_it_is_built(launcher: Launcher) -> None:
    assert wanted_images(IMAGES, launcher, ()) == ("xs", "small")
    pretend_built("med", launcher.user.cache)
    pretend_built("large", launcher.user.cache)
    assert wanted_images(IMAGES, launcher, ()) == ("xs", "small", "med")


def test_an_image_that_cannot_be_read_is_not_taken_for_one_that_is_not_built(
    launcher: Launcher, folder: Path
) -> None:
    pretend_built("med", launcher.user.cache)
    recipes = shutil.copytree(IMAGES, folder / "images")  # the clone may lie below a folder of root's
    with unreadable(), pytest.raises(UnreadableCacheError, match="cannot be read"):
        wanted_images(recipes, launcher, ())


def test_the_images_of_a_run_are_kept_between_its_notebooks_and_let_go_at_the_end(launcher: Launcher) -> None:
    folder = pretend_built("small", launcher.user.cache)
    sha256 = load_recipe(IMAGES, "small").sha256
    facts = ImageFacts(
        name="small",
        recipe="",
        recipe_sha256=sha256,
        digest="d",
        tar_bytes=1,
        build_s=0.0,
        packages=(),
        forms=(),
    )
    lock = folder.with_name(f"{folder.name}.lock")
    with images_kept(launcher.user) as keep:
        keep(manifest().model_copy(update={"image": facts}))
        with lock.open("rb") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with lock.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_those_asked_for_and_the_one_nothing_runs_without(launcher: Launcher) -> None:
    assert wanted_images(IMAGES, launcher, ("large",)) == ("small", "large")
    with pytest.raises(EvaluationError, match="there is no image 'huge'"):
        wanted_images(IMAGES, launcher, ("huge",))


def test_the_labels_of_an_image_file_are_asked_for_by_whoever_runs_containers() -> None:
    # `inspect` can run the image, and the file is the user's: root would run what the user put there.
    asked: list[tuple[str, ...]] = []

    def run(argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
        asked.append(tuple(argv))
        assert (stdin, timeout_s) == (b"", 60.0)
        labels = {"org.label-schema.build-arch": "amd64", "deffile.from": "/a/path"}
        return ended(json.dumps({"data": {"attributes": {"labels": labels}}}).encode())

    assert sif_labels("/opt/ce/singularity", "/image.sif", run) == ("org.label-schema.build-arch: amd64",)
    assert asked == [("/opt/ce/singularity", "inspect", "--labels", "--json", "/image.sif")]
    for nothing in (b"", b"[]", b'{"data": {}}', b'{"data": {"attributes": {"labels": null}}}'):
        assert sif_labels("x", "/image.sif", lambda *_, said=nothing: ended(said)) == ()


def test_a_missing_singularity_is_no_label(launcher: Launcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(launcher.user.env, "PATH", "/nonexistent")
    assert sif_labels("singularity", "/image.sif", runner(launcher)) == ()


def test_a_kept_image_is_that_of_this_very_recipe(launcher: Launcher) -> None:
    pretend_built("xs", launcher.user.cache)
    recipe = load_recipe(IMAGES, "xs")
    kept = kept_image(recipe, "xs", launcher.user.cache)
    assert kept is not None
    assert (kept.packages, kept.wheels) == (("a=1",), ("b=2",))
    other = recipe.model_copy(update={"epoch": 1})
    assert kept_image(other, "xs", launcher.user.cache) is None


def test_a_probe_whose_image_is_not_there_says_what_to_do() -> None:
    probe = replace(find("cold_start"), image="med", needs=("image",))
    assert _unavailable(probe, {}, {"small", "med"}, {}) == ""
    assert _unavailable(probe, {}, {"small"}, {}) == (
        "the image med is not built here: evaluation image build med"
    )
    assert _unavailable(probe, {}, {"small"}, {"med": "the disk is full"}) == "the disk is full"
    assert _unavailable(probe, {"image": "there is no image"}, {"small"}, {}) == "there is no image"
