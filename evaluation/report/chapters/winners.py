"""Who is first, by use case and site; sites stand side by side and are never averaged."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.decide.offered import best_offered
from evaluation.model import Standing, UseCaseDecision, Verdict
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.names import offer_name
from evaluation.report.source import Case, SiteCase
from evaluation.report.words import State, standing_state

__all__ = ["winners"]

_LEADING = (
    Standing.RECOMMENDED,
    Standing.TIED,
    Standing.DEPENDS,
    Standing.TOO_CLOSE,
    Standing.UNDECIDED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The answer of one use case at one site: who leads, with what standing, and where it is explained.

    ``nobody`` says why there is no leader.
    """

    state: State | None
    leaders: tuple[Verdict, ...]
    target: str
    nobody: str
    offered: Verdict | None = None
    """The best of what the site offers, where that is not among the leaders."""


def winners(case: Case) -> Chapter:
    """Show one row per use case and one column per site, measured or not."""
    measured = {site.site for site in case.measured}
    return chapter(
        "winners",
        sites=tuple((case.title(site), site.manifest.started_at) for site in case.measured),
        others=tuple(
            (site.title, tuple(offer_name(offer.name) for offer in site.offers))
            for name, site in case.sites.items()
            if name not in measured and name != "local"
        ),
        rows=tuple(
            (
                use_case.title,
                tuple(
                    _cell(case, site, decision)
                    for site in case.measured
                    for decision in site.decision.use_cases
                    if decision.use_case == name
                ),
            )
            for name, use_case in case.criteria.use_cases.items()
        ),
    )


def _cell(case: Case, site: SiteCase, decision: UseCaseDecision) -> Cell:
    leaders = tuple(verdict for verdict in decision.verdicts if verdict.standing in _LEADING)
    offered = best_offered(decision, case.offers(site), site.families)
    return Cell(
        state=standing_state(leaders[0].standing) if leaders else None,
        leaders=leaders,
        target=anchor("scores", site.folder, decision.use_case),
        nobody="nobody is eligible" if site.measured else site.first(decision),
        offered=None if offered in leaders else offered,
    )
