"""How far the answers hold: ranks over the draws, other methods, and every weight by itself."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from evaluation.decide.siteapart import Agreement, First, agreement
from evaluation.model import Robustness, Scenario, Stability, Standing, UseCaseDecision
from evaluation.report.markup import Chapter, anchor, chapter, listed
from evaluation.report.source import Case, SiteCase
from evaluation.report.weightfigures import Swing, swing_plot
from evaluation.units import reached, within

__all__ = ["robustness"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one answer hangs on, ready to be shown.

    ``ranks`` are rows of (share, tenths): the tenths choose the shade. ``opinions`` give for each method its
    name and, for each runtime, (rank, value). ``stability`` has rows (criterion, points, range).
    ``scenarios`` begins with the decision as signed; empty where no change is declared.
    """

    name: str
    title: str
    runtimes: tuple[str, ...]
    ranks: tuple[tuple[tuple[float, int], ...], ...]
    opinions: tuple[tuple[str, tuple[tuple[int, float], ...]], ...]
    agreement: str
    stability: tuple[tuple[str, float, str], ...]
    flip: str
    without: str
    figure: Markup | None
    central: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]
    scenarios: tuple[Scenario, ...]


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
        apart=tuple(
            (use_case.title, _apart(agreement(_answers(case, name))))
            for name, use_case in case.criteria.use_cases.items()
        )
        if len(case.measured) > 1
        else (),
        measured=tuple(case.title(site) for site in case.measured),
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
            (_together(item, found), item.weight, within(item.low, item.high))
            for item in (*found.groups, *found.stability)
        ),
        flip=_flip(found, leader),
        without=_without(found, leader),
        figure=swing_plot(f"{name}-swings", f"Lead of {leader} for {title} as each weight moves", swings)
        if swings
        else None,
        scenarios=decision.scenarios if len(decision.scenarios) > 1 else (),
        central=tuple(
            (
                runtime,
                tuple(sorted(zip(found.criteria, shares, strict=True), key=lambda row: -row[1])[:3]),
            )
            for runtime, shares in found.central
        ),
    )


def _answers(case: Case, use_case: str) -> tuple[tuple[str, UseCaseDecision], ...]:
    return tuple(
        (case.title(site), decision)
        for site in case.measured
        for decision in site.decision.use_cases
        if decision.use_case == use_case
    )


def _apart(found: Agreement) -> tuple[str, ...]:
    """What may be said of all sites together, and what each that is left out would change; in sentences."""
    said = [_of_all(found)]
    for site, common in found.without:
        if site not in found.hangs_on:
            continue
        others = "at the other site" if len(found.firsts) == 2 else "at every other site"
        said.append(f"Without {site}, {listed(common)} would come first {others}.")
    if len(said) == 1:
        said.append("Leaving out any one site changes nothing in this.")
    return tuple(said)


def _of_all(found: Agreement) -> str:
    if len(found.common) == 1:
        return f"{found.common[0]} comes first at every measured site."
    if found.common:
        return f"{listed(found.common)} share the first place at every measured site."
    return f"No runtime comes first at every measured site: {'; '.join(map(_at, found.firsts))}."


def _at(first: First) -> str:
    match first.standing:
        case None:
            return f"nobody competes at {first.site}"
        case Standing.RECOMMENDED:
            return f"{first.runtimes[0]} at {first.site}"
        case Standing.DEPENDS:
            return f"it depends at {first.site} ({', '.join(first.runtimes)})"
        case Standing.TIED:
            return f"{listed(first.runtimes)}, tied, at {first.site}"
        case standing:
            return f"{standing} at {first.site} ({', '.join(first.runtimes)})"


def _opinions(found: Robustness) -> tuple[tuple[str, tuple[tuple[int, float], ...]], ...]:
    table = []
    for name, values in found.methods:
        order = sorted((value for _, value in values), reverse=True)
        table.append((name, tuple((order.index(value) + 1, value) for _, value in values)))
    return tuple(table)


def _together(item: Stability, found: Robustness) -> str:
    return f"{item.criterion}, all together" if item in found.groups else item.criterion


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
        f"{now:g} to {reached(now, points)} points ({rival})."
    )


def _without(found: Robustness, leader: str) -> str:
    if not found.without:
        return f"Leaving out any one criterion keeps {leader} first." if found.methods else ""
    return "Another is first without " + "; ".join(f"{name} ({other})" for name, other in found.without) + "."
