"""The recipe of an image: one YAML file, from which every other description is rendered."""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from pydantic import Field
from spython.main.parse.parsers import DockerParser
from spython.main.parse.writers import SingularityWriter

from evaluation.documents import StrictModel, Text, load
from evaluation.errors import EvaluationError

__all__ = ["Recipe", "containerfile", "definition", "load_recipe"]

_Absolute = Annotated[str, Field(pattern=r"^/[A-Za-z0-9_./-]+$")]
_Package = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]+$")]


class Recipe(StrictModel):
    """What an image is made of."""

    title: Text
    """In a few words."""
    purpose: Text
    """What it is for."""
    base: Text
    """The image to start from where a registry can be reached."""
    suite: Annotated[str, Field(pattern=r"^[a-z]+$")]
    """Debian's release, for building from packages."""
    packages: tuple[_Package, ...] = Field(min_length=1, strict=False)
    """Debian packages; what they depend on comes with them."""
    directories: tuple[_Absolute, ...] = Field(strict=False)
    """Empty directories to make."""
    empty_files: tuple[_Absolute, ...] = Field(strict=False)
    """Empty files to make where there are none."""
    leave_out: tuple[_Absolute, ...] = Field(strict=False)
    """Paths to leave out; with a slash at the end, everything below."""
    epoch: Annotated[int, Field(gt=0)]
    """Seconds since 1970: nothing in the image is newer."""
    path: Text
    """PATH inside."""


def load_recipe(folder: Path, name: str) -> tuple[Recipe, str]:
    """Read ``<folder>/<name>/image.yaml``; also its SHA-256.

    Raises
    ------
    FaultyDocumentError
        With every fault in the file.
    EvaluationError
        There is no such image.
    """
    path = folder / name / "image.yaml"
    if not path.is_file():
        known = ", ".join(sorted(found.parent.name for found in folder.glob("*/image.yaml"))) or "none"
        raise EvaluationError(f"there is no image {name!r}", where=str(folder), advice=f"There are: {known}.")
    return load(path, Recipe), hashlib.sha256(path.read_bytes()).hexdigest()


def containerfile(recipe: Recipe, name: str) -> str:
    """Render the recipe for builders that can reach a registry: the same packages, not the same bytes."""
    folders = " ".join(recipe.directories)
    steps = [
        "apt-get update",
        f"apt-get install --yes --no-install-recommends {' '.join(recipe.packages)}",
        "rm -rf /var/lib/apt/lists",
        *([f"mkdir -p {folders}"] if folders else []),
        *(f"{{ [ -e {path} ] || touch {path}; }}" for path in recipe.empty_files),
    ]
    return f"""\
# Rendered from images/{name}/image.yaml; do not edit.
FROM {recipe.base}
RUN {f" {_CONTINUED}".join(steps)}
ENV PATH={recipe.path}
"""


_CONTINUED = "\\\n && "


def definition(recipe: Recipe, name: str) -> str:
    """Translate the Containerfile into a definition file for ``apptainer build``, by spython."""
    with TemporaryDirectory() as folder:
        source = Path(folder) / "Containerfile"
        source.write_text(containerfile(recipe, name), encoding="utf-8")
        translated = SingularityWriter(DockerParser(str(source)).recipe).convert()
    body = "\n".join(line.rstrip() for line in translated.splitlines() if not line.startswith("#"))
    return f"# Rendered from images/{name}/image.yaml; do not edit.\n{body.strip()}\n"
