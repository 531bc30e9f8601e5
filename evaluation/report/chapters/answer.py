"""Chapter 1: the answer per use case, how sure it is, and on how much it rests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evaluation.model import CONTROL, Outcome, Standing, UseCaseDecision, Verdict
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.source import Case, SiteCase
from evaluation.report.words import State, product_name, score_text, standing_state
from evaluation.store import RuntimeFacts

__all__ = ["answer"]

_NOT_PLANTED: Final = "not_planted"
"""The name under which an attempt records why it had nothing of root's to try."""
SHOWN: Final = 3
"""What would decide a use case: so many of it at once, the rest in chapter 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """A warning that stands above everything else."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The answer for one use case, short enough that all cards can be read aloud within a minute.

    ``p_first`` is the leader's chance of being first, unless missing evidence leaves that open; ``at_least``
    says that it is a lower bound. ``notes`` are the numbers of the footnotes of its confidence. Of
    ``measure_next`` the first few are shown at once. All of it stands in full behind ``target``.
    """

    target: str
    title: str
    story: str
    headline: str
    state: State
    sentence: str
    p_first: float | None
    at_least: bool
    confidence: str
    notes: tuple[int, ...]
    example: bool
    leader: str
    knocked_out: tuple[Verdict, ...]
    measure_next: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BestMode:
    """How the best of a product's ranked modes stands in one use case."""

    target: str
    runtime: str
    state: State
    score: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One row of what was asked about: a product, and its best mode in each use case."""

    name: str
    version: str
    modes: int
    best: tuple[BestMode | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """How much evidence there is, from where and when."""

    title: str
    measured: tuple[str, ...]
    absent: tuple[tuple[str, str], ...]
    cells: int
    filled: int
    started_at: str
    profile: str
    cards: tuple[Card, ...]
    doubts: tuple[str, ...]
    products: tuple[Product, ...]
    banners: tuple[Banner, ...]


def answer(case: Case) -> Chapter:
    """Show who is recommended for what, before anything else."""
    return chapter(
        "answer",
        shown=SHOWN,
        sites=tuple(_basis(case, site) for site in case.measured),
        unmeasured=tuple(
            site.title
            for name, site in case.sites.items()
            if name not in {s.site for s in case.measured} and not site.label
        ),
    )


def banners(case: Case, site: SiteCase) -> tuple[Banner, ...]:
    """Say what keeps this run from being a full measurement of the reader's own site."""
    found = []
    if site.borrowed_only:
        found.append(
            Banner(
                title="Nothing was measured at this site",
                text="All evidence here is borrowed from another site, by this site's own declaration, until "
                "it measures itself. The intervals are wider for that, and no knock-out is settled by it.",
            )
        )
    if site.manifest.label:
        found.append(
            Banner(
                title="Reference run, not your site",
                text=f"These results came with the project: {site.manifest.label}. "
                "They show what a report looks like. Measure your own machines before you decide.",
            )
        )
    if failed := site.manifest.failed:
        told = "; ".join(f"{step}: {why}" for step, why in failed.items())
        found.append(
            Banner(
                title="Not everything was measured",
                text="Some steps of the measurement failed; what they would have shown counts as "
                f"unknown. {told}",
            )
        )
    if not site.finished_at:
        found.append(
            Banner(
                title="Incomplete run",
                text="The run stopped before its end. What is missing counts as unknown, "
                "from worst to best; run it again and it resumes where it stopped.",
            )
        )
    if site.measured and (untried := _untried(case, site)):
        told = "; ".join(f"{', '.join(attempts)}: {why}" for why, attempts in untried.items())
        found.append(
            Banner(
                title="What would knock a runtime out could not be tried",
                text=f"Until it is, nothing can be recommended where it knocks out. {told}.",
            )
        )
    if site.conditions:
        text = f"{'. '.join(site.conditions)}."
        found.append(Banner(title="Conditions of this measurement", text=text))
    found += [_impaired(facts, ranked=facts.id in site.ranked) for facts in site.impaired]
    if site.shortage:
        found.append(Banner(title="Measured on a busy machine", text=site.shortage))
    if problem := site.manifest.payload_problem:
        text = f"Nothing is known about any runtime: {problem}"
        found.append(Banner(title="The measuring program could not be built", text=text))
    elif not site.measured:
        found.append(
            Banner(
                title="Only the bare host was measured",
                text="No container runtime could be used here, so there is nothing to rank. What the host "
                "itself came to stands in chapters 5 and 10.",
            )
        )
    return tuple(found)


def _untried(case: Case, site: SiteCase) -> dict[str, tuple[str, ...]]:
    """Attempts that knock out and were not made, because no canary could be planted: by the reason."""
    vetoes = [veto for use_case in case.criteria.use_cases.values() for veto in use_case.knock_outs]
    found: dict[str, tuple[str, ...]] = {}
    for probe in dict.fromkeys(case.criteria.criteria[veto.criterion].probe for veto in vetoes):
        for runtime in site.ranked:
            finding = site.cells.get((probe, runtime))
            if finding is None or finding.outcome is not Outcome.INERT or finding.borrowed:
                continue
            name = f"{finding.texts.checklist_id} {probe}"
            for item in site.recorded.get((probe, runtime), ()):
                if item.name == _NOT_PLANTED and name not in (known := found.get(str(item.value), ())):
                    found[str(item.value)] = (*known, name)
    return found


