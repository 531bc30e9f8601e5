"""Chapter 7: how far the answers hold: ranks over the draws, other methods, and every weight by itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from evaluation.model import Robustness, UseCaseDecision
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.source import Case, SiteCase
from evaluation.report.weightfigures import Swing, swing_plot
from evaluation.units import decimal

__all__ = ["robustness"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one answer hangs on, ready to be shown.

    ``ranks`` are rows of (share, tenths): the tenths choose the shade. ``opinions`` give for each method its
    name and, for each runtime, (rank, value). ``stability`` has rows (criterion, points, from, to).
    """

    name: str
    title: str
    runtimes: tuple[str, ...]
    ranks: tuple[tuple[tuple[float, int], ...], ...]
    opinions: tuple[tuple[str, tuple[tuple[int, float], ...]], ...]
    agreement: str
    stability: tuple[tuple[str, float, str, str], ...]
    flip: str
    without: str
    figure: Markup | None
    central: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]


def robustness(case: Case) -> Chapter:
    """Show for every measured site and use case what its answer hangs on."""
    return chapter(
        "robustness",
        sites=tuple(
            (
                case.title(site),
                tuple(
                    _held(case, site, decision, decision.robustness)
                    for decision in site.decision.use_cases
                    if decision.robustness
                ),
            )
            for site in case.measured
        ),
        weight_range=case.criteria.method.weight_range.value,
        draws=case.criteria.method.draws.value,
    )


def _held(case: Case, site: SiteCase, decision: UseCaseDecision, found: Robustness) -> Held:
    title = case.criteria.use_cases[decision.use_case].title
    name = anchor("robustness", site.folder, decision.use_case)
    leader = found.runtimes[0]
    swings = [
        Swing(label=item.criterion, low=item.leads[0], high=item.leads[1])
        for item in found.stability
        if item.leads
    ]
    return Held(
        name=name,
        title=title,
        runtimes=found.runtimes,
        ranks=tuple(tuple((share, round(share * 10)) for share in row) for row in found.acceptability),
        opinions=_opinions(found),
        agreement=_agreement(found),
        stability=tuple(
            (item.criterion, item.weight, *_ends(item.low, item.high)) for item in found.stability
        ),
        flip=_flip(found, leader),
        without=_without(found, leader),
        figure=swing_plot(f"{name}-swings", f"Lead of {leader} for {title} as each weight moves", swings)
        if swings
        else None,
        central=tuple(
            (
                runtime,
                tuple(sorted(zip(found.criteria, shares, strict=True), key=lambda row: -row[1])[:3]),
            )
            for runtime, shares in found.central
        ),
    )


def _ends(low: float, high: float) -> tuple[str, str]:
    if math.isnan(low):
        return "never", "never"
    return decimal(low, 1), "any" if math.isinf(high) else decimal(high, 1)


def _opinions(found: Robustness) -> tuple[tuple[str, tuple[tuple[int, float], ...]], ...]:
    table = []
    for name, values in found.methods:
        order = sorted((value for _, value in values), reverse=True)
        table.append((name, tuple((order.index(value) + 1, value) for _, value in values)))
    return tuple(table)


def _agreement(found: Robustness) -> str:
    if not found.methods:
        return "Second opinions need every score of the field: some evidence is missing."
    firsts = {name: max(values, key=lambda row: row[1])[0] for name, values in found.methods}
    if len(set(firsts.values())) == 1:
        return f"All three methods put {found.runtimes[0]} first."
    return (
        "The methods differ: "
        + ", ".join(f"{name} puts {first} first" for name, first in firsts.items())
        + "."
    )


def _flip(found: Robustness, leader: str) -> str:
    if len(found.runtimes) == 1:
        return f"{leader} has no rival here."
    if found.flip is None:
        if not found.methods:
            return "Evidence is missing, so the smallest flip is not known."
        return f"No single weight, however it is changed, takes the first place from {leader}."
    criterion, points, rival = found.flip
    now = next(item.weight for item in found.stability if item.criterion == criterion)
    return (
        f"The smallest change of one weight that brings another level with {leader}: {criterion} from "
        f"{now:g} to {points:.3g} points ({rival})."
    )


def _without(found: Robustness, leader: str) -> str:
    if not found.without:
        return f"Leaving out any one criterion keeps {leader} first." if found.methods else ""
    return "Another is first without " + "; ".join(f"{name} ({other})" for name, other in found.without) + "."
