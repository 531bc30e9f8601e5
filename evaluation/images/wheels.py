"""Python's wheels as files of an image: fetched by their pins, unpacked as they are, nothing run.

A wheel is a zip of what it installs (PEP 427). It is unpacked here and not installed by pip, because pip
writes the paths and the interpreter of the building machine into the tree.
"""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.images.process import Run, must
from evaluation.images.recipe import PYTHON_PACKAGES, Wheel

__all__ = ["download", "fetch_wheels", "pack_wheels"]

_TARGET = ("--implementation", "cp", "--python-version", "3.11", "--only-binary", ":all:")
_PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux2014", "manylinux_2_17")


def fetch_wheels(wheels: Sequence[Wheel], folder: Path, run: Run) -> tuple[Path, ...]:
    """Download the wheels of a recipe.

    Raises
    ------
    EvaluationError
        One cannot be had, or is another than the recipe's.
    """
    pins = [f"{item.name}=={item.version} --hash=sha256:{item.sha256}" for item in wheels]
    return download(pins, folder, run)


def download(pins: Sequence[str], folder: Path, run: Run, machine: str = "x86_64") -> tuple[Path, ...]:
    """Download wheels for CPython 3.11 by pip's own configuration; pip holds each against its digest.

    Parameters
    ----------
    pins : sequence of str
        One requirement each, with its digests, as a requirements file has them.
    machine : str
        What the wheels are for, as ``uname -m`` names it; a recipe's are for x86-64.

    Raises
    ------
    EvaluationError
        One cannot be had, or is another than was asked for.
    """
    listed = folder / "wheels.txt"
    listed.write_text("".join(f"{pin}\n" for pin in pins))
    platforms = [word for name in _PLATFORMS for word in ("--platform", f"{name}_{machine}")]
    must(
        run,
        (
            sys.executable, "-I", "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
            *_TARGET, *platforms, "--dest", str(folder), "--requirement", str(listed),
        ),
    )  # fmt: skip
    found = tuple(sorted(folder.glob("*.whl")))
    if len(found) != len(pins):
        raise EvaluationError(f"{len(pins)} wheels were asked for and {len(found)} came", where="image")
    return found


def pack_wheels(wheels: Sequence[Path], target: Path) -> None:
    """Write one tar with the files of all wheels where the image's Python finds them."""
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as tar:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                for name, place in _places(archive.namelist()):
                    data = archive.read(name)
                    member = tarfile.TarInfo(place.lstrip("/"))
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))


def _places(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Where each file of a wheel goes; scripts and headers are left out."""
    for name in names:
        if name.endswith("/"):
            continue
        top, _, rest = name.partition("/")
        if not top.endswith(".data"):
            yield name, f"{PYTHON_PACKAGES}/{name}"
            continue
        kind, _, inner = rest.partition("/")
        if kind in {"purelib", "platlib"}:
            yield name, f"{PYTHON_PACKAGES}/{inner}"
        elif kind == "data":
            yield name, f"/usr/local/{inner}"
