from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.images.recipe import containerfile, list_images, load_recipe

IMAGES = Path(__file__).parents[2] / "images"

BASE = """\
title: A base
purpose: To be extended
base: debian:bookworm-slim
suite: bookworm
packages: [python3]
directories: [/work]
empty_files: [/etc/hosts]
leave_out: [/dev/]
size_bytes: 1000
epoch: 1
path: /usr/bin
"""
ON_TOP = BASE.replace("packages: [python3]", "extends: base\npackages: [git]\npad_bytes: 5")


def written(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / name).mkdir()
        (folder / name / "image.yaml").write_text(text)
    return folder


def test_the_ladder_stands_in_order_of_size() -> None:
    assert list_images(IMAGES) == ("xs", "small", "med", "large", "padded")


def test_an_image_has_what_it_extends_first(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, base=BASE, top=ON_TOP), "top")
    assert recipe.packages == ("python3", "git")
    assert recipe.extends is None


def test_an_image_that_extends_itself_is_an_error(tmp_path: Path) -> None:
    written(tmp_path, base=BASE.replace("suite", "extends: top\nsuite"), top=ON_TOP)
    with pytest.raises(EvaluationError, match="extends itself"):
        load_recipe(tmp_path, "top")


def test_words_do_not_make_another_image(tmp_path: Path) -> None:
    other = BASE.replace("A base", "Another word")
    written(tmp_path, base=BASE, worded=other, changed=BASE.replace("python3", "perl"))
    sums = {name: load_recipe(tmp_path, name).sha256 for name in ("base", "worded", "changed")}
    assert sums["base"] == sums["worded"] != sums["changed"]


def test_an_unknown_image_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="there is no image 'meed'"):
        load_recipe(written(tmp_path, base=BASE), "meed")


def test_wheels_are_pinned_by_content_and_no_address_is_written() -> None:
    recipe = load_recipe(IMAGES, "med")
    text = containerfile(recipe, "med")
    assert {"numpy", "awkward", "uproot", "pythia8mc", "chromo", "geant4_pybind"} <= {
        wheel.name for wheel in recipe.wheels
    }
    assert all(f"--hash=sha256:{wheel.sha256}" in text for wheel in recipe.wheels)
    assert "://" not in text


def test_an_image_without_a_system_starts_from_nothing() -> None:
    text = containerfile(load_recipe(IMAGES, "xs"), "xs")
    assert "FROM scratch" in text
    assert "dpkg-deb" in text
