"""Chapter 4: what speaks for and against each runtime, each point derived from a finding."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The points for and against one runtime in one use case, heaviest first.

    A measurement that could not be told apart from the bare host, nor called equal to it, speaks
    neither for nor against: it is unsettled.
    """

    runtime: str
    pros: tuple[Point, ...]
    cons: tuple[Point, ...]
    unsettled: tuple[Point, ...]


def pros_and_cons(case: Case) -> Chapter:
    """Show the points for and against, per use case and runtime."""
    return chapter(
        "pros_and_cons",
        places=Places(case),
        sites=tuple(
            (
                site,
                case.title(site),
                tuple(
                    (case.criteria.use_cases[each.use_case].title, _sides(site, each.use_case))
                    for each in site.decision.use_cases
                ),
            )
            for site in case.measured
        ),
        shown=SHOWN,
    )


def _settled(point: Point) -> bool:
    return point.finding.comparison is not Comparison.UNRESOLVED


def _sides(site: SiteCase, use_case: str) -> tuple[Sides, ...]:
    own = sorted((p for p in site.points if p.use_case == use_case), key=lambda point: -point.weight)
    order = next(d.verdicts for d in site.decision.use_cases if d.use_case == use_case)
    return tuple(
        Sides(
            runtime=verdict.runtime,
            pros=tuple(p for p in own if p.runtime == verdict.runtime and _settled(p) and p.favourable),
            cons=tuple(p for p in own if p.runtime == verdict.runtime and _settled(p) and not p.favourable),
            unsettled=tuple(p for p in own if p.runtime == verdict.runtime and not _settled(p)),
        )
        for verdict in order
        if any(p.runtime == verdict.runtime for p in own)
    )
