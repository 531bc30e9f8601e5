"""Criteria that a use case weighs together: the points of a group unfold into its members.

A group is declared once, with how it unfolds, and a use case gives it one number beside those of single
criteria. Everything that decides sees single criteria only: `unfolded` is where a group ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from evaluation.documents import Complaint, Identifier, StrictModel, Text, unknown
from evaluation.yamltree import Document

__all__ = ["Section", "WeightGroup", "group_complaints", "sections", "unfolded"]

Share = Annotated[float, Field(ge=0.001, le=1000)]
"""What matters is its proportion to the others; so bounded that no member's points drown in rounding."""


class WeightGroup(StrictModel):
    """Criteria under one weight, and how it unfolds into them."""

    title: Text
    reason: Text
    """Why these belong together, and why in these proportions."""
    equal_parts: Annotated[tuple[Identifier, ...], Field(min_length=2)] | None = None
    """The members, each with the same points."""
    shares: Annotated[Mapping[Identifier, Share], Field(min_length=2)] | None = Field(
        default=None, validate_default=True
    )
    """The members, each with its share; only their proportions count. Instead of ``equal_parts``."""

    @field_validator("equal_parts")
    @classmethod
    def _names_each_once(cls, members: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if members is not None and (twice := sorted({name for name in members if members.count(name) > 1})):
            message = f"should name each criterion once, and has twice: {', '.join(twice)}"
            raise ValueError(message)
        return members

    @field_validator("shares")
    @classmethod
    def _unfolds_one_way(
        cls, shares: Mapping[str, float] | None, info: ValidationInfo
    ) -> Mapping[str, float] | None:
        if "equal_parts" in info.data and (shares is None) == (info.data["equal_parts"] is None):
            message = "should say how the group unfolds: either 'shares' or 'equal_parts', and not both"
            raise ValueError(message)
        return shares

    @property
    def members(self) -> Mapping[str, float]:
        """The share of each member."""
        return self.shares or dict.fromkeys(self.equal_parts or (), 1.0)

    def unfold(self, points: float) -> dict[str, float]:
        """Share points out to the members; together they have exactly these points.

        The member with the smallest share takes what rounding leaves over: so the sum of all, rounded
        once (`math.fsum`), is the very number that was given.
        """
        together = math.fsum(self.members.values())
        parts = {name: points * (share / together) for name, share in self.members.items()}
        least = min(parts, key=lambda name: (parts[name], name))
        parts[least] = math.fsum((points, *(-part for name, part in parts.items() if name != least)))
        return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Criteria that stand together where weights are shown: a declared group, or what else an area has."""

    name: str
    title: str
    criteria: tuple[str, ...]
    group: WeightGroup | None = None


def sections(areas: Mapping[str, str], groups: Mapping[str, WeightGroup]) -> tuple[Section, ...]:
    """Put every criterion into the section where it is shown.

    Parameters
    ----------
    areas : mapping of str to str
        By criterion id, in the order of the file: performance, operations, security, batch.
    groups : mapping of str to WeightGroup
        As declared; they stand before the rest of the area of their first member.
    """
    owner = {name: group for group, declared in groups.items() for name in declared.members}
    found: list[Section] = []
    for area in dict.fromkeys(areas.values()):
        within = [name for name in areas if areas[name] == area]
        first = dict.fromkeys(
            owner[name]
            for name in within
            if name in owner and next(iter(groups[owner[name]].members)) == name
        )
        found += [
            Section(
                name=name, title=groups[name].title, criteria=tuple(groups[name].members), group=groups[name]
            )
            for name in first
        ]
        rest = tuple(name for name in within if name not in owner)
        grouped = len(rest) < len(within)
        title = f"Other {area}" if grouped else area.capitalize()
        found.append(Section(name=area, title=title, criteria=rest))
    return tuple(section for section in found if section.criteria)


def unfolded(weights: Mapping[str, float], groups: Mapping[str, WeightGroup]) -> dict[str, float]:
    """Give the points of single criteria, in the order in which they were written."""
    points: dict[str, float] = {}
    for name, given in weights.items():
        points |= groups[name].unfold(given) if name in groups else {name: given}
    return points


def group_complaints(document: Document, areas: Iterable[str]) -> Iterator[Complaint]:
    """Check that groups have criteria as members, each in one group, and that nothing is weighed twice.

    Parameters
    ----------
    document : Document
        The criteria file.
    areas : iterable of str
        Names that stand for criteria already, and so are no names for a group.
    """
    criteria = document.mapping("criteria")
    owner: dict[str, str] = {}
    for group in document.mapping("weight_groups"):
        if group in criteria or group in areas:
            what = "a criterion" if group in criteria else "the name of an area"
            message = f"{group!r} is {what} already: give the group another name"
            yield Complaint(location=("weight_groups", group), message=message, at_key=True)
        for location, name, at_key in _members(document, group):
            if name not in criteria:
                message = unknown("criterion", name, criteria)
                yield Complaint(location=location, message=message, at_key=at_key)
            elif owner.setdefault(name, group) != group:
                message = f"{name!r} is in the group {owner[name]!r} already: a criterion is in one at most"
                yield Complaint(location=location, message=message, at_key=at_key)
    for use_case in document.mapping("use_cases"):
        here = ("use_cases", use_case, "weights")
        weights = document.mapping(*here)
        for name in weights:
            if name in criteria and owner.get(name) in weights:
                line = document.keys[*here, owner[name]][0]
                message = (
                    f"{name!r} has its weight from the group {owner[name]!r} on line {line} already: "
                    "weigh the group, or its criteria, and not both"
                )
                yield Complaint(location=(*here, name), message=message, at_key=True)


def _members(document: Document, group: str) -> Iterator[tuple[tuple[str | int, ...], str, bool]]:
    here = ("weight_groups", group)
    listed = document.value(*here, "equal_parts")
    for index, name in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(name, str):
            yield (*here, "equal_parts", index), name, False
    for name in document.mapping(*here, "shares"):
        yield (*here, "shares", name), name, True
