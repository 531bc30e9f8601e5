"""What speaks for and against each runtime, each point derived from a finding."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from evaluation.decide.prosandcons import Point
from evaluation.model import Comparison
from evaluation.report.markup import Chapter, chapter
from evaluation.report.places import Places
from evaluation.report.source import Case, SiteCase

__all__ = ["pros_and_cons"]

SHOWN: Final = 3
"""Points shown at once on either side; lighter ones unfold."""
_DETAILS: Final = re.compile(r"(?: \(|; |, ).*", re.DOTALL)
"""What a point adds to its claim: interval, number of blocks, how it was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A point in words: in full where a site's part names it first, and as its claim alone from then on."""

    point: Point
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The points for and against one runtime in one use case, heaviest first.

    A measurement that could not be told apart from the bare host, nor called equal to it, speaks
    neither for nor against: it is unsettled.
    """

    runtime: str
    pros: tuple[Said, ...]
    cons: tuple[Said, ...]
    unsettled: tuple[Said, ...]


def pros_and_cons(case: Case) -> Chapter:
    """Show the points for and against, per use case and runtime."""
    return chapter(
        "pros_and_cons",
        places=Places(case),
        sites=tuple(
            (
                site,
                case.title(site),
                _use_cases(case, site),
            )
            for site in case.measured
        ),
        shown=SHOWN,
    )


def _use_cases(case: Case, site: SiteCase) -> tuple[tuple[str, tuple[Sides, ...]], ...]:
    told: set[tuple[str, str]] = set()
    return tuple(
        (case.criteria.use_cases[each.use_case].title, _sides(site, each.use_case, told))
        for each in site.decision.use_cases
    )


def _said(points: Iterable[Point], told: set[tuple[str, str]]) -> tuple[Said, ...]:
    said = []
    for place, point in enumerate(points):
        key = point.runtime, point.text
        said.append(Said(point=point, text=_DETAILS.sub("", point.text) if key in told else point.text))
        if place < SHOWN:
            told.add(key)
    return tuple(said)


def _settled(point: Point) -> bool:
    return point.finding.comparison is not Comparison.UNRESOLVED


def _sides(site: SiteCase, use_case: str, told: set[tuple[str, str]]) -> tuple[Sides, ...]:
    own = sorted((p for p in site.points if p.use_case == use_case), key=lambda point: -point.weight)
    order = next(d.verdicts for d in site.decision.use_cases if d.use_case == use_case)
    made = []
    for verdict in order:
        here = [point for point in own if point.runtime == verdict.runtime]
        if here:
            settled = [point for point in here if _settled(point)]
            made.append(
                Sides(
                    runtime=verdict.runtime,
                    pros=_said((point for point in settled if point.favourable), told),
                    cons=_said((point for point in settled if not point.favourable), told),
                    unsettled=_said((point for point in here if not _settled(point)), told),
                )
            )
    return tuple(made)