def _impaired(facts: RuntimeFacts, *, ranked: bool) -> Banner:
    """Say that a runtime ran in a way that no centre would run it, and what became of it."""
    what = (
        "It is ranked because it was asked for by name; its figures say nothing of a centre's."
        if ranked
        else f"It was neither timed nor ranked. Fix that and measure again, or ask for it by "
        f"name: RUNTIMES={facts.id}."
    )
    return Banner(title=f"No centre would run {facts.id} as it runs here", text=f"{facts.impairment}. {what}")


def _basis(case: Case, site: SiteCase) -> Basis:
    doubts = tuple(
        dict.fromkeys(
            doubt.note
            for decision in site.decision.use_cases
            if decision.confidence
            for doubt in decision.confidence.doubts
        )
    )
    return Basis(
        title=case.title(site),
        measured=site.measured,
        absent=site.absent,
        cells=len(site.tried) * len(site.ranked),
        filled=sum(
            finding.outcome.is_evidence
            for (_, runtime), finding in site.cells.items()
            if runtime in site.ranked
        ),
        started_at=site.manifest.started_at,
        profile=site.manifest.profile,
        cards=tuple(_card(case, site, decision, doubts) for decision in site.decision.use_cases),
        doubts=doubts,
        products=tuple(_product(site, family, modes) for family, modes in _families(site).items()),
        banners=banners(case, site),
    )


def _families(site: SiteCase) -> dict[str, list[RuntimeFacts]]:
    """Ranked runtimes by the product that they are modes of, measured or not."""
    found: dict[str, list[RuntimeFacts]] = {}
    for facts in site.manifest.runtimes:
        if facts.id in site.ranked and facts.id != CONTROL:
            found.setdefault(facts.family, []).append(facts)
    return found


def _best_mode(site: SiteCase, decision: UseCaseDecision, verdict: Verdict) -> BestMode:
    return BestMode(
        target=anchor("scores", site.folder, decision.use_case),
        runtime=verdict.runtime,
        state=standing_state(verdict.standing),
        score=score_text(verdict.score),
    )


def _product(site: SiteCase, family: str, modes: Sequence[RuntimeFacts]) -> Product:
    ids = {facts.id for facts in site.manifest.runtimes if facts.family == family}  # modes among them
    best = []
    for decision in site.decision.use_cases:  # whose verdicts stand in order, the best first
        verdict = next((verdict for verdict in decision.verdicts if verdict.runtime in ids), None)
        best.append(None if verdict is None else _best_mode(site, decision, verdict))
    return Product(
        name=product_name(family, modes[0].version),
        version=modes[0].version,
        modes=sum(facts.present for facts in modes),
        best=tuple(best),
    )


def _standing_of_nobody(decision: UseCaseDecision) -> Standing:
    """Where nobody runs: knocked out, unless nothing was measured at all."""
    standings = {verdict.standing for verdict in decision.verdicts}
    return Standing.KNOCKED_OUT if Standing.KNOCKED_OUT in standings else Standing.NOT_MEASURED


def _card(case: Case, site: SiteCase, decision: UseCaseDecision, doubts: Sequence[str]) -> Card:
    use_case = case.criteria.use_cases[decision.use_case]
    out = {Standing.KNOCKED_OUT, Standing.NOT_MEASURED}
    running = [verdict for verdict in decision.verdicts if verdict.standing not in out]
    leader = next((v for v in running if v.runtime == decision.winner), running[0] if running else None)
    rivals = [verdict for verdict in running if verdict is not leader]
    ranked = leader is not None and leader.standing is not Standing.UNDECIDED
    if decision.winner:
        headline = decision.winner
    elif leader and leader.standing is Standing.DEPENDS:
        headline = "It depends"
    elif leader:
        headline = "No clear winner"
    else:
        headline = "No candidate"
    return Card(
        target=anchor("scores", site.folder, decision.use_case),
        title=use_case.title,
        story=use_case.story,
        headline=headline,
        state=standing_state(leader.standing if leader else _standing_of_nobody(decision)),
        sentence=decision.brief,
        p_first=leader.p_first if leader and rivals and ranked else None,
        at_least=any(verdict.score.value is None for verdict in running),
        confidence=decision.confidence.word if decision.confidence else "",
        notes=tuple(doubts.index(doubt.note) + 1 for doubt in decision.confidence.doubts)
        if decision.confidence
        else (),
        example=bool(decision.confidence and decision.confidence.example),
        leader=leader.runtime if leader else "",
        knocked_out=tuple(v for v in decision.verdicts if v.standing is Standing.KNOCKED_OUT),
        measure_next=tuple(each.what for each in decision.measure_next),
    )
