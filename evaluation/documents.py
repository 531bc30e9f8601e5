"""The YAML border: a file becomes a typed, frozen model, or every fault in it is named at once.

A fault says the line and column of the key or value it means, shows that line, and suggests the word
that was probably meant. Schema faults and broken references come in one list: a reviewer mends a
file in one go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from evaluation.errors import FaultyDocumentError
from evaluation.schemafaults import schema_faults, unknown
from evaluation.yamltree import Document, Location, read

__all__ = ["Check", "Complaint", "Identifier", "StrictModel", "Text", "load", "schema_text", "unknown"]


class StrictModel(BaseModel):
    """No unknown key, no conversion between types, no infinity, no change afterwards."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def _not_blank(text: str) -> str:
    if not text.strip():
        message = "should not be empty"
        raise ValueError(message)
    return text


Text = Annotated[str, Field(min_length=1), AfterValidator(_not_blank)]
"""Words for a person; never empty."""

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
"""A name that other rows refer to."""

Model = TypeVar("Model", bound=StrictModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What a check finds wrong at a location, in words; ``at_key`` means the key, not the value."""

    location: Location
    message: str
    at_key: bool = False


Check = Callable[[Document], Iterable[Complaint]]
"""Looks at a document's references; it sees raw values, because it runs on faulty documents too."""


def load(path: Path, model: type[Model], check: Check | None = None) -> Model:
    """Read a YAML file into a model.

    Parameters
    ----------
    path : Path
        The file.
    model : type of StrictModel
        What it should hold.
    check : callable, optional
        Further complaints, usually about references between its parts.

    Raises
    ------
    EvaluationError
        The file cannot be read.
    FaultyDocumentError
        It can, and is faulty: with every fault in it.
    """
    document = read(path)
    faults = list(document.faults)
    loaded: Model | None = None
    try:
        # As JSON, because strictness then means the same as in the published JSON Schema.
        loaded = model.model_validate_json(json.dumps(document.data))
    except ValidationError as error:
        faults.extend(schema_faults(error, model, document))
    if check is not None:
        faults.extend(
            document.fault(complaint.location, complaint.message, at_key=complaint.at_key)
            for complaint in check(document)
        )
    if faults or loaded is None:
        raise FaultyDocumentError(faults)
    return loaded


def schema_text(model: type[StrictModel]) -> str:
    """Return the model's JSON Schema as the text of the published file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
