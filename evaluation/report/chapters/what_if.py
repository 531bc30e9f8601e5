"""Other weights, gaps filled in, knock-outs set aside; and what then would be the answer.

The tables are whole without a script. With it, the one of the weights becomes a desk to try others at.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Final

from evaluation.decide.chances import noise
from evaluation.decide.losses import Basis
from evaluation.decide.whatif import Gaps, Imagined, Table, imagine, table
from evaluation.model import Standing, UseCaseDecision
from evaluation.report.markup import Chapter, chapter
from evaluation.report.source import Case, SiteCase
from evaluation.report.whatif import data, embedded, shown_sections, stability
from evaluation.report.words import State, standing_state
from evaluation.units import within

__all__ = ["laid_out", "what_if"]

ASSUMPTIONS: Final = (
    ("As signed", "every gap open from worst to best, knock-outs hold", Gaps.DECLARED, True),
    ("Every gap is the worst", "what is not known turns out badly, for everybody", Gaps.WORST, True),
    ("Every gap is in the middle", "what is not known is worth half of its scale", Gaps.MIDDLE, True),
    ("Every gap is the best", "what is not known turns out well, for everybody", Gaps.BEST, True),
    ("Nobody is knocked out", "whoever was measured competes, exposures only weigh", Gaps.DECLARED, False),
)
"""Title, meaning, and what it puts in the place of gaps and knock-outs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Who would be first under an assumption; ``chance`` is theirs together, where it means anything."""

    state: State
    names: tuple[str, ...]
    chance: float | None
    at_least: bool
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """What a criterion weighs in one use case, and per site between which points the leader stays first."""

    points: float | None
    share: float
    ranges: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A criterion, or a whole group, with its points in every use case."""

    name: str
    question: str
    cells: tuple[Points, ...]


def what_if(case: Case) -> Chapter:
    """Show what other assumptions would change."""
    tables = laid_out(case)
    return chapter(
        "what_if",
        use_cases=tuple((name, use_case.title) for name, use_case in case.criteria.use_cases.items()),
        sites=tuple((case.title(site), _outlooks(case, site, tables)) for site in case.measured),
        groups=_groups(case),
        data=embedded(data(case, tables)),
    )


def laid_out(case: Case) -> dict[tuple[str, str], Table]:
    """Lay out what every answer was decided from, by the site's folder and the use case."""
    return {
        (site.folder, answer.use_case): laid
        for site in case.measured
        for answer, laid in zip(site.decision.use_cases, _tables(case, site), strict=True)
    }


def _tables(case: Case, site: SiteCase) -> tuple[Table, ...]:
    families = {runtime.id: runtime.family for runtime in site.manifest.runtimes}
    here, found = case.sites[site.site], site.decision.basis
    basis = (
        found
        if isinstance(found, Basis)
        else Basis(noise=noise(site.decision.rows, case.criteria), losses={})
    )
    return tuple(
        table(
            site.decision,
            answer,
            case.criteria,
            here,
            noise=basis.noise,
            families=families,
            losses=basis.losses.get(answer.use_case),
        )
        for answer in site.decision.use_cases
    )


def _outlooks(
    case: Case, site: SiteCase, tables: dict[tuple[str, str], Table]
) -> tuple[tuple[str, str, tuple[Outlook, ...]], ...]:
    """For every assumption that assumes anything here, the outlook in each use case."""
    answers = [
        (
            case.criteria.weights(answer.use_case, case.sites[site.site].batch.engine),
            tables[site.folder, answer.use_case],
        )
        for answer in site.decision.use_cases
    ]
    has_gaps = any(laid.gaps(weights) for weights, laid in answers)
    has_knock_outs = any(laid.knocked_out or laid.unresolved for _, laid in answers)
    method = case.criteria.method
    signed = [
        _decided(imagine(laid, weights, method), answer)
        for (weights, laid), answer in zip(answers, site.decision.use_cases, strict=True)
    ]
    edge = 0.5 / method.draws.value
    rows = []
    for title, meaning, gaps, knock_outs in ASSUMPTIONS:
        if (gaps is not Gaps.DECLARED and not has_gaps) or not (knock_outs or has_knock_outs):
            continue
        imagined = (
            signed
            if gaps is Gaps.DECLARED and knock_outs
            else [
                imagine(laid, weights, method, gaps=gaps, knock_outs=knock_outs) for weights, laid in answers
            ]
        )
        outlooks = (
            _outlook(each, as_signed, laid, edge)
            for each, as_signed, (_, laid) in zip(imagined, signed, answers, strict=True)
        )
        rows.append((title, meaning, tuple(outlooks)))
    return tuple(rows)


def _decided(imagined: Imagined, answer: UseCaseDecision) -> Imagined:
    """Give the standings that were decided: another site may have its part in them."""
    order = imagined.ranking.order
    standings = {verdict.runtime: verdict.standing for verdict in answer.verdicts}
    if any(name not in standings for name in order):
        return imagined
    group = tuple(name for name in order if standings[name] is not Standing.BEHIND)
    ranking = replace(imagined.ranking, standings={name: standings[name] for name in order}, group=group)
    return replace(imagined, ranking=ranking)


def _outlook(imagined: Imagined, signed: Imagined, laid: Table, edge: float) -> Outlook:
    """``edge`` is the least that so many draws can tell: what was not seen is rare, not impossible."""
    ranking = imagined.ranking
    if not ranking.order:
        nobody = Standing.KNOCKED_OUT if laid.knocked_out else Standing.NOT_MEASURED
        return Outlook(state=standing_state(nobody), names=(), chance=None, at_least=False, differs=False)
    standing = ranking.standings[ranking.order[0]]
    certain = len(ranking.order) == 1 or standing is Standing.UNDECIDED
    chance = sum(imagined.chances[name] for name in ranking.group)
    return Outlook(
        state=standing_state(standing),
        names=ranking.group,
        chance=None if certain else min(max(chance, edge), 1 - edge),
        at_least=any(score.value is None for score in imagined.scores.values()),
        differs=(set(ranking.group), standing) != (set(signed.ranking.group), _standing(signed)),
    )


def _standing(imagined: Imagined) -> Standing | None:
    ranking = imagined.ranking
    return ranking.standings[ranking.order[0]] if ranking.order else None


def _groups(case: Case) -> tuple[tuple[Weighed, tuple[tuple[int, Weighed], ...]], ...]:
    """Every section with its criteria, each of these with its place in the data."""
    rules, places = case.criteria, itertools.count()
    made = []
    for section in shown_sections(rules):
        about = section.objective.reason if section.objective else ""
        whole = Weighed(
            name=section.title, question=about, cells=_cells(case, section.criteria, section.name)
        )
        rows = tuple(
            (
                next(places),
                Weighed(name=name, question=rules.criteria[name].question, cells=_cells(case, (name,), name)),
            )
            for name in section.criteria
        )
        made.append((whole, rows))
    return tuple(made)


def _cells(case: Case, names: tuple[str, ...], ranged: str) -> tuple[Points, ...]:
    """One cell per use case; ``ranged`` is what their range is known under."""
    cells = []
    for place, use_case in enumerate(case.criteria.use_cases):
        weights = case.criteria.weights(use_case)
        points = [weights[name] for name in names if name in weights]
        answers = [(case.title(site), stability(site.decision.use_cases[place])) for site in case.measured]
        cells.append(
            Points(
                points=sum(points) if points else None,
                share=sum(points) / sum(weights.values()),
                ranges=tuple(
                    (title, within(*ends)) for title, ranges in answers if (ends := ranges.get(ranged))
                ),
            )
        )
    return tuple(cells)
