"""The YAML border: a file becomes a typed, frozen model, or every fault in it is named at once.

A fault says the line and column of the key or value it means, shows that line, and suggests the word
that was probably meant. Schema faults and broken references come in one list: a reviewer mends a
file in one go.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema

from evaluation.errors import FaultyDocumentError
from evaluation.schemafaults import schema_faults, unknown
from evaluation.yamltree import Document, Location, read

__all__ = ["Check", "Complaint", "Identifier", "StrictModel", "Text", "load", "schema_text", "unknown"]


class StrictModel(BaseModel):
    """No unknown key, no conversion between types, no infinity, no change afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe every field by the text below it.

        pydantic can do so too (``use_attribute_docstrings``), at a quarter of a second for every command.
        """
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, words in _texts_below(cls):
            key = cls.model_fields[name].alias or name if name in cls.model_fields else ""
            if key in properties:
                properties[key] = {"description": words, **properties[key]}
        return schema


def _texts_below(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Give the names of a model, its bases' among them, that have a text below them, each with it."""
    for each in reversed(model.__mro__):
        if not issubclass(each, StrictModel):
            continue
        with suppress(OSError):  # a generic's special case has no source of its own, but its base has
            (source,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
            assert isinstance(source, ast.ClassDef)  # noqa: S101 - for the type checker
            for field, below in pairwise(source.body):
                match field, below:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(ast.Constant(str(text))):
                        yield name, inspect.cleandoc(text)


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
