"""The real image: the same bytes when built again, the same files inside every form, no tampering unseen."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.images.build import BuiltImage, build
from evaluation.images.contents import place_contents
from evaluation.images.convert import ConvertedForm, content_inside, convert
from evaluation.images.recipe import load_recipe
from evaluation.measure.discovery import discover
from evaluation.measure.forms import ready
from evaluation.measure.images import built_image, runner
from evaluation.measure.launcher import Launcher
from evaluation.measure.preparation import build_payload
from evaluation.measure.user import measuring_user
from evaluation.runtimes import known_runtimes
from evaluation.sites import load_site

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "images"
pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    try:
        user = measuring_user()
    except EvaluationError as error:
        pytest.skip(str(error))
    with Launcher(user) as opened:
        yield opened


@pytest.fixture(scope="module")
def image(launcher: Launcher) -> BuiltImage:
    try:
        return built_image("small", IMAGES, launcher)
    except EvaluationError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def folder(launcher: Launcher) -> Iterator[Path]:
    """A folder of the measuring user's, with the payload's program that takes the digest."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    (path / "payload").mkdir(mode=0o755)
    build_payload(path / "payload")
    os.chown(path, launcher.user.uid, launcher.user.gid)
    yield path
    shutil.rmtree(path)


def test_every_runtime_sees_the_same_files(launcher: Launcher, image: BuiltImage, folder: Path) -> None:
    found = [item for item in discover(load_site("local", ROOT / "sites"), launcher) if item.facts.present]
    digests: dict[str, str] = {}
    forms: dict[str, ConvertedForm] = {}
    for item in sorted(found, key=lambda item: bool(item.runtime.base)):
        readied, form = ready(item, image, launcher, folder / "payload", forms.get(item.runtime.base))
        if form is None and item.facts.id == "podman-cgroups-disabled":
            assert "not compatible with NoCgroups" in readied.facts.reason, "runc's own word, and no other"
            continue
        assert form, readied.facts.reason
        forms[item.facts.id] = form
        digests[item.facts.id] = form.digest
        assert form.size_bytes
    assert "host" in digests
    assert len(set(digests.values())) == 1, digests


def test_a_tampered_form_is_seen_and_made_anew(launcher: Launcher, image: BuiltImage, folder: Path) -> None:
    host, run = known_runtimes()["host"], runner(launcher)
    copied = replace(image, folder=str(folder / "image"))
    (folder / "image").mkdir()
    os.chown(folder / "image", launcher.user.uid, launcher.user.gid)
    (folder / "image" / "image.tar").symlink_to(image.archives.tar)
    place_contents(image, folder / "payload")
    form = convert(copied, host, run, str(folder / "payload"))
    tree = Path(form.reference)
    version, added, env = tree / "etc/debian_version", tree / "usr/lib/added", tree / "usr/bin/env"
    original = version.read_bytes()
    seen = [form.content]
    for tamper in (
        partial(version.write_bytes, original.swapcase() + b"!"),
        partial(env.chmod, 0o4755),
        partial(added.write_bytes, b""),
        version.unlink,
    ):
        tamper()
        seen.append(content_inside(form.reference, host, run, str(folder / "payload"), image.name))
    assert len(set(seen)) == 5
    assert convert(copied, host, run, str(folder / "payload")).digest == form.digest
    assert version.read_bytes() == original
    assert env.stat().st_mode & 0o7777 == 0o755
    assert not added.exists()


def test_built_again_it_is_the_same_bytes(launcher: Launcher, image: BuiltImage, folder: Path) -> None:
    recipe, run = load_recipe(IMAGES, "small"), runner(launcher)
    first, second = image, build(recipe, "small", folder / "again", run, run)
    if first.packages != second.packages:  # Debian has published something since the first was built
        first, second = second, build(recipe, "small", folder / "once more", run, run)
    assert first.folder != second.folder
    assert first.packages == second.packages
    assert any(package.startswith("python3=") for package in first.packages)
    assert first.tar_sha256 == second.tar_sha256
