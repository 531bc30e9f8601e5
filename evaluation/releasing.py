"""What a Release Manager asks: which images there are, of what, what changed, do they come out the same."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.images.bom import bill_of_materials
from evaluation.images.build import BuiltImage, build, folder_of, kept_image
from evaluation.images.holding import changing
from evaluation.images.process import must
from evaluation.images.recipe import list_images, load_recipe
from evaluation.images.recording import (
    file_differences,
    files_of,
    package_differences,
    record,
)
from evaluation.ledger import Build, add, ledgers, read_ledger
from evaluation.measure import discovery
from evaluation.measure.alone import alone
from evaluation.measure.forms import Shelf
from evaluation.measure.images import built_image, runner
from evaluation.measure.launcher import Launcher
from evaluation.measure.preparation import build_payload
from evaluation.measure.user import User, measuring_user, ourselves
from evaluation.project import root
from evaluation.scratch import scratch_directory
from evaluation.sites import load_site
from evaluation.store import find_runs
from evaluation.units import count, day, quantity

__all__ = ["diff", "drift", "keep", "ledger", "sbom"]


def keep(names: Sequence[str], *, site: str, user: str, forms: bool) -> Iterator[str]:
    """Build images, or take the kept ones, and write them into their ledgers; tell of each.

    With ``forms`` every runtime's form is made too, or taken, so that the ledger knows its size.

    Raises
    ------
    EvaluationError
        There is no such image, or it cannot be built here.
    """
    for name in names:
        load_recipe(_recipes(), name)
    for name in names:
        with Launcher(_measurer(site, user)) as launcher:
            built = built_image(name, _recipes(), launcher)
            if forms:
                _make_forms(built, site, launcher)
            row = _row(built, launcher)
        known = read_ledger(_recipes(), name)
        if known and _same(known[-1], row):
            yield f"{name}: in the ledger already, built on {day(known[-1].built_at)}"
        else:
            yield f"{name}: written into {os.path.relpath(add(_recipes(), row))}"


def _measurer(site: str, user: str) -> User:
    return measuring_user(user or load_site(site, root() / "sites").measure_as or "")


def _recipes() -> Path:
    return root() / "images"


def _row(built: BuiltImage, launcher: Launcher, *, why: str = "build") -> Build:
    recipe = load_recipe(_recipes(), built.name)
    below: list[BuiltImage] = []
    name = built.name
    while (under := load_recipe(_recipes(), name)).own_layer and under.extends:
        name = under.extends
        below.insert(0, built_image(name, _recipes(), launcher))
    return record(recipe, built, runner(launcher), below=below, why="drift" if why == "drift" else "build")


def _same(old: Build, new: Build) -> bool:
    """Whether a line would say nothing new."""
    told = ("recipe_sha256", "tar_sha256", "digest", "layers", "packages")
    return all(getattr(old, name) == getattr(new, name) for name in told) and (
        {form.runtime for form in old.forms} >= {form.runtime for form in new.forms}
    )


def _make_forms(built: BuiltImage, site: str, launcher: Launcher) -> None:
    """Make the form of every runtime here that has one of its own."""
    found = discovery.discover(load_site(site, root() / "sites"), launcher)
    with alone(), scratch_directory(bound=True) as folder:
        shelf = Shelf(everything=found, launcher=launcher, payload=build_payload(folder / "payload"))
        for item in found:
            if item.facts.present and not item.runtime.base:
                shelf.ready(item.facts.id, built)


def ledger(name: str = "", *, results: Path | None = None) -> str:
    """Tell what the ledger knows: of all images a line each, of one image everything.

    Raises
    ------
    EvaluationError
        There is no such image, or its ledger is damaged.
    """
    if name:
        load_recipe(_recipes(), name)
        return _told(read_ledger(_recipes(), name), name, results)
    lines = []
    for image in list_images(_recipes()):
        rows = read_ledger(_recipes(), image)
        if not rows:
            lines.append(f"{image:<12} not in the ledger: evaluation image record {image}")
            continue
        row = rows[-1]
        below = f" on {row.parent.image}" if row.parent and row.parent.shared else ""
        lines.append(
            f"{image:<12} {row.flavour + below:<22} {quantity(row.tar_bytes, 'B'):>8}  "
            f"{count(len(row.packages), 'package'):<13} built on {day(row.built_at)}  "
            f"{row.tar_sha256[:12]}  {count(len(rows), 'build')}"
        )
    return "\n".join(lines)


def _told(rows: Sequence[Build], name: str, results: Path | None) -> str:
    if not rows:
        return f"{name} is not in the ledger: evaluation image record {name}"
    row = rows[-1]
    held = _held_by(row, results or root() / "results")
    parent = (
        f"{row.parent.image}, {'layers shared' if row.parent.shared else 'built anew'}"
        if row.parent
        else "none"
    )
    facts = {
        "recipe": f"images/{name}/image.yaml, {row.recipe_sha256}",
        "variant": row.flavour or "not said",
        "base": row.base,
        "extends": parent,
        "tree": f"sha256:{row.tar_sha256}, {quantity(row.tar_bytes, 'B')}",
        "content": row.digest or "no form of it was made",
        "built": f"{row.built_at} in {quantity(row.build_s, 's')}",
        "builder": ", ".join(row.builder) or "not noted",
        "packages": count(len(row.packages), "package"),
        "builds": ", ".join(f"{day(each.built_at)} {each.tar_sha256[:12]} ({each.why})" for each in rows),
        "held by": ", ".join(held) or "no site of the results here",
        "fetched": f"{quantity(row.pull_bytes, 'B')} as layers"
        + (f", {quantity(row.pull_on_parent_bytes, 'B')} where {row.parent.image} is there"
           if row.parent and row.parent.shared else ""),
    }  # fmt: skip
    facts |= {
        f"form {form.runtime}": f"{form.form}, "
        + (quantity(form.size_bytes, "B") if form.size_bytes is not None else "size not known")
        for form in row.forms
    }
    return "\n".join(f"{key:<24} {text}" for key, text in facts.items())


def _held_by(row: Build, results: Path) -> list[str]:
    return sorted(
        {
            run.manifest.site
            for run in find_runs(results)
            for facts in run.manifest.images.values()
            if row.digest and facts.digest == row.digest
        }
    )


def diff(before: str, after: str, *, user: str) -> str:
    """Say what it takes to come from one image to another: packages, and files where both are built here.

    Raises
    ------
    EvaluationError
        There is no such image, or nothing is known of it.
    """
    with Launcher(measuring_user(user)) as launcher:
        old, new = (_known(name, launcher) for name in (before, after))
        text = [package_differences(old[0].packages, new[0].packages).as_text("packages")]
        if old[1] and new[1]:
            text.append(file_differences(files_of(old[1]), files_of(new[1])).as_text("files"))
        else:
            missing = [name for name, (_, image) in ((before, old), (after, new)) if image is None]
            text.append(f"files: not compared, for {' and '.join(missing)} is not built here")
    return "\n".join(text)


def _known(name: str, launcher: Launcher) -> tuple[Build, BuiltImage | None]:
    """What is known of ``NAME``, or of the build ``NAME@DIGEST`` in its ledger; and the image, if here."""
    image, _, digest = name.partition("@")
    recipe = load_recipe(_recipes(), image)
    built = kept_image(recipe, image, launcher.user.cache)
    rows = [row for row in read_ledger(_recipes(), image) if row.tar_sha256.startswith(digest)]
    if built and built.tar_sha256.startswith(digest):
        match = [row for row in rows if row.tar_sha256 == built.tar_sha256]
        return (match or [_row(built, launcher)])[-1], built
    if not rows:
        raise EvaluationError(
            f"nothing is known of {name}",
            where="evaluation image diff",
            advice=f"evaluation image record {image} builds it and writes it down.",
        )
    return rows[-1], None


def drift(names: Sequence[str], *, user: str, write: bool) -> tuple[str, bool]:
    """Build images again and hold them against their ledgers; say what changed, and whether nothing did.

    Without names, all images of the ledger. With ``write`` the new builds go into the ledger as such.

    Raises
    ------
    EvaluationError
        An image is not in the ledger, or cannot be built here.
    """
    told, same = [], True
    for name in names or tuple(ledgers(_recipes())):
        recipe = load_recipe(_recipes(), name)
        rows = read_ledger(_recipes(), name)
        if not rows:
            raise EvaluationError(
                f"{name} is not in the ledger", where="drift", advice=f"evaluation image record {name}"
            )
        last = rows[-1]
        with Launcher(measuring_user(user)) as launcher, _built_again(name, launcher) as again:
            row = _row(again, launcher, why="drift")
            files = ""
            if row.tar_sha256 != last.tar_sha256:
                kept = kept_image(recipe, name, launcher.user.cache)
                if kept and kept.tar_sha256 == last.tar_sha256:
                    files = file_differences(files_of(kept), files_of(again)).as_text("files")
                else:
                    files = "files: not compared, the build of the ledger is not here"
        if write:
            add(_recipes(), row)
        same &= row.tar_sha256 == last.tar_sha256
        told.append(_drifted(last, row, files))
    return "\n".join(told), same


def _drifted(last: Build, row: Build, files: str) -> str:
    when = (
        f"{row.image}: built again in {quantity(row.build_s, 's')}, against the build of {day(last.built_at)}"
    )
    if row.tar_sha256 == last.tar_sha256:
        return f"{when}: the same, bit for bit ({row.tar_sha256[:12]}, {quantity(row.tar_bytes, 'B')})"
    recipe = "" if row.recipe_sha256 == last.recipe_sha256 else "\nthe recipe changed"
    packages = package_differences(last.packages, row.packages).as_text("packages")
    return (
        f"{when}: not the same ({last.tar_sha256[:12]} -> {row.tar_sha256[:12]}){recipe}\n{packages}\n{files}"
    )


@contextmanager
def _built_again(name: str, launcher: Launcher) -> Iterator[BuiltImage]:
    """Build an image beside the kept one, and remove it afterwards."""
    recipe, run = load_recipe(_recipes(), name), runner(launcher)
    under = built_image(recipe.extends, _recipes(), launcher) if recipe.own_layer and recipe.extends else None
    place = launcher.user.cache / "again"
    with changing(place, run):  # another clone may build it again at the same time
        must(run, ("rm", "-rf", "--one-file-system", str(folder_of(recipe.sha256, name, place))))
        try:
            with Launcher(ourselves()) as hands:
                yield build(recipe, name, place, run, runner(hands), under)
        finally:
            must(run, ("rm", "-rf", "--one-file-system", str(place)))


def sbom(name: str) -> str:
    """Give the bill of materials of an image's newest build, as CycloneDX JSON.

    Its time is the recipe's, or that of SOURCE_DATE_EPOCH in the environment.

    Raises
    ------
    EvaluationError
        The image is not in the ledger, or the variable is no number.
    """
    recipe = load_recipe(_recipes(), name)
    rows = read_ledger(_recipes(), name)
    if not rows:
        raise EvaluationError(
            f"{name} is not in the ledger", where="sbom", advice=f"evaluation image record {name}"
        )
    epoch = os.environ.get("SOURCE_DATE_EPOCH", str(recipe.epoch))
    if not epoch.isdigit():
        raise EvaluationError(f"is no number of seconds: {epoch!r}", where="SOURCE_DATE_EPOCH")
    return bill_of_materials(rows[-1], int(epoch))
