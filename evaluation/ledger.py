"""The ledger of images: what was built, from what, with what, and what each of its forms came to.

One file beside each recipe, ``images/NAME/ledger.jsonl``, one line per build, only ever added to by
``evaluation image record``. Every value was read from a build; nothing in it is written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evaluation.errors import EvaluationError
from evaluation.files import append_lines

__all__ = ["Build", "FormSize", "LayerSize", "Package", "Parent", "add", "ledgers", "read_ledger"]

_FILE = "ledger.jsonl"
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Package(_Row):
    """One package. ``sha256`` is that of the archive it came in; empty where nobody knows it."""

    kind: Literal["deb", "pypi"]
    name: str
    version: str
    architecture: str = ""
    sha256: str = ""


class LayerSize(_Row):
    """One layer: its SHA-256 as a tar, its bytes, and its bytes as a registry sends it (gzip, level 6)."""

    sha256: _Digest
    size_bytes: int
    gzip_bytes: int
    of: str
    """The image whose own layer it is."""


class FormSize(_Row):
    """One runtime's form, as it was made where the image was built. ``size_bytes`` may be unknown."""

    runtime: str
    form: str
    size_bytes: int | None
    convert_s: float | None


class Parent(_Row):
    """The image that the recipe extends; ``shared`` says whether its very layers are in this one."""

    image: str
    shared: bool


class Build(_Row):
    """One build of one recipe."""

    image: str
    recipe_sha256: _Digest
    flavour: str
    base: str
    parent: Parent | None
    tar_sha256: _Digest
    """Of the whole tree as one tar: two builds with the same one are the same, bit for bit."""
    tar_bytes: int
    digest: str
    """Over file contents and modes, as seen from inside a container; empty where no form was made."""
    built_at: str
    build_s: float
    builder: tuple[str, ...]
    """The tools that built it, as ``name=version``."""
    why: Literal["build", "drift"]
    """Whether it was built to be used, or again, to see whether it comes out the same."""
    layers: tuple[LayerSize, ...]
    forms: tuple[FormSize, ...]
    packages: tuple[Package, ...]

    @property
    def pull_bytes(self) -> int:
        """Bytes that a store of layers fetches where it has none of them."""
        return sum(layer.gzip_bytes for layer in self.layers)

    @property
    def pull_on_parent_bytes(self) -> int:
        """Bytes that a store of layers fetches where it has the image below."""
        return sum(layer.gzip_bytes for layer in self.layers if layer.of == self.image)


def read_ledger(folder: Path, name: str) -> tuple[Build, ...]:
    """Read the builds of one image, the oldest first; none where there is no file.

    Raises
    ------
    EvaluationError
        A line is no build, or not of this image.
    """
    path = folder / name / _FILE
    if not path.is_file():
        return ()
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path}:{number}"
        try:
            build = Build.model_validate_json(line)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            key = ".".join(map(str, fault["loc"]))
            raise EvaluationError(
                f"is no build: {key}: {fault['msg']}",
                where=where,
                advice="'evaluation image record' alone writes the ledger; take the file back from git.",
            ) from None
        if build.image != name:
            raise EvaluationError(f"is a build of {build.image!r}, in the ledger of {name!r}", where=where)
        found.append(build)
    return tuple(found)


def ledgers(folder: Path) -> Mapping[str, tuple[Build, ...]]:
    """Read the ledger of every image that has one, the smallest image first."""
    found = {path.parent.name: read_ledger(folder, path.parent.name) for path in folder.glob(f"*/{_FILE}")}
    return dict(
        sorted(((name, rows) for name, rows in found.items() if rows), key=lambda item: _size(item[1]))
    )


def _size(rows: tuple[Build, ...]) -> tuple[int, str]:
    return rows[-1].tar_bytes, rows[-1].image


def add(folder: Path, build: Build) -> Path:
    """Add a build to the ledger of its image; give the file."""
    path = folder / build.image / _FILE
    append_lines(path, [build.model_dump(mode="json")])
    return path
