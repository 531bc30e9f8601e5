"""Objectives: the few things that a committee weighs against each other. Their points unfold into criteria.

An objective is declared once, with the fixed shares by which it unfolds, and a use case gives it one number.
Where a use case needs other proportions it says so, with the reason. Everything that decides sees single
criteria only: `unfolded` is where an objective ends. What cannot be had at a site does not apply there, for
every runtime alike (law 2).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from evaluation.batch import Engine
from evaluation.documents import Complaint, Identifier, StrictModel, Text, unknown
from evaluation.yamltree import Document

__all__ = [
    "NotApplicable",
    "Objective",
    "OwnShares",
    "Section",
    "objective_complaints",
    "sections",
    "unfold",
    "unfolded",
]

Share = Annotated[float, Field(ge=0.001, le=1000)]
"""What matters is its proportion to the others; so bounded that no criterion's points drown in rounding."""
Shares = Annotated[Mapping[Identifier, Share], Field(min_length=1)]


class Objective(StrictModel):
    """Criteria under one weight, and how it unfolds into them."""

    title: Text
    reason: Text
    """Why these are one thing to weigh."""
    shares: Shares
    """The criteria, each with its share; only their proportions count."""


class OwnShares(StrictModel):
    """Other proportions of an objective in one use case; a criterion that is not named has no part there."""

    reason: Text
    shares: Shares


class NotApplicable(StrictModel):
    """Where an objective cannot be had: its weight then leaves, for every runtime alike."""

    engines: Annotated[tuple[Engine, ...], Field(min_length=1)]
    """By the site's batch engine."""
    reason: Text


def unfold(points: float, shares: Mapping[str, float]) -> dict[str, float]:
    """Share points out to criteria; together they have exactly these points.

    The criterion with the smallest share takes what rounding leaves over: so the sum of all, rounded once
    (`math.fsum`), is the very number that was given.
    """
    together = math.fsum(shares.values())
    parts = {name: points * (share / together) for name, share in shares.items()}
    least = min(parts, key=lambda name: (parts[name], name))
    parts[least] = math.fsum((points, *(-part for name, part in parts.items() if name != least)))
    return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Criteria that stand together where weights are shown: an objective, or what else an area has."""

    name: str
    title: str
    criteria: tuple[str, ...]
    objective: Objective | None = None


def sections(areas: Mapping[str, str], objectives: Mapping[str, Objective]) -> tuple[Section, ...]:
    """Put every criterion into the section where it is shown.

    Parameters
    ----------
    areas : mapping of str to str
        By criterion id, in the order of the file: performance, operations, security, batch.
    objectives : mapping of str to Objective
        As declared; they come first.
    """
    inside = {name for objective in objectives.values() for name in objective.shares}
    found = [
        Section(name=name, title=objective.title, criteria=tuple(objective.shares), objective=objective)
        for name, objective in objectives.items()
    ]
    for area in dict.fromkeys(areas.values()):
        within = [name for name in areas if areas[name] == area]
        rest = tuple(name for name in within if name not in inside)
        title = f"Other {area}" if len(rest) < len(within) else area.capitalize()
        found.append(Section(name=area, title=title, criteria=rest))
    return tuple(section for section in found if section.criteria)


def unfolded(
    weights: Mapping[str, float], objectives: Mapping[str, Objective], own: Mapping[str, OwnShares]
) -> dict[str, float]:
    """Give the points of single criteria, in the order in which they were written.

    ``own`` are the use case's other proportions, by objective.
    """
    points: dict[str, float] = {}
    for name, given in weights.items():
        if name in objectives:
            points |= unfold(given, (own[name] if name in own else objectives[name]).shares)
        else:
            points[name] = given
    return points


def objective_complaints(document: Document, areas: Iterable[str]) -> Iterator[Complaint]:
    """Check that objectives have criteria, each in one; that nothing is weighed twice, or beside them all.

    Parameters
    ----------
    document : Document
        The criteria file.
    areas : iterable of str
        Names that stand for criteria already, and so are no names for an objective.
    """
    criteria = document.mapping("criteria")
    declared = document.mapping("objectives")
    owner: dict[str, str] = {}
    for objective in declared:
        here = ("objectives", objective)
        if objective in criteria or objective in areas:
            what = "a criterion" if objective in criteria else "the name of an area"
            message = f"{objective!r} is {what} already: give the objective another name"
            yield Complaint(location=here, message=message, at_key=True)
        for name in document.mapping(*here, "shares"):
            location = (*here, "shares", name)
            if name not in criteria:
                yield Complaint(location=location, message=unknown("criterion", name, criteria), at_key=True)
            elif owner.setdefault(name, objective) != objective:
                message = f"{name!r} belongs to {owner[name]!r} already: a criterion is in one objective"
                yield Complaint(location=location, message=message, at_key=True)
    for objective in document.mapping("not_applicable"):
        if objective not in declared:
            message = unknown("objective", objective, declared)
            yield Complaint(location=("not_applicable", objective), message=message, at_key=True)
    for use_case in document.mapping("use_cases"):
        yield from _weighed_twice(document, use_case, owner)
        yield from _own_shares(document, use_case)


def _weighed_twice(document: Document, use_case: str, owner: Mapping[str, str]) -> Iterator[Complaint]:
    here = ("use_cases", use_case, "weights")
    weights = document.mapping(*here)
    for name in weights:
        if name not in document.mapping("criteria"):
            continue
        if owner.get(name) in weights:
            line = document.keys[*here, owner[name]][0]
            message = (
                f"{name!r} has its weight from the objective {owner[name]!r} on line {line} already: "
                "weigh the objective, or its criteria, and not both"
            )
            yield Complaint(location=(*here, name), message=message, at_key=True)
        elif owner and name not in owner:
            message = f"{name!r} belongs to no objective: put it into one, by 'shares' of 'objectives'"
            yield Complaint(location=(*here, name), message=message, at_key=True)


def _own_shares(document: Document, use_case: str) -> Iterator[Complaint]:
    here = ("use_cases", use_case, "shares")
    declared = document.mapping("objectives")
    for objective in document.mapping(*here):
        if objective not in declared:
            message = unknown("objective", objective, declared)
            yield Complaint(location=(*here, objective), message=message, at_key=True)
            continue
        known = document.mapping("objectives", objective, "shares")
        for name in document.mapping(*here, objective, "shares"):
            if name not in known:
                message = f"{unknown('criterion', name, known)} It is not in the objective {objective!r}."
                location = (*here, objective, "shares", name)
                yield Complaint(location=location, message=message, at_key=True)
