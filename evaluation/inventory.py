"""The collaboration's packages: every row of the working page's table, and what each needs of a runtime.

A cell keeps the page's own words beside our reading of them. The page reached us as flattened text, without
the table's borders: the cells of a row, put together again, must give its text letter by letter, so that no
reading can drop or add a mark of the page's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from evaluation.documents import Complaint, Identifier, StrictModel, Text, load, unknown
from evaluation.yamltree import Document, Json

__all__ = ["COLUMNS", "Cell", "Inventory", "Need", "Package", "Question", "Row", "load_inventory"]

COLUMNS: Final[Mapping[str, str]] = {
    "build_platform": "Build platform",
    "running_platform": "Running platform",
    "special_dependencies": "Special dependencies",
    "upgradable": "Upgradable?",
    "existing_vm": "Existing VM",
    "existing_container": "Existing container",
    "links": "Links",
    "comments": "Comments",
    "date": "Date",
}
"""The page's columns after the name, in its order, with its own headings."""


class Cell(StrictModel):
    """One cell: what stands there, and what we take it to mean."""

    said: str
    """The page's own words and marks; empty where the cell is."""
    reading: Text
    """What we take it to mean; ``not said`` where it says nothing."""


class Row(StrictModel):
    """One package's cells, by column."""

    build_platform: Cell
    running_platform: Cell
    special_dependencies: Cell
    upgradable: Cell
    existing_vm: Cell
    existing_container: Cell
    links: Cell
    comments: Cell
    date: Cell

    def cells(self) -> dict[str, Cell]:
        """Every cell by its column's heading, in the page's order."""
        return {title: getattr(self, name) for name, title in COLUMNS.items()}


class Need(StrictModel):
    """What a package needs of a runtime and its host: a criterion's finding, or a form of an image."""

    criterion: Identifier | None = None
    image: Identifier | None = None
    """An image of ours that stands for the package's size; it is met where its form was made."""
    without: Literal["blocked", "care"]
    """What it means where this is not there: the package cannot run, or somebody has to take care."""
    because: Text
    source: Text
    """The page's words that say so, or that it is our assumption."""

    @model_validator(mode="after")
    def _names_one_thing(self) -> Need:
        if (self.criterion is None) == (self.image is None):
            message = "should name exactly one of criterion and image"
            raise ValueError(message)
        return self


class Question(StrictModel):
    """What the page leaves open, and nobody has answered."""

    question: Text
    ask: Text
    """Who could answer."""
    mark: Text
    """The page's words or marks that leave it open."""


class Package(StrictModel):
    """One row of the page's table, with what it means for a runtime."""

    id: Identifier
    name: Text
    verbatim: Text
    """The whole row as it stands in the page's text, name first, without its cells' borders."""
    row: Row
    use_case: Identifier
    """For whom it runs: its weights rank the runtimes, its knock-outs hold."""
    needs: Annotated[tuple[Need, ...], Field(min_length=1)]
    questions: tuple[Question, ...] = ()
    not_shown: tuple[Text, ...] = ()
    """What no probe of ours shows about it."""


class Inventory(StrictModel):
    """Everything ``inventory.yaml`` says."""

    source: Text
    date: Text
    """When the page's table was made, as far as it says so."""
    checked: Text
    """How the table was read."""
    packages: Annotated[tuple[Package, ...], Field(min_length=1)]


def load_inventory(
    path: Path,
    *,
    criteria: Collection[str] | None = None,
    use_cases: Collection[str] | None = None,
    images: Collection[str] | None = None,
) -> Inventory:
    """Read and check the inventory.

    Parameters
    ----------
    path : Path
        The file.
    criteria, use_cases, images : collection of str, optional
        All ids there are; given, a name that is none of them is a fault.

    Raises
    ------
    EvaluationError
        The file cannot be read.
    FaultyDocumentError
        It is faulty: with every fault in it.
    """

    def check(document: Document) -> Iterator[Complaint]:
        seen: set[Json] = set()
        for index in range(_length(document.value("packages"))):
            here: tuple[str | int, ...] = ("packages", index)
            name = document.value(*here, "id")
            if isinstance(name, str) and name in seen:
                yield Complaint(location=(*here, "id"), message=f"{name!r} stands above already")
            seen.add(name if isinstance(name, str) else None)
            yield from _named(document, (*here, "use_case"), "use case", use_cases)
            needs: set[tuple[Json, Json]] = set()
            for place in range(_length(document.value(*here, "needs"))):
                need = (*here, "needs", place)
                yield from _named(document, (*need, "criterion"), "criterion", criteria)
                yield from _named(document, (*need, "image"), "image", images)
                both = (_word(document.value(*need, "criterion")), _word(document.value(*need, "image")))
                if both in needs:
                    yield Complaint(location=need, message=f"{both[0] or both[1]!r} is needed above already")
                needs.add(both)
            yield from _borders(document, here)

    return load(path, Inventory, check)


def _named(
    document: Document, location: tuple[str | int, ...], kind: str, there_are: Collection[str] | None
) -> Iterator[Complaint]:
    name = document.value(*location)
    if isinstance(name, str) and there_are is not None and name not in there_are:
        yield Complaint(location=location, message=unknown(kind, name, there_are))


def _borders(document: Document, here: tuple[str | int, ...]) -> Iterator[Complaint]:
    """Put a row's cells together again: they must give the page's text, blanks aside."""
    verbatim = document.value(*here, "verbatim")
    parts = [document.value(*here, "name")]
    parts += [document.value(*here, "row", column, "said") for column in COLUMNS]
    words = [part for part in parts if isinstance(part, str)]
    if not isinstance(verbatim, str) or len(words) != len(parts):
        return  # said by the schema
    together = "".join(words)
    if _bare(together) != _bare(verbatim):
        message = f"the name and cells of this row give {together!r}, which is not what stands here"
        yield Complaint(location=(*here, "verbatim"), message=message)


def _bare(text: str) -> str:
    return "".join(text.split())


def _word(value: Json) -> Json:
    return value if isinstance(value, str) else None


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0
