"""The recipe of an image: one YAML file, from which every other description is rendered."""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from pydantic import Field
from spython.main.parse.parsers import DockerParser
from spython.main.parse.writers import SingularityWriter

from evaluation.documents import Identifier, StrictModel, Text, load
from evaluation.errors import EvaluationError

__all__ = ["PYTHON_PACKAGES", "Recipe", "Wheel", "containerfile", "definition", "list_images", "load_recipe"]

PYTHON_PACKAGES = "/usr/local/lib/python3.11/dist-packages"
"""Where Debian 12's own Python looks for what is not Debian's."""

_Absolute = Annotated[str, Field(pattern=r"^/[A-Za-z0-9_./-]+$")]
_Package = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]+$")]


class Wheel(StrictModel):
    """A wheel of the Python Package Index for CPython 3.11 on x86-64, pinned by its content."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    version: Annotated[str, Field(pattern=r"^[0-9][A-Za-z0-9.+!]*$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Recipe(StrictModel):
    """What an image is made of."""

    title: Text
    """In a few words."""
    purpose: Text
    """What it is for."""
    extends: Identifier | None = None
    """Another image: its packages, wheels and links come on top of these."""
    own_layer: bool = False
    """What it adds to the image it extends is a layer of its own, on top of that image's very layer."""
    flavour: Literal["minimal", "full", "debug", "stand-in"] | None = None
    """Which of the variants of an image it is: the least that runs, everything, what a debugger needs on
    top of another, or padding in the place of software that cannot be had."""
    base: Text
    """The image to start from where a registry can be reached."""
    suite: Annotated[str, Field(pattern=r"^[a-z]+$")]
    """Debian's release, for building from packages."""
    variant: Literal["essential", "extract"] = "essential"
    """What comes unasked: Debian's essential packages, or nothing (packages are unpacked, not set up)."""
    packages: tuple[_Package, ...] = Field(min_length=1, strict=False)
    """Debian packages; what they depend on comes with them."""
    wheels: tuple[Wheel, ...] = Field(default=(), strict=False)
    """Python packages; with everything that they depend on."""
    directories: tuple[_Absolute, ...] = Field(strict=False)
    """Empty directories to make."""
    empty_files: tuple[_Absolute, ...] = Field(strict=False)
    """Files to be empty, whatever the building machine put there (its name, its name servers)."""
    links: dict[_Absolute, Text] = Field(default={})
    """Symbolic links to make, with their targets."""
    leave_out: tuple[_Absolute, ...] = Field(strict=False)
    """Paths to leave out; with a slash at the end, everything below."""
    pad_bytes: Annotated[int, Field(ge=0)] = 0
    """So many bytes of incompressible padding, the same in every build."""
    size_bytes: Annotated[int, Field(gt=0)]
    """How large its tar is, about; disk space is checked by it before anything is built."""
    epoch: Annotated[int, Field(gt=0)]
    """Seconds since 1970: nothing in the image is newer."""
    path: Text
    """PATH inside."""

    @property
    def sha256(self) -> str:
        """Digest of what decides about the content, and not of its description."""
        words = {"title", "purpose", "base", "extends", "flavour", "size_bytes"}
        content = self.model_dump_json(exclude=words, exclude_defaults=True)
        return hashlib.sha256(content.encode()).hexdigest()


def list_images(folder: Path) -> tuple[str, ...]:
    """Names of the images that there are recipes for, sorted by size."""
    found = {path.parent.name: load_recipe(folder, path.parent.name) for path in folder.glob("*/image.yaml")}
    return tuple(sorted(found, key=lambda name: (found[name].size_bytes, name)))


def load_recipe(folder: Path, name: str) -> Recipe:
    """Read ``<folder>/<name>/image.yaml``; what it extends is in it already.

    Raises
    ------
    FaultyDocumentError
        With every fault in the file.
    EvaluationError
        There is no such image, or it extends itself.
    """
    recipe, seen = _read(folder, name), [name]
    below = recipe.extends
    while below is not None:
        if below in seen:
            raise EvaluationError(
                f"the image {name!r} extends itself by way of {', '.join(seen)}", where=f"{folder}/{name}"
            )
        seen.append(below)
        under = _read(folder, below)
        recipe = recipe.model_copy(
            update={
                "packages": tuple(dict.fromkeys((*under.packages, *recipe.packages))),
                "wheels": (*under.wheels, *recipe.wheels),
                "links": under.links | recipe.links,
            }
        )
        below = under.extends
    if recipe.own_layer and recipe.extends is None:
        raise EvaluationError(
            f"the image {name!r} asks for a layer of its own and extends no image", where=f"{folder}/{name}"
        )
    return recipe


