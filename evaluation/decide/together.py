"""Answers of several sites held against each other: another site is a scenario too, and is never averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluation.decide.answerrules import Change
from evaluation.decide.criteria import Criteria
from evaluation.decide.scenarios import of_sites
from evaluation.decide.sentence import depends
from evaluation.decide.standing import SETTLED, ahead
from evaluation.model import Scenario, SiteDecision, Standing, UseCaseDecision, Verdict

__all__ = ["AtSite", "across_sites"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtSite:
    """What was decided at one site. It is ``heard`` at others where it is the site's own measurement."""

    title: str
    decision: SiteDecision
    heard: bool = True


def across_sites(sites: Sequence[AtSite], criteria: Criteria) -> tuple[SiteDecision, ...]:
    """Add the other sites to the scenarios of each, where ``criteria.yaml`` declares them.

    A first place that another site gives to others is taken back: the answer then turns on the site.
    """
    name = next((name for name, rule in criteria.scenarios.items() if rule.change is Change.SITES), None)
    if name is None:
        return tuple(site.decision for site in sites)
    return tuple(
        replace(
            here.decision,
            use_cases=tuple(
                _held(decision, of_sites(name, decision.scenarios[0], others), criteria)
                if decision.scenarios and (others := _others(here, sites, decision.use_case))
                else decision
                for decision in here.decision.use_cases
            ),
        )
        for here in sites
    )


def _others(here: AtSite, sites: Sequence[AtSite], use_case: str) -> list[tuple[str, str, Scenario]]:
    return [
        (site.decision.site, site.title, decision.scenarios[0])
        for site in sites
        if site.heard and site.decision.site != here.decision.site
        for decision in site.decision.use_cases
        if decision.use_case == use_case and decision.scenarios
    ]


def _held(decision: UseCaseDecision, more: Sequence[Scenario], criteria: Criteria) -> UseCaseDecision:
    scenarios = (*decision.scenarios, *more)
    standings = {verdict.runtime: verdict.standing for verdict in decision.verdicts}
    first = scenarios[0].leaders
    held = {standings[name] for name in first} <= {*SETTLED, Standing.DEPENDS}
    if not held or all(scenario.agrees for scenario in more):
        return replace(decision, scenarios=scenarios)
    group = {*first, *ahead(scenarios)}
    answer, brief = depends(criteria.use_cases[decision.use_case].title, scenarios)
    return replace(
        decision,
        scenarios=scenarios,
        answer=answer,
        brief=brief,
        winner=None,
        verdicts=_turned(decision, group, criteria),
    )


def _turned(decision: UseCaseDecision, group: set[str], criteria: Criteria) -> tuple[Verdict, ...]:
    """Let those of the field who are first anywhere depend, each with its word."""
    field = {name for name, _ in decision.scenarios[0].scores}
    return tuple(
        replace(
            verdict,
            standing=Standing.DEPENDS,
            word=criteria.word(Standing.DEPENDS),
            cost="",
        )
        if verdict.runtime in group and verdict.runtime in field
        else verdict
        for verdict in decision.verdicts
    )
