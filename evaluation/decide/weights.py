"""Changing a weight in ``criteria.yaml`` as a reviewer would by hand: one number, every comment kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.decide.weighttext import WeightPlace, end_of_weights, parsed, weight_places
from evaluation.documents import unknown
from evaluation.errors import EvaluationError, FaultyDocumentError
from evaluation.files import write_atomically
from evaluation.scratch import scratch_directory

__all__ = ["Change", "changes", "set_weights", "with_weights"]

_COMMENT = re.compile(r"([ \t]+)#")
_TO_THE_END = re.compile(r"\A[^\r\n]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One weight that differs; a criterion that a use case does not name weighs 0 there.

    ``group`` is the objective from which it has its points after the change; empty if it has its own.
    """

    use_case: str
    criterion: str
    before: float
    after: float
    group: str = ""


def changes(before: Criteria, after: Criteria) -> tuple[Change, ...]:
    """List the weights that differ between two criteria, in the order of the second; groups are unfolded."""
    found = []
    for name in dict.fromkeys((*after.use_cases, *before.use_cases)):
        old = before.weights(name) if name in before.use_cases else {}
        new = after.weights(name) if name in after.use_cases else {}
        group = _groups(after, name)
        found += [
            Change(
                use_case=name,
                criterion=criterion,
                before=old.get(criterion, 0.0),
                after=weight,
                group=group.get(criterion, ""),
            )
            for criterion, weight in {**new, **dict.fromkeys(set(old) - set(new), 0.0)}.items()
            if old.get(criterion, 0.0) != weight
        ]
    return tuple(found)


def _groups(criteria: Criteria, use_case: str) -> dict[str, str]:
    """Name the group of every criterion that a use case weighs by one."""
    written = criteria.use_cases[use_case].weights if use_case in criteria.use_cases else {}
    return {
        member: name
        for name in written
        if name in criteria.objectives
        for member in criteria.objectives[name].shares
    }


def set_weights(
    path: Path, use_case: str, points: Mapping[str, float], reason: str = ""
) -> tuple[Change, ...]:
    """Write weights into a criteria file, as `with_weights` gives it; say what is different now."""
    before = load_criteria(path)
    write_atomically(path, with_weights(path, use_case, points, reason))
    return changes(before, load_criteria(path))


def with_weights(path: Path, use_case: str, points: Mapping[str, float], reason: str = "") -> str:
    """Give a criteria file with other weights; it is valid.

    Parameters
    ----------
    path : Path
        The file, which is not written.
    use_case : str
        Whose weights.
    points : mapping of str to float
        By objective or criterion; one that the use case does not name yet gets a line of its own.
    reason : str, optional
        Why they weigh so much: it takes the place of the comment beside each. One that the use case does not
        name yet needs it, for a weight without a reason is no valid one.

    Raises
    ------
    EvaluationError
        There is no such use case or criterion, a new weight has no reason, or one cannot stand beside it.
    FaultyDocumentError
        The file is faulty, or would be with these weights.
    """
    before = load_criteria(path)
    if use_case not in before.use_cases:
        raise EvaluationError(unknown("use case", use_case, before.use_cases), where=str(path))
    for name in points:
        if name not in (known := (*before.criteria, *before.objectives)):
            raise EvaluationError(unknown("criterion", name, known), where=str(path))
    written = {*before.use_cases[use_case].weights, *before.weights(use_case)}
    if not reason and (new := [name for name in points if name not in written]):
        raise EvaluationError(
            f"{use_case} does not weigh {', '.join(new)} yet, and a weight has its reason beside it",
            where=str(path),
            advice="Say why: --reason TEXT.",
        )
    text = _changed(path, use_case, points, " ".join(reason.split()))
    with scratch_directory() as folder:
        trial = folder / path.name
        trial.write_bytes(text.encode())
        try:
            load_criteria(trial)
        except FaultyDocumentError as error:
            faults = [replace(fault, path=str(path)) for fault in error.faults]
            raise FaultyDocumentError(faults) from None
    return text


def _changed(path: Path, use_case: str, points: Mapping[str, float], reason: str) -> str:
    text = path.read_bytes().decode("utf-8")
    document = parsed(text)
    places = {place.name: place for place in weight_places(text, document, use_case)}
    at, before = end_of_weights(text, document, use_case)
    if reason and "," in before:  # a comment would hide what stands behind it
        raise EvaluationError(
            f"{use_case} has its weights within braces, where no reason can stand",
            where=str(path),
            advice="Give them a line each, or set the weight without a reason.",
        )
    beside = f"  # {reason}" if reason else ""
    added = "".join(f"{before}{name}: {w:.12g}{beside}" for name, w in points.items() if name not in places)
    text = text[:at] + added + text[at:]
    for name in sorted(points.keys() & places.keys(), key=lambda name: -places[name].start):
        text = _with_number(text, places[name], f"{points[name]:.12g}", beside)
    return text


def _with_number(text: str, place: WeightPlace, number: str, beside: str) -> str:
    """Put a number in place of another, and a comment in place of what follows on its line.

    Without a new one, the comment behind it keeps its column where it can.
    """
    rest = text[place.end :]
    if beside:
        return text[: place.start] + number + beside + _TO_THE_END.sub("", rest, count=1)
    longer = len(number) - (place.end - place.start)
    if (gap := _COMMENT.match(rest)) and longer:
        rest = " " * max(1, len(gap[1]) - longer) + rest[len(gap[1]) :]
    return text[: place.start] + number + rest
