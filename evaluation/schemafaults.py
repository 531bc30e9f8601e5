"""Pydantic's errors, in the words of the file they are about, at the place they are about."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from evaluation.errors import Fault
from evaluation.yamltree import Document, Location, dotted

__all__ = ["schema_faults", "unknown"]


def unknown(kind: str, name: object, known: Collection[str]) -> str:
    """Say that a name is unknown, and which one was probably meant or what there is."""
    near = get_close_matches(str(name), known, n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(known)) or 'none'}"
    return f"unknown {kind} {name!r}; {meant}"


def schema_faults(error: ValidationError, model: type[BaseModel], document: Document) -> Iterator[Fault]:
    """Say every schema error as a fault of the document.

    A misspelt word that chooses a union's member hides what else is wrong beside it, so the document
    is looked at again with the word that was probably meant.
    """
    seen = set()
    corrected = deepcopy(document.data)
    tags_corrected = False
    for detail in error.errors(include_url=False):
        seen.add(detail["loc"])
        yield from _fault(detail, model, document)
        if detail["type"] == "union_tag_invalid":
            tags_corrected |= _correct_tag(corrected, _locate(model, detail["loc"])[0], detail)
    if tags_corrected:
        try:
            model.model_validate_json(json.dumps(corrected))
        except ValidationError as second:
            for detail in second.errors(include_url=False):
                if detail["loc"] not in seen:
                    yield from _fault(detail, model, document)


def _correct_tag(data: Any, location: Location, detail: ErrorDetails) -> bool:  # noqa: ANN401 - any document
    """Put the word that was probably meant into the data; say whether there is one."""
    context = detail.get("ctx", {})
    near = get_close_matches(str(context["tag"]), _words_in(context["expected_tags"]), n=1)
    for step in location:
        data = data[step]
    if near:
        data[_words_in(context["discriminator"])[0]] = near[0]
    return bool(near)


def _fault(detail: ErrorDetails, model: type[BaseModel], document: Document) -> Iterator[Fault]:
    location, fields = _locate(model, detail["loc"])
    if any(location[:end] in document.unreadable for end in range(len(location) + 1)):
        return  # the fault found in reading says all there is to say
    context: Mapping[str, Any] = detail.get("ctx", {})
    given = detail["input"]
    at_key = detail["loc"][-1:] == ("[key]",)
    match detail["type"]:
        case "missing":
            message = f"missing key {location[-1]!r}"
            location, at_key = location[:-1], True
        case "union_tag_not_found":
            at_key = True
            message = f"missing key {_words_in(context['discriminator'])[0]!r}"
        case "extra_forbidden":
            at_key = True
            message = unknown("key", location[-1], fields)
        case "union_tag_invalid":
            location = (*location, _words_in(context["discriminator"])[0])
            message = unknown("word", context["tag"], _words_in(context["expected_tags"]))
        case "literal_error" | "enum":
            message = unknown("word", given, _words_in(context["expected"]))
        case "too_short" if context["min_length"] > 1:
            message = f"should name at least {context['min_length']}, not {context['actual_length']}"
        case "string_too_short" | "too_short":
            message = "should not be empty"
        case "string_pattern_mismatch":
            message = f"{given!r} should match {context['pattern']}"
        case _:
            message = _in_yaml_words(detail["msg"], given)
    # A key that is missing or unknown is named by the message, and by the mapping it is in.
    inside = location[:-1] if detail["type"] == "extra_forbidden" else location
    where = f"{dotted(inside)}: " if inside else ""
    yield document.fault(location, f"{where}{message}", at_key=at_key)


def _words_in(listed: str) -> list[str]:
    """Take the words out of pydantic's list of them: ``'linear' or 'log'``."""
    return re.findall(r"'([^']*)'", listed)


_YAML_WORDS = (
    ("a valid string", "text"),
    ("a valid boolean", "true or false"),
    ("an object", "a mapping"),
    ("a valid array", "a list"),
)


def _in_yaml_words(message: str, given: object) -> str:
    message = message.removeprefix("Value error, ")
    if not message.startswith("Input should"):
        return message[:1].lower() + message[1:]
    message = message.removeprefix("Input ")
    for json_word, yaml_word in _YAML_WORDS:
        message = message.replace(json_word, yaml_word)
    if isinstance(given, dict | list):
        return f"{message}, not {'a mapping' if isinstance(given, dict) else 'a list'}"
    return f"{message}, not {'nothing' if given is None else repr(given)[:60]}"


def _locate(annotation: Any, path: Location) -> tuple[Location, Collection[str]]:  # noqa: ANN401 - any annotation
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
    arguments = get_args(annotation)
    if origin in {Union, UnionType}:
        members = [member for member in arguments if member is not type(None)]
        tagged = [member for member in members if step in _tags(member)]
        return _locate(tagged[0], rest) if tagged else _locate(members[0], path)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        if step not in fields or not rest:
            return (step,), tuple(fields)
        inner: Any = fields[str(step)].annotation
    else:  # a list's items, a mapping's values
        inner = arguments[0 if isinstance(step, int) else -1] if arguments else None
    location, known = _locate(inner, rest)
    return (step, *location), known


def _bare(annotation: Any) -> tuple[Any, Any]:  # noqa: ANN401 - any annotation
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation, get_origin(annotation)


def _tags(member: Any) -> Collection[object]:  # noqa: ANN401 - any annotation
    """Return the words by which a model is chosen out of a union."""
    if not (isinstance(member, type) and issubclass(member, BaseModel)):
        return ()
    fields = (_bare(item.annotation) for item in member.model_fields.values())
    return {word for annotation, origin in fields if origin is Literal for word in get_args(annotation)}
