"""YAML text into plain values that know where they stand in their file.

The dialect is the part of YAML 1.2 that a reviewer can read in a diff without knowing YAML: mappings
with text keys, lists, text, decimal numbers, truth values. Anchors, aliases, merge keys and tags are
faults: every value stands written out, once, at one line. That also leaves no room for documents
that expand without bound.
"""

from __future__ import annotations

import re
import stat
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, StringMark, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from evaluation.errors import EvaluationError, Fault, FaultyDocumentError

__all__ = ["Document", "Json", "Location", "dotted", "line_starts", "parse", "read"]

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Location = tuple[str | int, ...]
"""Keys and list positions from the top of a document to one of its values."""

_MAX_BYTES = 1_048_576  # ten times the largest document anyone would review by hand
_MAX_DEPTH = 20
_MAX_DIGITS = 18
_MAX_EXCERPT = 300
_TAG = "tag:yaml.org,2002:"
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what YAML readers count as a line's end


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The values of one file, where each stands, and what is already known to be wrong with them.

    Parameters
    ----------
    path : str
        The file, as messages name it.
    data : dict
        The values; a value that could not be read is ``None``, and has its fault.
    keys, values : mapping of Location to (line, column)
        Where a key and its value begin, counted from 1. A value that is a block of lines is placed
        at its key, which is where a reader looks for it.
    faults : list of Fault
        Found while reading.
    unreadable : set of Location
        Values that have such a fault, so that nothing more is said about them.
    """

    path: str
    lines: tuple[str, ...]
    data: dict[str, Json] = field(default_factory=dict)
    keys: dict[Location, tuple[int, int]] = field(default_factory=dict)
    values: dict[Location, tuple[int, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    unreadable: set[Location] = field(default_factory=set)

    def mapping(self, *location: str | int) -> Mapping[str, Json]:
        """Return the mapping at a location; an empty one where there is none."""
        here = self.value(*location)
        return here if isinstance(here, dict) else {}

    def value(self, *location: str | int) -> Json:
        """Return the value at a location; ``None`` where there is none."""
        here: Json = self.data
        for step in location:
            if isinstance(here, dict) and isinstance(step, str):
                here = here.get(step)
            elif isinstance(here, list) and isinstance(step, int) and step < len(here):
                here = here[step]
            else:
                return None
        return here

    def fault(self, location: Location, message: str, *, at_key: bool = False) -> Fault:
        """Make a fault of a value, or of its key; where it is absent, of what should hold it."""
        table = self.keys if at_key else self.values
        while location not in table and location:
            location, table = location[:-1], self.keys
        return self.fault_at(*table.get(location, (1, 1)), message)

    def fault_at(self, line: int, column: int, message: str) -> Fault:
        """Make a fault of a place in the file, with that line as its excerpt."""
        line = min(line, len(self.lines))
        excerpt = self.lines[line - 1]
        return Fault(
            path=self.path,
            line=line,
            column=column,
            message=message,
            excerpt=excerpt if len(excerpt) <= _MAX_EXCERPT else "",
        )


def line_starts(text: str) -> tuple[int, ...]:
    """Return where each line of a text begins, counted in characters from 0."""
    return (0, *(found.end() for found in _LINE_BREAK.finditer(text)))


def dotted(location: Location) -> str:
    """Write a location as messages show it: ``use_cases.l1proc.knock_outs[0].when``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(steps).removeprefix(".")


def read(path: Path) -> Document:
    """Read a YAML file.

    Raises
    ------
    EvaluationError
        There is no such file, or it is no regular file, too large or not permitted.
    FaultyDocumentError
        It is not UTF-8 text, not YAML, empty, or no mapping. Lesser faults are in the document.
    """
    return parse(_read_text(path), str(path))


def parse(text: str, path: str) -> Document:
    """Read the text of a YAML file; ``path`` names it in messages.

    Raises
    ------
    FaultyDocumentError
        It is not YAML, empty, or no mapping. Lesser faults are in the document.
    """
    document = Document(path=path, lines=tuple(_LINE_BREAK.split(text)))
    node = _compose(text, document)
    if node is None:
        raise FaultyDocumentError([document.fault_at(1, 1, "the file is empty")])
    if not isinstance(node, MappingNode):
        message = f"the file should hold keys with values, not {_KINDS.get(type(node), 'a single value')}"
        raise FaultyDocumentError([document.fault_at(*_place(node.start_mark), message)])
    document.keys[()] = _place(node.start_mark)
    _Walk(document).mapping(node, (), into=document.data)
    return document


_KINDS: Mapping[type[Node], str] = {MappingNode: "a mapping", SequenceNode: "a list"}


