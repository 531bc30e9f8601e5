"""The criteria file with places for its weights, so that a browser can write it with others.

A browser has no YAML reader, and a line that it does not understand it must not touch. So the file is cut
here into the texts between its weights; put together again unchanged they are the file, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from evaluation.yamltree import Document, line_starts, parse

__all__ = ["Piece", "pieces"]

Piece = str | list[str]
"""A text; or ``[use case, criterion, number]`` for a weight as it was written; or ``[use case, before]`` for
the place where a criterion that the use case does not name yet can be added, each after ``before``."""

_SCALAR = re.compile(r"[^\s,}#]+")
_BOM = "\ufeff"


def pieces(text: str, use_cases: Sequence[str]) -> list[Piece]:
    """Cut a criteria file at its weights.

    Parameters
    ----------
    text : str
        The file. It was read without faults before.
    use_cases : sequence of str
        Whose weights; their ids.
    """
    document = parse(text.removeprefix(_BOM), "criteria.yaml")
    shift = len(text) - len(text.removeprefix(_BOM))
    cut: list[Piece] = []
    done = 0
    for start, end, slot in sorted(_slots(text.removeprefix(_BOM), document, use_cases)):
        cut += [text[done : start + shift], slot]
        done = end + shift
    return [piece for piece in [*cut, text[done:]] if piece]


def _slots(text: str, document: Document, use_cases: Sequence[str]) -> Iterator[tuple[int, int, list[str]]]:
    starts = line_starts(text)
    for use_case in use_cases:
        here = ("use_cases", use_case, "weights")
        last = 0
        for name in document.mapping(*here):
            line, column = document.values[*here, name]
            start = starts[line - 1] + column - 1
            found = _SCALAR.match(text, start)
            last = start if found is None else found.end()
            yield start, last, [use_case, name, text[start:last]]
        yield _place_to_add(text, document, use_case, last)


def _place_to_add(text: str, document: Document, use_case: str, last: int) -> tuple[int, int, list[str]]:
    """Find where a weight can be added after the last one: on a line of its own, or within the braces."""
    here = ("use_cases", use_case, "weights")
    in_block = document.values[here] == document.keys[here]
    if not in_block:
        return last, last, [use_case, ", "]
    first = next(iter(document.mapping(*here)))
    indent = " " * (document.keys[*here, first][1] - 1)
    end = re.compile(r"[^\n\r]*").match(text, last)
    at = last if end is None else end.end()
    line_break = "\r\n" if "\r\n" in text else "\n"
    return at, at, [use_case, line_break + indent]
