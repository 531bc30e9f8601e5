"""How old what is known of a site is, and what is not known of it at all."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from typing import Final

from evaluation.sites import Fact, Site

__all__ = ["TOPICS", "Aged", "aged", "missing", "months_since"]

TOPICS: Final = (
    "operating system",
    "batch system",
    "container policy",
    "container runtime",
    "building images",
    "image cache",
    "network",
)
"""What a reader who has to run containers at a site asks first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """A fact with its age in months, ``None`` where it is undated; ``stale`` where it is too old."""

    fact: Fact
    months: int | None
    stale: bool

    @property
    def state(self) -> str:
        """Say in words how far it can be relied on."""
        if self.months is None:
            return f"{self.fact.confidence}, age unknown"
        return f"{self.fact.confidence}, out of date" if self.stale else self.fact.confidence


def aged(site: Site, on: date, limit: int | None) -> tuple[Aged, ...]:
    """Tell the age of every fact of a site.

    Parameters
    ----------
    site : Site
        Whose facts.
    on : date
        The day for which it is told.
    limit : int or None
        After so many months a fact is out of date; never, where ``None``.
    """
    found = []
    for fact in site.facts:
        months = None if fact.date == "undated" else months_since(fact.date, on)
        found.append(
            Aged(fact=fact, months=months, stale=months is not None and limit is not None and months > limit)
        )
    return tuple(found)


def months_since(said: str, on: date) -> int:
    """Count whole months from a date, as exact as it is (``2024``, ``2024-04``, ``2024-04-15``).

    A year or a month stands for its last day: a fact is called out of date only when it surely is.
    """
    year, month, day = (*(int(part) for part in said[:10].split("-")), 0, 0)[:3]
    month = month or 12
    day = day or calendar.monthrange(year, month)[1]
    return max(0, (on.year - year) * 12 + on.month - month - (on.day < day))


def missing(site: Site) -> tuple[str, ...]:
    """Name what nobody has said of a site; a topic counts as known by a fact of that name."""
    known = {fact.topic for fact in site.facts}
    return tuple(topic for topic in TOPICS if topic not in known)
