"""From a built image to its line in the ledger; and what differs between two images."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from evaluation.images.build import BuiltImage, opened_of
from evaluation.images.convert import kept_form
from evaluation.images.layers import Member, members
from evaluation.images.process import Run
from evaluation.images.recipe import Recipe
from evaluation.ledger import Build, FormSize, LayerSize, Package, Parent
from evaluation.model import CONTROL
from evaluation.units import quantity

__all__ = ["Difference", "file_differences", "files_of", "package_differences", "record"]

_CHUNK = 2**20
_GZIP_LEVEL = 6
"""What builders and registries take when nobody says otherwise."""
_SHOWN = 12


def record(
    recipe: Recipe,
    built: BuiltImage,
    run: Run,
    *,
    below: Sequence[BuiltImage] = (),
    why: Literal["build", "drift"] = "build",
) -> Build:
    """Put a built image as the ledger keeps it.

    Parameters
    ----------
    below : sequence of BuiltImage
        The images whose layers it lies on, the lowest first.
    """
    forms = [form for path in sorted(Path(built.folder).glob("forms/*.json")) if (form := kept_form(path))]
    seen = {form.digest for form in forms}
    note = Path(built.folder) / "built.json"
    return Build(
        image=built.name,
        recipe_sha256=built.recipe_sha256,
        flavour=recipe.flavour or "",
        base=f"Debian {recipe.suite}",
        parent=Parent(image=recipe.extends, shared=recipe.own_layer) if recipe.extends else None,
        tar_sha256=built.tar_sha256,
        tar_bytes=built.tar_bytes,
        digest=seen.pop() if len(seen) == 1 else "",
        built_at=datetime.fromtimestamp(note.stat().st_mtime, UTC).isoformat(timespec="seconds"),
        build_s=round(built.build_s, 1),
        builder=built.builder,
        why=why,
        layers=tuple(_layer(image) for image in (*below, built)),
        forms=tuple(
            FormSize(
                runtime=form.runtime,
                form=str(form.form),
                size_bytes=form.size_bytes,
                convert_s=None if form.convert_s is None else round(form.convert_s, 3),
            )
            for form in forms
            if form.runtime != CONTROL
        ),
        packages=(*_debs(built.packages, run), *_wheels(recipe)),
    )


def _layer(image: BuiltImage) -> LayerSize:
    squeezed, packer = 0, zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 31)
    with opened_of(image.layer) as stream:
        while chunk := stream.read(_CHUNK):
            squeezed += len(packer.compress(chunk))
    return LayerSize(
        sha256=image.layers[-1],
        size_bytes=image.layer.stat().st_size,
        gzip_bytes=squeezed + len(packer.flush()),
        of=image.name,
    )


def _debs(names: Sequence[str], run: Run) -> Iterable[Package]:
    """Debian's packages, each with the digest that apt's signed index gives its archive, if it knows it."""
    said = run(("apt-cache", "show", *names), b"", 120.0).stdout.decode(errors="replace")
    known: dict[tuple[str, str], tuple[str, str]] = {}
    for paragraph in said.split("\n\n"):
        keys = dict(re.findall(r"^(Package|Version|Architecture|SHA256): (\S+)$", paragraph, re.MULTILINE))
        if "SHA256" in keys:
            known[keys["Package"], keys["Version"]] = keys["Architecture"], keys["SHA256"]
    for item in names:
        name, _, version = item.partition("=")
        architecture, sha256 = known.get((name, version), ("", ""))
        yield Package(kind="deb", name=name, version=version, architecture=architecture, sha256=sha256)


def _wheels(recipe: Recipe) -> Iterable[Package]:
    for wheel in sorted(recipe.wheels, key=lambda wheel: wheel.name):
        yield Package(kind="pypi", name=wheel.name, version=wheel.version, sha256=wheel.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What it takes to come from one set to another, by name, sorted."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def as_text(self, what: str) -> str:
        """Say how many there are of each, and the first of them."""
        if not self:
            return f"{what}: the same"
        lines = []
        for word, names in (("added", self.added), ("removed", self.removed), ("changed", self.changed)):
            if names:
                lines.append(f"{what} {word}: {len(names)}")
                lines += [f"    {name}" for name in names[:_SHOWN]]
                lines += [f"    ... and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
        return "\n".join(lines)


def files_of(image: BuiltImage) -> Mapping[str, Member]:
    """Every path of a built image."""
    with opened_of(Path(image.archives.tar)) as tar:
        return members(tar)


def package_differences(old: Iterable[Package], new: Iterable[Package]) -> Difference:
    """Compare the packages of two builds."""
    before, after = _versions(old), _versions(new)
    return Difference(
        added=tuple(f"{name} {after[name]}" for name in sorted(after.keys() - before.keys())),
        removed=tuple(f"{name} {before[name]}" for name in sorted(before.keys() - after.keys())),
        changed=tuple(
            f"{name} {before[name]} -> {after[name]}"
            for name in sorted(before.keys() & after.keys())
            if before[name] != after[name]
        ),
    )


def _versions(packages: Iterable[Package]) -> dict[str, str]:
    return {item.name if item.kind == "deb" else f"{item.name} (Python)": item.version for item in packages}


def file_differences(old: Mapping[str, Member], new: Mapping[str, Member]) -> Difference:
    """Compare the files of two builds by their content, mode or link target."""

    def told(name: str, item: Member) -> str:
        return f"/{name}" + (f" {quantity(item.size_bytes, 'B')}" if item.kind == "file" else "")

    return Difference(
        added=tuple(told(name, new[name]) for name in sorted(new.keys() - old.keys())),
        removed=tuple(told(name, old[name]) for name in sorted(old.keys() - new.keys())),
        changed=tuple(
            told(name, new[name]) for name in sorted(old.keys() & new.keys()) if old[name] != new[name]
        ),
    )
