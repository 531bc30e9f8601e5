"""Work profiles: what one unit of a use case's work is, in countable things, as written in YAML.

A profile stands in ``criteria.yaml`` beside the use case, and a site may replace what it knows better in its
own file. What is made of it is in `evaluation.decide.losses`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal, get_args

from pydantic import Field, ValidationInfo, field_validator, model_validator

from evaluation.documents import Complaint, Identifier, StrictModel, Text, unknown
from evaluation.yamltree import Document, Location

__all__ = [
    "COUNTS",
    "Count",
    "CountName",
    "Length",
    "Range",
    "SiteWork",
    "WorkPart",
    "WorkProfile",
    "is_price",
    "replaced",
    "work_complaints",
]

CountName = Literal[
    "starts",
    "imports",
    "files_read",
    "files_opened",
    "system_calls",
    "programs_started",
    "image_bytes_read",
    "bind_bytes_read",
    "bind_bytes_written",
    "units_at_once",
    "units_per_image",
]
"""Whatever of a unit of work can be counted and could cost more in a container."""

COUNTS: Final[Mapping[str, str]] = {
    "starts": "starting",
    "imports": "imports",
    "files_read": "files read",
    "files_opened": "files opened",
    "system_calls": "system calls",
    "programs_started": "programs started",
    "image_bytes_read": "bytes read cold from the image",
    "bind_bytes_read": "bytes read on binds",
    "bind_bytes_written": "bytes written on binds",
    "units_at_once": "units at once on a node",
    "units_per_image": "units per new image",
}
"""Each in the words of the report."""

Amount = Annotated[float, Field(ge=0, le=1e15)]
Seconds = Annotated[float, Field(gt=0, le=1e8)]

_LIKE = 1e-9


class Range(StrictModel):
    """Between which amounts a unit of work may lie, and in the middle which one is taken."""

    low: Amount
    middle: Amount
    high: Amount
    reason: Text
    source: Text

    @field_validator("middle", "high")
    @classmethod
    def _is_in_order(cls, amount: float, info: ValidationInfo) -> float:
        before = info.data.get("low" if info.field_name == "middle" else "middle")
        if before is not None and amount < before:
            message = "should not be below the amount before it: low, middle and high are in order"
            raise ValueError(message)
        return amount


class Length(Range):
    """How long the bare host computes for one unit, in seconds."""

    low: Seconds
    middle: Seconds
    high: Seconds


class Count(Range):
    """How often something happens in one unit, and which probe prices it."""

    probe: Text
    """Its paired ratio to the bare host, and what the host itself takes for one, are the price."""


class WorkPart(StrictModel):
    """Which share of the computing a probe speaks for."""

    probe: Text
    share: Annotated[float, Field(gt=0, le=1)]
    reason: Text
    source: Text


class WorkProfile(StrictModel):
    """One unit of a use case's work."""

    unit: Text
    """What it is, in the singular: ``job``."""
    units: Text
    """And in the plural."""
    length: Length
    computing: Annotated[Mapping[Identifier, WorkPart], Field(min_length=1)]
    """What the computing consists of; the shares add up to 1."""
    counts: Annotated[Mapping[CountName, Count], Field(min_length=1)]
    not_counted: Mapping[CountName, Text] = Field(default_factory=dict)
    """What is left out, each with the reason: below a hundredth of the unit, or asked elsewhere."""
    measured_by: Text | None = None
    """The probe that does such a unit as a whole, at a reduced size."""

    @field_validator("computing")
    @classmethod
    def _is_whole(cls, computing: Mapping[str, WorkPart]) -> Mapping[str, WorkPart]:
        together = math.fsum(part.share for part in computing.values())
        if not math.isclose(together, 1.0, rel_tol=_LIKE):
            message = f"should have shares that add up to 1, and they add up to {together:g}"
            raise ValueError(message)
        return computing

    @model_validator(mode="after")
    def _leaves_nothing_unsaid(self) -> WorkProfile:
        names = get_args(CountName)
        both = [name for name in names if name in self.counts and name in self.not_counted]
        neither = [name for name in names if name not in self.counts and name not in self.not_counted]
        if both:
            message = f"should either count or not count: {', '.join(both)}"
            raise ValueError(message)
        if neither:
            message = f"should count, or say under 'not_counted' why not: {', '.join(neither)}"
            raise ValueError(message)
        return self

    @property
    def probes(self) -> tuple[str, ...]:
        """Every probe that prices something."""
        counted = [count.probe for count in self.counts.values()]
        return tuple(dict.fromkeys([*counted, *(part.probe for part in self.computing.values())]))


class SiteWork(StrictModel):
    """What a site knows better about a unit of a use case's work; the rest stays as it is."""

    length: Length | None = None
    counts: Mapping[CountName, Range] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _replaces_something(self) -> SiteWork:
        if self.length is None and not self.counts:
            message = "should replace the length or at least one count"
            raise ValueError(message)
        return self


def replaced(profile: WorkProfile, own: SiteWork | None) -> WorkProfile:
    """Put a site's own figures in the place of the declared ones; each keeps the probe that prices it."""
    if own is None:
        return profile
    counts = {
        name: Count(probe=count.probe, **own.counts[name].model_dump()) if name in own.counts else count
        for name, count in profile.counts.items()
    }
    return profile.model_copy(update={"length": own.length or profile.length, "counts": counts})


def is_price(unit: str) -> bool:
    """Whether what a probe measures in this unit is a time for one thing, or things for a time."""
    return unit in {"s", "ns"} or unit.endswith("/s")


def work_complaints(document: Document, probes: Mapping[str, str]) -> Iterator[Complaint]:
    """Hold the probes of all profiles against those that there are; ``probes`` has the unit of each."""
    for use_case in document.mapping("use_cases"):
        work = ("use_cases", use_case, "work")
        for kind in ("counts", "computing"):
            for name in document.mapping(*work, kind):
                yield from _priced(document, (*work, kind, name, "probe"), probes)
        yield from _whole(document, (*work, "measured_by"), probes)


def _priced(document: Document, location: Location, probes: Mapping[str, str]) -> Iterator[Complaint]:
    probe = document.value(*location)
    if not isinstance(probe, str):
        return
    if probe not in probes:
        yield Complaint(location=location, message=unknown("probe", probe, probes))
    elif not is_price(probes[probe]):
        message = f"should measure in s, in ns or in things per second, to be a price: {probe} does not"
        yield Complaint(location=location, message=message)


def _whole(document: Document, location: Location, probes: Mapping[str, str]) -> Iterator[Complaint]:
    probe = document.value(*location)
    if not isinstance(probe, str):
        return
    if probe not in probes:
        yield Complaint(location=location, message=unknown("probe", probe, probes))
    elif probes[probe] != "s":
        message = f"should measure a whole unit in seconds: {probe} does not"
        yield Complaint(location=location, message=message)
