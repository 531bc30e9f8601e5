"""The sites side by side, never averaged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from evaluation.decide.offered import best_offered
from evaluation.facts import Aged, aged, missing
from evaluation.model import Role, UseCaseDecision
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.names import offer_name
from evaluation.report.source import Case, SiteCase
from evaluation.sites import Batch, Borrow, Offer, Policy

__all__ = ["as_of", "sites"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One site: measured or not, and what is known about it.

    ``answers`` are the use case, who is first, and the best of what the site offers where that is another.
    ``attempted`` and ``controls`` are the runtimes that are here, but were not ranked.
    """

    name: str
    title: str
    measured: SiteCase | None
    answers: tuple[tuple[str, str, str], ...]
    attempted: tuple[str, ...]
    controls: tuple[str, ...]
    facts: tuple[Aged, ...]
    missing: tuple[str, ...]
    batch: Batch | None
    policy: Policy
    borrows: tuple[Borrow, ...]
    offers: tuple[tuple[str, Offer], ...]


def as_of(case: Case) -> date:
    """Give the day for which ages are told: the newest run's, so that a report can be made again."""
    newest = max((site.manifest.started_at for site in case.measured), default="")
    return date.fromisoformat(newest[:10])


def sites(case: Case) -> Chapter:
    """Show what is known of each site, and from whom."""
    named = {site.site for site in case.measured}
    limit = case.criteria.method.fact_age_months
    return chapter(
        "sites",
        on=as_of(case).isoformat(),
        limit=limit.value if limit else None,
        columns=(
            *(_column(case, site.site, case.title(site), site) for site in case.measured),
            *(
                _column(case, name, site.title, None)
                for name, site in case.sites.items()
                if name not in named
            ),
        ),
    )


def _column(case: Case, name: str, title: str, measured: SiteCase | None) -> Column:
    known = case.sites.get(name)
    decisions = measured.decision.use_cases if measured else ()
    limit = case.criteria.method.fact_age_months
    return Column(
        name=anchor("site", measured.folder if measured else name),
        title=title,
        measured=measured,
        answers=tuple(
            (
                case.criteria.use_cases[each.use_case].title,
                measured.first(each),
                _offered(case, measured, each),
            )
            for each in decisions
            if measured
        ),
        attempted=_unranked(measured, Role.VARIANT),
        controls=_unranked(measured, Role.POSITIVE_CONTROL),
        facts=aged(known, as_of(case), limit.value if limit else None) if known else (),
        missing=missing(known) if known and not measured else (),
        borrows=known.borrows if known else (),
        offers=tuple((offer_name(offer.name), offer) for offer in known.offers) if known else (),
        batch=known.batch if known else None,
        policy=known.policy if known else Policy(),
    )


def _offered(case: Case, measured: SiteCase | None, decision: UseCaseDecision) -> str:
    best = best_offered(decision, case.offers(measured), measured.families) if measured else None
    return "" if best is None or best.runtime == decision.winner else f"{best.runtime}, {best.standing}"


def _unranked(measured: SiteCase | None, role: Role) -> tuple[str, ...]:
    every = measured.unranked if measured else ()
    return tuple(facts.id for facts in every if facts.present and facts.role is role)