def _read_text(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "is a directory" if stat.S_ISDIR(mode) else "is not a regular file"
            raise EvaluationError(what, where=str(path), advice="name a YAML file")
        with path.open("rb") as stream:
            raw = stream.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path itself
        reason = (error.strerror or "cannot be read") if isinstance(error, OSError) else "is no file name"
        raise EvaluationError(
            reason, where=str(path), advice="check the path, and that you may read it"
        ) from error
    if len(raw) > _MAX_BYTES:
        what = f"is larger than {_MAX_BYTES} bytes"
        raise EvaluationError(what, where=str(path), advice="a document meant for people is far smaller")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", errors="replace")
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8 text: save the file as UTF-8"
        raise FaultyDocumentError([_fault_after(before, path, message)]) from error


def _fault_after(before: str, path: Path, message: str) -> Fault:
    lines = _LINE_BREAK.split(before)
    return Fault(path=str(path), line=len(lines), column=len(lines[-1]) + 1, message=message)


def _compose(text: str, document: Document) -> Node | None:
    """Parse into nodes, which carry their places; nothing is constructed from them here."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)  # every anchor is a fault below
            node = _nodes(text)
    except ReaderError as error:
        message = f"character U+{error.character:04X} is not allowed in YAML"
        before = text[: error.position]
        raise FaultyDocumentError([_fault_after(before, Path(document.path), message)]) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        place = _place(mark) if mark is not None else (1, 1)
        raise FaultyDocumentError([document.fault_at(*place, f"not YAML: {said}")]) from error
    except RecursionError as error:
        raise FaultyDocumentError([document.fault_at(1, 1, "nested too deeply to be read")]) from error
    except (YAMLError, ValueError, OverflowError) as error:  # e.g. an escape beyond Unicode's last character
        raise FaultyDocumentError([document.fault_at(1, 1, f"not YAML: {error}")]) from error
    return node


@lru_cache(maxsize=64)
def _nodes(text: str) -> Node | None:
    """Compose once what one command reads several times; nobody changes nodes."""
    node: Node | None = YAML(typ="safe", pure=True).compose(text)
    return node


def _place(mark: StringMark) -> tuple[int, int]:
    return mark.line + 1, mark.column + 1


class _UnreadableError(Exception):
    """A value that this dialect does not have."""


def _number(text: str) -> int:
    if not re.fullmatch(r"[-+]?(0|[1-9][0-9]*)", text) or len(text) > _MAX_DIGITS:
        message = f"{text[:40]!r} should be a plain decimal number"
        raise _UnreadableError(message)
    return int(text)


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("inf")
    if value in {float("inf"), float("-inf")} or value != value:  # noqa: PLR0124 - not a number differs from itself
        message = f"{text[:40]!r} should be a finite decimal number"
        raise _UnreadableError(message)
    return value


def _text(text: str) -> str:
    if re.search("[\ud800-\udfff]", text):
        message = "text with half of a surrogate pair: write the character itself"
        raise _UnreadableError(message)
    return text


_READERS: Mapping[str, Callable[[str], Json]] = {
    "str": _text,
    "timestamp": _text,  # a date is text here: what a person wrote, not what a time zone makes of it
    "int": _number,
    "float": _fraction,
    "bool": lambda text: text.lower() == "true",
    "null": lambda _: None,
}


class _Walk:
    """One pass over the nodes of a document, filling in its values, places and faults."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def complain(self, node: Node, location: Location, message: str) -> None:
        self.document.faults.append(self.document.fault_at(*_place(node.start_mark), message))
        self.document.unreadable.add(location)

    def value(self, node: Node, location: Location) -> Json:
        if node.anchor is not None:
            self.complain(
                node, location, "anchors (&) and aliases (*) are not used here: write the value out"
            )
            return None
        if len(location) > _MAX_DEPTH:
            self.complain(node, location, f"nested more than {_MAX_DEPTH} levels deep")
            return None
        if isinstance(node, ScalarNode):
            return self.scalar(node, location)
        if isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
            return self.sequence(node, location)
        if isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
            return self.mapping(node, location, into={})
        self.complain(node, location, f"tags are not used here: remove {str(node.tag)!r}")
        return None

    def scalar(self, node: ScalarNode, location: Location) -> Json:
        tag = str(node.tag).removeprefix(_TAG)
        if tag not in _READERS:
            self.complain(node, location, f"tags and merge keys are not used here: remove {tag!r}")
            return None
        try:
            return _READERS[tag](str(node.value))
        except _UnreadableError as error:
            self.complain(node, location, str(error))
            return None

    def sequence(self, node: SequenceNode, location: Location) -> list[Json]:
        values: list[Json] = []
        for index, item in enumerate(node.value):
            here = (*location, index)
            self.document.keys[here] = self.document.values[here] = _place(item.start_mark)
            values.append(self.value(item, here))
        return values

    def mapping(self, node: MappingNode, location: Location, *, into: dict[str, Json]) -> dict[str, Json]:
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode) or key_node.tag not in {f"{_TAG}str", f"{_TAG}timestamp"}:
                written = key_node.value if isinstance(key_node, ScalarNode) else "a list or mapping"
                self.complain(key_node, (*location, str(written)), f"a key should be text, not {written!r}")
                continue
            key = str(self.scalar(key_node, location))
            here = (*location, key)
            if key in into:
                message = f"duplicate key {key!r}: it stands on line {self.document.keys[here][0]} already"
                self.document.faults.append(self.document.fault_at(*_place(key_node.start_mark), message))
                continue
            self.document.keys[here] = _place(key_node.start_mark)
            in_block = isinstance(value_node, MappingNode | SequenceNode) and not value_node.flow_style
            absent = value_node.start_mark.index == value_node.end_mark.index  # ``key:`` and nothing after
            placed_by = key_node if in_block or absent else value_node
            self.document.values[here] = _place(placed_by.start_mark)
            into[key] = self.value(value_node, here)
        return into
