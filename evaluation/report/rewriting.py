"""The criteria file with places for its weights, so that a browser can write it with others.

A browser has no YAML reader, and a line that it does not understand it must not touch. So the file is cut
here into the texts between its weights; put together again unchanged they are the file, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evaluation.decide.weighttext import end_of_weights, parsed, weight_places
from evaluation.yamltree import Document

__all__ = ["Piece", "pieces", "put_together"]

Piece = str | list[str]
"""A text; or a list that begins with a use case and is a place in it.

``[use case, name, number]``
    The weight of a criterion, as it was written.
``[use case, name, number, key, between]``
    That of an objective. ``key`` is what stands before the number; where its criteria no longer have its
    proportions they are written instead of both, with ``between`` after each but the last.
``[use case, before]``
    Where a criterion that the use case does not name yet can be added, each after ``before``.
"""


def pieces(text: str, use_cases: Sequence[str]) -> list[Piece]:
    """Cut a criteria file at its weights.

    Parameters
    ----------
    text : str
        The file. It was read without faults before.
    use_cases : sequence of str
        Whose weights; their ids.
    """
    document = parsed(text)
    cut: list[Piece] = []
    done = 0
    for start, end, slot in sorted(_slots(text, document, use_cases)):
        cut += [text[done:start], slot]
        done = end
    return [piece for piece in [*cut, text[done:]] if piece]


def put_together(cut: Sequence[Piece]) -> str:
    """Give the file as it was, of its pieces."""
    return "".join(piece if isinstance(piece, str) else _as_it_was(piece) for piece in cut)


def _as_it_was(piece: Sequence[str]) -> str:
    match piece:
        case [_, _, number]:
            return number
        case [_, _, number, key, _]:
            return key + number
        case _:
            return ""


def _slots(text: str, document: Document, use_cases: Sequence[str]) -> Iterator[tuple[int, int, list[str]]]:
    groups = document.mapping("objectives")
    for use_case in use_cases:
        at, before = end_of_weights(text, document, use_case)
        for place in weight_places(text, document, use_case):
            slot = [use_case, place.name, text[place.start : place.end]]
            if place.name in groups:
                yield place.key, place.end, [*slot, text[place.key : place.start], before]
            else:
                yield place.start, place.end, slot
        yield at, at, [use_case, before]
