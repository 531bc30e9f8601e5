"""Workloads: real jobs, said in one YAML file each, and how to tell that they really ran.

A job that fails may still exit with 0 and print an impressive rate. So each says what it must have printed
and written, and within which bounds; without that there is no result.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from evaluation.documents import Complaint, Identifier, StrictModel, Text, load, unknown
from evaluation.yamltree import Document

__all__ = ["Data", "Figure", "Rate", "Workload", "WorkloadFile", "list_workloads", "load_workload"]

_RelativePath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$")]
_Absolute = Annotated[str, Field(pattern=r"^/[^:,\"]*$")]
_Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Figure(StrictModel):
    """A number that the job prints, and where it must lie."""

    pattern: Text
    """Regular expression with one group, which is the number; the last match in standard output counts."""
    low: float
    high: float
    varies: bool = False
    """Whether it may differ from run to run, as times do. All others must be those of the bare host."""

    @field_validator("pattern")
    @classmethod
    def _has_one_group(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            message = f"is no regular expression: {error}"
            raise ValueError(message) from None
        if groups != 1:
            message = f"should have one group, the number; it has {groups}"
            raise ValueError(message)
        return pattern


class Rate(StrictModel):
    """What was done per second."""

    amount: Identifier
    """The figure that was done."""
    seconds: Identifier | None = None
    """The figure of the time it took; without one, the whole launch as seen from outside."""
    unit: Annotated[str, Field(pattern=r"^(1|B)/s$")]


class Data(StrictModel):
    """A directory of the site's own data."""

    source: _Absolute
    """On the host."""
    target: _Absolute
    """In the container; in argv and env write its name in braces, which is the right one on every arm."""


class WorkloadFile(StrictModel):
    """What stands in the file."""

    version: Annotated[int, Field(ge=1)]
    """Count it up when the job changes: results of different versions are never joined."""
    question: Text
    why: Text
    method: Text
    """What the job does, in sentences."""
    image: Identifier
    """A folder of ``images/``."""
    files: Identifier | None = None
    """A folder beside this file; the text files in it are put into the working directory."""
    argv: tuple[Text, ...] = Field(min_length=1, strict=False)
    """The command, started in the working directory. A bare name is a program of the image."""
    env: dict[_Variable, Text] = Field(default={})
    """Variables. ``{image}`` stands for the image's root, ``{work}`` for the working directory."""
    data: dict[Identifier, Data] = Field(default={})
    """Directories of the site, by the name they have in braces."""
    figures: dict[Identifier, Figure] = Field(min_length=1)
    output: tuple[_RelativePath, ...] = Field(min_length=1, strict=False)
    """Files that must have been written, and not be empty."""
    hashed: tuple[_RelativePath, ...] = Field(default=(), strict=False)
    """Those of them that must be the same, byte for byte, as on the bare host of the same machine."""
    rate: Rate
    timeout_s: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _refers_to_what_there_is(self) -> WorkloadFile:
        for name in (self.rate.amount, self.rate.seconds):
            if name is not None and name not in self.figures:
                message = f"the rate is of a figure {name}, and there is none"
                raise ValueError(message)
        if missing := [path for path in self.hashed if path not in self.output]:
            message = f"{missing[0]} is hashed, but is no output"
            raise ValueError(message)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A job with its name and the files that it brings."""

    id: str
    file: WorkloadFile
    files: tuple[Path, ...]


def list_workloads(folder: Path) -> tuple[str, ...]:
    """Names of the workloads, sorted."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def load_workload(folder: Path, name: str, *, images: Collection[str] | None = None) -> Workload:
    """Read ``<folder>/<name>.yaml``.

    Parameters
    ----------
    images : collection of str, optional
        The images that there are; given, another one is a fault.

    Raises
    ------
    FaultyDocumentError
        With every fault in the file.
    """

    def check(document: Document) -> Iterator[Complaint]:
        data = document.data if isinstance(document.data, dict) else {}
        image, files = data.get("image"), data.get("files")
        if images is not None and isinstance(image, str) and image not in images:
            yield Complaint(location=("image",), message=unknown("image", image, images))
        if isinstance(files, str) and not (folder / files).is_dir():
            yield Complaint(location=("files",), message=f"there is no folder {files} beside this file")

    file = load(folder / f"{name}.yaml", WorkloadFile, check)
    brought = sorted((folder / file.files).iterdir()) if file.files else []
    return Workload(id=name, file=file, files=tuple(path for path in brought if path.is_file()))
