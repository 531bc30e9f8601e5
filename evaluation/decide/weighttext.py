"""Where the weights stand in the text of a criteria file: the one place that looks for them.

A reviewer's comments, spacing and order are part of the file. So whoever writes a weight puts a number in
place of a number, here found, and never writes the file anew from what was read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from evaluation.yamltree import Document, line_starts, parse

__all__ = ["WeightPlace", "end_of_weights", "parsed", "weight_places"]

_SCALAR = re.compile(r"[^\s,}#]+")
_REST_OF_LINE = re.compile(r"[^\n\r]*")
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightPlace:
    """One weight of a use case: its name begins at ``key``, its number goes from ``start`` to ``end``.

    Counted in characters from the beginning of the text.
    """

    name: str
    key: int
    start: int
    end: int


def parsed(text: str) -> Document:
    """Read a criteria file's text, of which it is known that it has no faults; a byte-order mark counts."""
    return parse(text.removeprefix(_BOM), "criteria.yaml")


def weight_places(text: str, document: Document, use_case: str) -> tuple[WeightPlace, ...]:
    """Find every weight that a use case names, in the order in which they stand.

    Parameters
    ----------
    text : str
        The file, with a byte-order mark if it has one.
    document : Document
        As `parsed` from it.
    use_case : str
        Its id.
    """
    return tuple(sorted(_places(text, document, use_case), key=lambda place: place.key))


def _places(text: str, document: Document, use_case: str) -> Iterator[WeightPlace]:
    mark = len(text) - len(text.removeprefix(_BOM))
    starts = line_starts(text.removeprefix(_BOM))
    here = ("use_cases", use_case, "weights")

    def place(line: int, column: int) -> int:
        return mark + starts[line - 1] + column - 1

    for name in document.mapping(*here):
        start = place(*document.values[*here, name])
        found = _SCALAR.match(text, start)
        end = start if found is None else found.end()
        yield WeightPlace(name=name, key=place(*document.keys[*here, name]), start=start, end=end)


def end_of_weights(text: str, document: Document, use_case: str) -> tuple[int, str]:
    """Find where a weight can be added after the last one, and what comes before its name.

    Returns
    -------
    int
        Behind the last weight's line, with its comment; within braces behind its number.
    str
        A line break with the indent of the others; within braces a comma.
    """
    here = ("use_cases", use_case, "weights")
    last = weight_places(text, document, use_case)[-1]
    if document.values[here] != document.keys[here]:  # in braces
        return last.end, ", "
    indent = " " * (document.keys[*here, last.name][1] - 1)
    rest = _REST_OF_LINE.match(text, last.end)
    line_break = "\r\n" if "\r\n" in text else "\n"
    return (last.end if rest is None else rest.end()), line_break + indent
