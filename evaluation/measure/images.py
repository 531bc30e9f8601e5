"""The images of the ladder on this machine: built, kept, listed and removed, as the measuring user."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.images.build import BuiltImage, build, kept_image
from evaluation.images.process import must
from evaluation.images.recipe import list_images, load_recipe
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.user import ourselves
from evaluation.model import DEFAULT_IMAGE
from evaluation.probes.base import Completed
from evaluation.runtimes import known_runtimes

__all__ = ["KeptImage", "built_image", "kept_images", "remove_images", "runner", "wanted_images"]

_ALWAYS = ("xs", DEFAULT_IMAGE)
_IF_BUILT = ("med",)
"""Made ready too where it was once built; larger ones only when asked for by name."""


def runner(launcher: Launcher) -> _Run:
    """Give building and converting their way to start processes, as the measuring user."""
    return _Run(launcher)


class _Run:
    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher

    def __call__(self, argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
        command = Command(argv=tuple(argv), env=self._launcher.user.env, stdin=stdin)
        return self._launcher.run(command, timeout_s=timeout_s)


def built_image(name: str, images: Path, launcher: Launcher) -> BuiltImage:
    """Build the image or take the kept one.

    Raises
    ------
    EvaluationError
        It cannot be had here; with what to do.
    """
    recipe, cache = load_recipe(images, name), launcher.user.cache
    if kept := kept_image(recipe, name, cache):
        return kept
    with Launcher(ourselves()) as hands:
        return build(recipe, name, cache, runner(launcher), runner(hands))


def wanted_images(images: Path, launcher: Launcher, asked: Sequence[str]) -> tuple[str, ...]:
    """Say which images a run makes ready: those asked for, or the quick ones and what is built already.

    Raises
    ------
    EvaluationError
        One is unknown.
    """
    known = list_images(images)
    if unknown := [name for name in asked if name not in known]:
        load_recipe(images, unknown[0])  # says what there is
    if asked:
        return tuple(name for name in known if name in {*asked, DEFAULT_IMAGE})
    cache = launcher.user.cache
    built = {
        name for name in _IF_BUILT if name in known and kept_image(load_recipe(images, name), name, cache)
    }
    return tuple(name for name in known if name in {*_ALWAYS, *built})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptImage:
    """A recipe, and what of it is on this machine; sizes in bytes."""

    name: str
    title: str
    size_bytes: int
    """About, as its recipe says."""
    built: BuiltImage | None
    forms: tuple[str, ...]
    """The runtimes whose forms are kept."""


def kept_images(images: Path, launcher: Launcher) -> tuple[KeptImage, ...]:
    """Look which images are built here, smallest first."""
    found = []
    for name in list_images(images):
        recipe = load_recipe(images, name)
        built = kept_image(recipe, name, launcher.user.cache)
        notes = sorted((Path(built.folder) / "forms").glob("*.json")) if built else []
        found.append(
            KeptImage(
                name=name,
                title=recipe.title,
                size_bytes=recipe.size_bytes,
                built=built,
                forms=tuple(note.stem for note in notes),
            )
        )
    return tuple(found)


def remove_images(images: Path, launcher: Launcher, names: Sequence[str]) -> tuple[str, ...]:
    """Remove images from the measuring user's cache and from the engines' stores; all when none is named.

    Returns
    -------
    tuple of str
        The folders that were removed: every recipe that an image ever had is one.

    Raises
    ------
    EvaluationError
        There is no such image, or something could not be removed.
    """
    for name in names:
        load_recipe(images, name)  # says what there is
    run = runner(launcher)
    removed = []
    for folder in sorted((launcher.user.cache / "images").glob("*-*")):
        name = folder.name.rpartition("-")[0]
        if names and name not in names:
            continue
        for note in sorted((folder / "forms").glob("*.json")):
            reference = json.loads(note.read_text())["reference"]
            runtime = known_runtimes().get(note.stem)
            if runtime and (argv := runtime.forget(reference)) and shutil.which(argv[0]):
                run(argv, b"", 300.0)  # gone already, or its engine is not running: nothing to be done
        run(("chmod", "-R", "u+rwX", str(folder)), b"", 600.0)
        must(run, ("rm", "-rf", "--one-file-system", str(folder)))
        removed.append(folder.name)
    return tuple(removed)