def _read(folder: Path, name: str) -> Recipe:
    path = folder / name / "image.yaml"
    if not path.is_file():
        known = ", ".join(sorted(found.parent.name for found in folder.glob("*/image.yaml"))) or "none"
        raise EvaluationError(f"there is no image {name!r}", where=str(folder), advice=f"There are: {known}.")
    return load(path, Recipe)


def containerfile(recipe: Recipe, name: str) -> str:
    """Render the recipe for builders that can reach a registry: the same packages, not the same bytes."""
    pinned = "".join(
        f" \\\n    '{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}'" for wheel in recipe.wheels
    )
    if recipe.variant == "extract":
        return _from_nothing(recipe, name)
    packages = " ".join((*recipe.packages, *(("python3-pip",) if recipe.wheels else ())))
    steps = [
        "apt-get update",
        f"apt-get install --yes --no-install-recommends {packages}",
        "rm -rf /var/lib/apt/lists",
        *([f"mkdir -p {' '.join(recipe.directories)}"] if recipe.directories else []),
        *(f"{{ [ -e {path} ] || touch {path}; }}" for path in recipe.empty_files),
        *(f"ln -sfn {target} {link}" for link, target in recipe.links.items()),
    ]
    lines = [f"# Rendered from images/{name}/image.yaml; do not edit."]
    if recipe.own_layer:
        lines.append(
            f"# First: docker build --tag container-evaluation/{recipe.extends} images/{recipe.extends}"
        )
    lines.append(f"FROM {f'container-evaluation/{recipe.extends}' if recipe.own_layer else recipe.base}")
    lines.append("RUN " + " \\\n && ".join(steps))
    if recipe.wheels:
        lines.append(
            f"RUN printf '%s\\n'{pinned} \\\n    > /tmp/wheels.txt \\\n"
            " && python3 -m pip install --break-system-packages --no-cache-dir --no-deps --no-compile \\\n"
            "    --require-hashes --only-binary :all: --requirement /tmp/wheels.txt \\\n"
            f" && python3 -m compileall -q --invalidation-mode unchecked-hash {PYTHON_PACKAGES} \\\n"
            " && rm /tmp/wheels.txt"
        )
    if recipe.pad_bytes:
        lines.append(
            f"RUN mkdir -p /opt/padding && head -c {recipe.pad_bytes} /dev/urandom > /opt/padding/random"
        )
    lines.append(f"ENV PATH={recipe.path}")
    return "\n".join(lines) + "\n"


def _from_nothing(recipe: Recipe, name: str) -> str:
    """Render an image without a system: packages unpacked, nothing set up."""
    steps = [
        "apt-get update",
        f"cd /tmp && apt-get download {' '.join(recipe.packages)}",
        'for deb in /tmp/*.deb; do dpkg-deb --extract "$deb" /image; done',
        *(f"rm -rf /image{path}" for path in recipe.leave_out),
        f"mkdir -p {' '.join(f'/image{path}' for path in recipe.directories)} /image/etc /image/tmp",
        f"touch {' '.join(f'/image{path}' for path in recipe.empty_files)}",
        *(f"ln -sfn {target} /image{link}" for link, target in recipe.links.items()),
    ]
    run = " \\\n && ".join(steps)
    return f"""\
# Rendered from images/{name}/image.yaml; do not edit.
FROM {recipe.base} AS unpacked
RUN {run}
FROM scratch
COPY --from=unpacked /image /
ENV PATH={recipe.path}
"""


def definition(recipe: Recipe, name: str) -> str | None:
    """Translate the Containerfile into a definition file for ``apptainer build``, by spython.

    ``None`` for an image without a system: spython takes its two stages for one, from an image that no
    registry has.
    """
    if recipe.variant == "extract":
        return None
    with TemporaryDirectory() as folder:
        source = Path(folder) / "Containerfile"
        # An image file shares no layers, so all of it is made from the base.
        whole = recipe.model_copy(update={"own_layer": False})
        source.write_text(containerfile(whole, name), encoding="utf-8")
        translated = SingularityWriter(DockerParser(str(source)).recipe).convert()
    body = "\n".join(line.rstrip() for line in translated.splitlines() if not line.startswith("#"))
    return f"# Rendered from images/{name}/image.yaml; do not edit.\n{body.strip()}\n"
