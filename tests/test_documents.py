"""Loading a model: every fault at once, each at its place, with the word that was probably meant."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError, field_validator

from evaluation.documents import (
    Check,
    Complaint,
    Identifier,
    StrictModel,
    Text,
    load,
    schema_text,
    unknown,
)
from evaluation.errors import FaultyDocumentError
from evaluation.yamltree import Document


class Circle(StrictModel):
    shape: Literal["circle"]
    radius: Annotated[float, Field(gt=0)]


class Square(StrictModel):
    shape: Literal["square"]
    side: float
    tilted: bool = False


class Drawing(StrictModel):
    title: Text
    shapes: Mapping[Identifier, Annotated[Circle | Square, Field(discriminator="shape")]]
    order: tuple[str, ...] = ()
    note: Text | None = None

    @field_validator("title")
    @classmethod
    def _is_not_shouted(cls, title: str) -> str:
        if title.isupper():
            message = "should not be shouted"
            raise ValueError(message)
        return title


def order_is_known(document: Document) -> Iterator[Complaint]:
    order = document.value("order")
    for index, name in enumerate(order if isinstance(order, list) else ()):
        if name not in document.mapping("shapes"):
            message = unknown("shape", name, document.mapping("shapes"))
            yield Complaint(location=("order", index), message=message)


def draw(folder: Path, text: str, check: Check | None = order_is_known) -> Drawing:
    path = folder / "drawing.yaml"
    path.write_text(text)
    return load(path, Drawing, check)


def faults(folder: Path, text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(FaultyDocumentError) as caught:
        draw(folder, text)
    return [(fault.line, fault.column, fault.message) for fault in caught.value.faults]


GOOD = """\
title: Two shapes
shapes:
  sun: {shape: circle, radius: 3}
  house: {shape: square, side: 2.5}
order: [house, sun]
"""


def test_a_good_file_becomes_a_frozen_model(tmp_path: Path) -> None:
    drawing = draw(tmp_path, GOOD)
    sun = drawing.shapes["sun"]
    assert isinstance(sun, Circle)
    assert sun.radius == 3.0
    assert drawing.order == ("house", "sun")
    with pytest.raises(ValidationError, match="frozen"):
        drawing.title = "other"  # type: ignore[misc]  # that it is refused is the test


def test_schema_faults_reading_faults_and_broken_references_come_in_one_list(tmp_path: Path) -> None:
    text = """\
titel: x
shapes:
  sun: {shape: circle, radius: "3"}
  sun: {shape: circle, radius: 3}
  moon: {shape: circel, radius: -1, colour: red}
  House: {shape: square}
order: [suns, 4, moon]
note: ""
"""
    assert faults(tmp_path, text) == [
        (1, 1, "missing key 'title'"),
        (1, 1, "unknown key 'titel'; did you mean 'title'?"),
        (3, 32, "shapes.sun.radius: should be a valid number, not '3'"),
        (4, 3, "duplicate key 'sun': it stands on line 3 already"),
        (5, 17, "shapes.moon.shape: unknown word 'circel'; did you mean 'circle'?"),
        (5, 33, "shapes.moon.radius: should be greater than 0, not -1"),
        (5, 37, "shapes.moon: unknown key 'colour'; there are: radius, shape"),
        (6, 3, "shapes.House: 'House' should match ^[a-z0-9][a-z0-9_-]*$"),
        (6, 3, "shapes.House: missing key 'side'"),
        (7, 9, "unknown shape 'suns'; did you mean 'sun'?"),
        (7, 15, "order[1]: should be text, not 4"),
        (7, 15, "unknown shape 4; there are: House, moon, sun"),
        (8, 7, "note: should not be empty"),
    ]


def test_the_message_shows_the_line_and_a_caret_below_the_fault(tmp_path: Path) -> None:
    with pytest.raises(FaultyDocumentError) as caught:
        draw(tmp_path, GOOD.replace("radius: 3", "radius: three"))
    assert str(caught.value) == (
        f"{tmp_path}/drawing.yaml: 1 fault\n"
        f"{tmp_path}/drawing.yaml:3:32: shapes.sun.radius: should be a valid number, not 'three'\n"
        "      sun: {shape: circle, radius: three}\n"
        "                                   ^"
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("title: Two shapes", "title: LOUD", (1, 8, "title: should not be shouted")),
        ("title: Two shapes", "title: '  '", (1, 8, "title: should not be empty")),
        ("title: Two shapes", "title:", (1, 1, "title: should be text, not nothing")),
        ("title: Two shapes", "title: [a]", (1, 8, "title: should be text, not a list")),
        ("order: [house, sun]", "order: {a: b}", (5, 8, "order: should be a list, not a mapping")),
        ("order: [house, sun]", "order: sun", (5, 8, "order: should be a list, not 'sun'")),
        ("{shape: circle, radius: 3}", "3", (3, 8, "shapes.sun: should be a mapping, not 3")),
        ("shape: circle, radius: 3", "radius: 3", (3, 3, "shapes.sun: missing key 'shape'")),
        (
            "side: 2.5",
            "side: 2.5, tilted: yes",
            (4, 45, "shapes.house.tilted: should be true or false, not 'yes'"),
        ),
        ("side: 2.5", "side: 1e999", (4, 32, "'1e999' should be a finite decimal number")),
    ],
)
def test_one_slip_is_one_fault_in_plain_words(
    tmp_path: Path, old: str, new: str, expected: tuple[int, int, str]
) -> None:
    assert faults(tmp_path, GOOD.replace(old, new)) == [expected]


def test_a_value_that_could_not_be_read_is_not_complained_of_twice(tmp_path: Path) -> None:
    assert [message for *_, message in faults(tmp_path, GOOD.replace("sun: {", "sun: &s {"))] == [
        "anchors (&) and aliases (*) are not used here: write the value out"
    ]


def test_an_unknown_name_far_from_all_lists_what_there_is() -> None:
    assert unknown("site", "xyz", ["b", "a"]) == "unknown site 'xyz'; there are: a, b"
    assert unknown("site", "xyz", []) == "unknown site 'xyz'; there are: none"


def test_the_schema_forbids_unknown_keys_and_carries_descriptions() -> None:
    schema = json.loads(schema_text(Drawing))
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Circle"]["required"] == ["shape", "radius"]
