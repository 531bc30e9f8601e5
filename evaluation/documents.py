"""The YAML border: a file becomes a typed, frozen model, or every fault in it is named at once.

A fault says the line and column of the key or value it means, shows that line, and suggests the word
that was probably meant. Schema faults and broken references come in one list: a reviewer mends a
file in one go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from evaluation.errors import Fault, FaultyDocumentError
from evaluation.yamltree import Document, Location, dotted, read

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


def unknown(kind: str, name: object, known: Collection[str]) -> str:
    """Say that a name is unknown, and which one was probably meant or what there is."""
    near = get_close_matches(str(name), known, n=1)
    if near:
        return f"unknown {kind} {name!r}; did you mean {near[0]!r}?"
    return f"unknown {kind} {name!r}; there are: {', '.join(sorted(known)) or 'none'}"


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
        faults.extend(_schema_faults(error, model, document))
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


def _schema_faults(error: ValidationError, model: type[StrictModel], document: Document) -> Iterator[Fault]:
    for detail in error.errors(include_url=False):
        location, fields = _locate(model, detail["loc"])
        if any(location[:end] in document.unreadable for end in range(len(location) + 1)):
            continue  # its reading fault says all there is to say
        yield _schema_fault(detail, location, fields, document)


def _schema_fault(
    detail: ErrorDetails, location: Location, fields: Collection[str], document: Document
) -> Fault:
    context: Mapping[str, Any] = detail.get("ctx", {})
    of = f"{dotted(location)}: " if location else ""
    match detail["type"]:
        case "missing":
            place = dotted(location[:-1])
            message = f"missing key {location[-1]!r}" + (f" in {place}" if place else "")
            return document.fault(location[:-1], message, at_key=True)
        case "extra_forbidden":
            return document.fault(location, unknown("key", location[-1], fields), at_key=True)
        case "union_tag_not_found":
            key = str(context["discriminator"]).strip("'")
            return document.fault(location, f"missing key {key!r} in {dotted(location)}", at_key=True)
        case "union_tag_invalid":
            location = (*location, str(context["discriminator"]).strip("'"))
            choices = _choices(str(context["expected_tags"]))
            return document.fault(location, f"{dotted(location)}: {unknown('word', context['tag'], choices)}")
        case "literal_error" | "enum":
            choices = _choices(str(context["expected"]))
            at_key = detail["loc"][-1:] == ("[key]",)
            message = f"{of}{unknown('word', detail['input'], choices)}"
            return document.fault(location, message, at_key=at_key)
        case _:
            return document.fault(location, f"{of}{_words(detail)}", at_key=detail["loc"][-1:] == ("[key]",))


def _choices(listed: str) -> list[str]:
    """Take apart pydantic's list of words: ``'linear' or 'log'``."""
    return listed.replace(" or ", ", ").replace("'", "").split(", ")


_NAMES = {"object": "a mapping", "array": "a list", "string": "text", "valid string": "text"}


def _words(detail: ErrorDetails) -> str:
    """Say a schema error in the words of YAML: text, list, mapping."""
    words = detail["msg"].removeprefix("Value error, ")
    if not words.startswith("Input should"):
        return words[:1].lower() + words[1:]
    words = words.removeprefix("Input ")
    for json_name, yaml_name in _NAMES.items():
        words = words.replace(f"a {json_name}", yaml_name).replace(f"an {json_name}", yaml_name)
    given = detail["input"]
    if isinstance(given, dict | list):
        return f"{words}, not {'a mapping' if isinstance(given, dict) else 'a list'}"
    return f"{words}, not {'nothing' if given is None else repr(given)[:60]}"


def _locate(annotation: Any, path: Location) -> tuple[Location, Collection[str]]:  # noqa: ANN401 - any type's annotation
    """Follow an error's path through the types it passes.

    Returns
    -------
    location : Location
        The path without what pydantic adds to it: the tag of a union's member, ``[key]``.
    fields : collection of str
        The keys allowed beside the last step.
    """
    annotation, origin = _bare(annotation)
    if not path or path[0] == "[key]":
        return (), ()
    step, rest = path[0], path[1:]
    if origin in {Union, UnionType}:
        for member in get_args(annotation):
            if step in _tags(member):
                return _locate(member, rest)
        inner = [member for member in get_args(annotation) if member is not type(None)]
        return _locate(inner[0], path)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        if step in fields and rest:
            location, known = _locate(fields[str(step)].annotation, rest)
            return (step, *location), known
        return (step,), tuple(fields)
    arguments = get_args(annotation)
    location, known = (
        _locate(arguments[-1] if isinstance(step, str) else arguments[0], rest) if arguments else (rest, ())
    )
    return (step, *location), known


def _bare(annotation: Any) -> tuple[Any, Any]:  # noqa: ANN401 - any type's annotation
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation, get_origin(annotation)


def _tags(member: Any) -> Collection[object]:  # noqa: ANN401 - any type's annotation
    """Return the words by which a model is chosen out of a union."""
    if not (isinstance(member, type) and issubclass(member, BaseModel)):
        return ()
    fields = (_bare(item.annotation) for item in member.model_fields.values())
    return {word for annotation, origin in fields if origin is Literal for word in get_args(annotation)}
