"""The images of the ladder on this machine: built or taken as kept, as the measuring user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from evaluation.images.build import BuiltImage, build, folder_of, kept_image, unpack_carried
from evaluation.images.contents import place_contents
from evaluation.images.holding import release, use
from evaluation.images.recipe import list_images, load_recipe
from evaluation.kit import CARRIED, kit_folder
from evaluation.manifest import Manifest
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.user import User, ourselves
from evaluation.model import DEFAULT_IMAGE
from evaluation.probes.base import Completed

__all__ = ["built_image", "images_kept", "images_used", "place_lists", "runner", "wanted_images"]

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
    under = None
    if recipe.own_layer and recipe.extends:
        under = built_image(recipe.extends, images, launcher)
    elif kept := kept_image(recipe, name, cache):
        return kept
    elif (kit := kit_folder()) and (
        carried := unpack_carried(recipe, name, cache, kit / CARRIED, runner(launcher))
    ):
        return carried
    with Launcher(ourselves()) as hands:
        return build(recipe, name, cache, runner(launcher), runner(hands), under)


def images_used(manifest: Manifest, launcher: Launcher) -> None:
    """Keep others from changing the images of a run, until `evaluation.images.holding.release`."""
    for facts in manifest.images.values():
        use(folder_of(facts.recipe_sha256, facts.name, launcher.user.cache), runner(launcher))


@contextmanager
def images_kept(user: User) -> Iterator[Callable[[Manifest], None]]:
    """Give what keeps the images of a run as they are until the end, between its notebooks too."""

    def keep(manifest: Manifest) -> None:
        with Launcher(user) as launcher:
            images_used(manifest, launcher)

    try:
        yield keep
    finally:
        release()


def place_lists(names: Iterable[str], images: Path, launcher: Launcher, payload: Path) -> None:
    """Put the path lists of images that were made ready beside a payload that was built anew."""
    for name in names:
        if kept := kept_image(load_recipe(images, name), name, launcher.user.cache):
            place_contents(kept, payload)


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
