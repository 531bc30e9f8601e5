"""One page on A4 for one site: what a head of computing takes into a meeting."""

from __future__ import annotations

from typing import Final

from evaluation import __version__, units
from evaluation.decide.offered import best_offered
from evaluation.errors import EvaluationError
from evaluation.facts import Aged, aged
from evaluation.model import Standing, UseCaseDecision, Verdict
from evaluation.reasons import shortened
from evaluation.report.chapters.sites import as_of
from evaluation.report.losswords import shown
from evaluation.report.markup import TEMPLATES, environment
from evaluation.report.names import offer_name
from evaluation.report.offline import assert_self_contained, policy
from evaluation.report.source import Case, SiteCase
from evaluation.report.text import in_short
from evaluation.report.words import standing_state

__all__ = ["site_page"]

_FACTS: Final = 7
"""So many facts fit beside the answers; the newest of each topic come first, and the rest is counted."""

_NEXT: Final = 3
_LONG: Final = 230


def site_page(case: Case, site_id: str) -> str:
    """Render the page of one site, measured or not.

    Raises
    ------
    EvaluationError
        There is no such site in the case, or the page would load something.
    """
    known = case.sites.get(site_id)
    measured = next((site for site in case.measured if site.site == site_id), None)
    if known is None:
        raise EvaluationError(
            f"there is no site {site_id!r} to write a page of", where="evaluation site page"
        )
    limit = case.criteria.method.fact_age_months
    facts = _chosen(aged(known, as_of(case), limit.value if limit else None))
    style = (TEMPLATES / "page" / "one-page.css").read_text(encoding="utf-8")
    html = (
        environment()
        .get_template("page/one-page.html.j2")
        .render(
            policy=policy(style, ""),
            style=style,
            version=__version__,
            site=known,
            measured=measured,
            answers=_answers(case, measured) if measured else (),
            offers=tuple((offer_name(offer.name), offer) for offer in known.offers),
            facts=facts[:_FACTS],
            further=max(0, len(known.facts) - _FACTS),
            runtimes=measured.measured if measured else (),
            absent=measured.absent if measured else (),
            impaired=measured.impaired if measured else (),
            on=units.day(as_of(case).isoformat()),
        )
    )
    assert_self_contained(html, where=f"the page of {site_id}")
    return html


def _answers(case: Case, site: SiteCase) -> tuple[tuple[object, ...], ...]:
    """Title, state, confidence, leader, best offered, answer, what would decide it, who is out, time lost."""
    found = []
    for each in site.decision.use_cases:
        leading = each.verdicts[0] if each.verdicts else None
        found.append(
            (
                case.criteria.use_cases[each.use_case].title,
                standing_state(leading.standing) if leading else None,
                _confidence(each),
                each.winner or _nobody(leading),
                _offered(case, site, each),
                shortened(each.brief, _LONG),
                tuple(missing.what for missing in each.measure_next[:_NEXT]) if not each.winner else (),
                tuple(
                    (verdict.runtime, shortened(in_short(verdict.reasons), _LONG))
                    for verdict in each.verdicts
                    if verdict.standing is Standing.KNOCKED_OUT
                ),
                _lost(case, each),
            )
        )
    return tuple(found)


def _lost(case: Case, decision: UseCaseDecision) -> str:
    """Say which runtimes are shown to lose time; nothing where no work is declared."""
    work = case.criteria.use_cases[decision.use_case].work
    if work is None or not decision.losses:
        return ""
    length_s, _ = decision.losses[0].lengths[1]
    return shown(decision.losses, f"{work.unit} with {units.lasting(length_s)} of computing")


def _confidence(decision: UseCaseDecision) -> str:
    """Say how good the evidence is, and why not better."""
    found = decision.confidence
    if found is None:
        return ""
    why = "; ".join(doubt.note for doubt in found.doubts)
    return f"Confidence {found.word}{': ' if why else ''}{why}"


def _nobody(leading: Verdict | None) -> str:
    return "it depends" if leading and leading.standing is Standing.DEPENDS else "no clear winner"


def _offered(case: Case, site: SiteCase, decision: UseCaseDecision) -> str:
    best = best_offered(decision, case.offers(site), site.families)
    return "" if best is None or best.runtime == decision.winner else f"{best.runtime}, {best.standing}"


def _chosen(facts: tuple[Aged, ...]) -> tuple[Aged, ...]:
    """Order facts so that the newest of each topic come first, each topic once before any twice."""
    newest_first = sorted(facts, key=lambda item: (item.months is None, item.months or 0))
    seen: set[str] = set()
    first: list[Aged] = []
    rest: list[Aged] = []
    for item in newest_first:
        (rest if item.fact.topic in seen else first).append(item)
        seen.add(item.fact.topic)
    return (*first, *rest)
