"""One recipe, and every other description rendered from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.errors import EvaluationError, FaultyDocumentError
from evaluation.images.recipe import Recipe, containerfile, definition, list_images, load_recipe

IMAGES = Path(__file__).parents[2] / "images"
NAMES = sorted(path.parent.name for path in IMAGES.glob("*/image.yaml"))

RECIPE = Recipe(
    title="made up",
    purpose="a test",
    base="debian:made-up",
    suite="bookworm",
    packages=("python3", "gcc"),
    directories=("/payload", "/work"),
    empty_files=("/etc/hosts",),
    leave_out=(),
    size_bytes=1,
    epoch=1,
    path="/usr/bin:/bin",
)


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


@pytest.mark.parametrize("name", NAMES)
def test_what_is_committed_is_what_is_rendered(name: str) -> None:
    recipe = load_recipe(IMAGES, name)
    assert (IMAGES / name / "Containerfile").read_text() == containerfile(recipe, name)
    described = IMAGES / name / "image.def"
    assert (described.read_text() if described.exists() else None) == definition(recipe, name)
    assert len(recipe.sha256) == 64


def test_the_containerfile() -> None:
    assert containerfile(RECIPE, "made-up") == (
        "# Rendered from images/made-up/image.yaml; do not edit.\n"
        "FROM debian:made-up\n"
        "RUN apt-get update \\\n"
        " && apt-get install --yes --no-install-recommends python3 gcc \\\n"
        " && rm -rf /var/lib/apt/lists \\\n"
        " && mkdir -p /payload /work \\\n"
        " && { [ -e /etc/hosts ] || touch /etc/hosts; }\n"
        "ENV PATH=/usr/bin:/bin\n"
    )


def test_a_failing_step_fails_the_build() -> None:
    # "|| true" at the end of the chain would pardon all of it.
    for line in containerfile(RECIPE, "made-up").splitlines():
        assert "||" not in line or line.strip().startswith("&& { [ -e ")


def test_an_empty_list_makes_no_empty_command() -> None:
    rendered = containerfile(RECIPE.model_copy(update={"directories": (), "empty_files": ()}), "made-up")
    assert rendered.splitlines()[-2] == " && rm -rf /var/lib/apt/lists"


def test_the_definition_file_says_the_same() -> None:
    text = definition(RECIPE, "made-up")
    assert text is not None
    assert text.startswith("# Rendered from images/made-up/image.yaml; do not edit.\nBootstrap: docker\n")
    assert "\nFrom: debian:made-up\n" in text
    sections = text.split("%")
    post = next(part for part in sections if part.startswith("post\n"))
    assert "&& apt-get install --yes --no-install-recommends python3 gcc" in post
    assert "environment\nexport PATH=/usr/bin:/bin\n" in sections
    assert text == definition(RECIPE, "made-up")


def test_every_fault_of_a_recipe_at_once_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    text = (IMAGES / "small" / "image.yaml").read_text()
    text = text.replace("suite: bookworm", "siute: bookworm").replace("- python3", "- Python 3; rm -rf /")
    text = text.replace("[/payload,", "[payload,").replace("epoch: ", "epoch: -")
    (folder / "image.yaml").write_text(text)
    with pytest.raises(FaultyDocumentError) as told:
        load_recipe(tmp_path, "broken")
    lines = text.splitlines()
    named = " ".join(lines[fault.line - 1] for fault in told.value.faults)
    assert all(part in named for part in ("siute", "- Python 3;", "directories", "epoch"))
    assert len(told.value.faults) >= 5  # the missing suite is one too
    assert "did you mean 'suite'" in str(told.value)


def test_an_unknown_image_is_told_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="there is no image 'smal'") as told:
        load_recipe(IMAGES, "smal")
    assert "small" in told.value.advice
    with pytest.raises(EvaluationError) as told:
        load_recipe(tmp_path, "small")
    assert told.value.advice == "There are: none."


def written(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / name).mkdir()
        (folder / name / "image.yaml").write_text(text)
    return folder


def test_the_ladder_stands_in_order_of_size() -> None:
    assert list_images(IMAGES) == ("xs", "small", "small-debug", "dev", "med", "large", "padded")


def test_an_image_has_what_it_extends_first(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, base=BASE, top=ON_TOP), "top")
    assert recipe.packages == ("python3", "git")
    assert recipe.extends == "base"


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
    assert definition(load_recipe(IMAGES, "xs"), "xs") is None
