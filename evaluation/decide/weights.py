"""Changing a weight in ``criteria.yaml`` as a reviewer would by hand: one number, every comment kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.documents import unknown
from evaluation.errors import EvaluationError, FaultyDocumentError
from evaluation.files import write_atomically
from evaluation.scratch import scratch_directory
from evaluation.yamltree import Document, read

__all__ = ["Change", "changes", "set_weights"]

_NUMBER = re.compile(r"[-+.\w]+")
_COMMENT = re.compile(r"(\s+)#")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One weight that differs; a criterion that a use case does not name weighs 0 there."""

    use_case: str
    criterion: str
    before: float
    after: float


def changes(before: Criteria, after: Criteria) -> tuple[Change, ...]:
    """List the weights that differ between two criteria, in the order of the second."""
    found = []
    for name in dict.fromkeys((*after.use_cases, *before.use_cases)):
        old = before.use_cases[name].weights if name in before.use_cases else {}
        new = after.use_cases[name].weights if name in after.use_cases else {}
        found += [
            Change(use_case=name, criterion=criterion, before=old.get(criterion, 0.0), after=weight)
            for criterion, weight in {**new, **dict.fromkeys(set(old) - set(new), 0.0)}.items()
            if old.get(criterion, 0.0) != weight
        ]
    return tuple(found)


def set_weights(path: Path, use_case: str, points: Mapping[str, float]) -> tuple[Change, ...]:
    """Write weights into a criteria file; nothing is written unless the result is valid.

    Parameters
    ----------
    path : Path
        The file.
    use_case : str
        Whose weights.
    points : mapping of str to float
        By criterion; one that the use case does not name yet gets a line of its own.

    Returns
    -------
    tuple of Change
        What is different now.

    Raises
    ------
    EvaluationError
        There is no such use case or criterion.
    FaultyDocumentError
        The file is faulty, or would be with these weights.
    """
    before, document = load_criteria(path), read(path)
    if use_case not in before.use_cases:
        raise EvaluationError(unknown("use case", use_case, before.use_cases), where=str(path))
    for name in points:
        if name not in before.criteria:
            raise EvaluationError(unknown("criterion", name, before.criteria), where=str(path))
    text = _changed(path.read_bytes().decode("utf-8"), document, use_case, points)
    with scratch_directory() as folder:
        trial = folder / path.name
        trial.write_bytes(text.encode())
        try:
            after = load_criteria(trial)
        except FaultyDocumentError as error:
            faults = [replace(fault, path=str(path)) for fault in error.faults]
            raise FaultyDocumentError(faults) from None
    write_atomically(path, text)
    return changes(before, after)


def _changed(text: str, document: Document, use_case: str, points: Mapping[str, float]) -> str:
    lines = re.split("(?<=\n)", text)
    here = ("use_cases", use_case, "weights")
    added = []
    for name, weight in points.items():
        written = f"{weight:.12g}"
        if (*here, name) not in document.values:
            added.append((name, written))
            continue
        line, column = document.values[*here, name]
        lines[line - 1] = _with_number(lines[line - 1], column - 1, written)
    last = max(document.keys[*here, name] for name in document.mapping(*here))
    indent = " " * (last[1] - 1)
    lines[last[0] : last[0]] = [f"{indent}{name}: {written}\n" for name, written in added]
    return "".join(lines)


def _with_number(line: str, column: int, number: str) -> str:
    """Put a number in place of the one at a column; a comment behind it keeps its column where it can."""
    old = _NUMBER.match(line, column)
    end = old.end() if old else column
    rest = line[end:]
    longer = len(number) - (end - column)
    if (gap := _COMMENT.match(rest)) and longer:
        rest = " " * max(1, len(gap[1]) - longer) + rest[len(gap[1]) :]
    return line[:column] + number + rest
