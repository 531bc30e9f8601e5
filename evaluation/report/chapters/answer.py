"""The answer per use case, how sure it is, what it costs and on how much it rests: the first page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from evaluation.decide.offered import best_offered
from evaluation.model import CONTROL, Standing, UseCaseDecision, Verdict
from evaluation.reasons import shortened
from evaluation.report.banners import Banner, banners
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.names import Names, offer_name
from evaluation.report.places import Places
from evaluation.report.source import Case, SiteCase
from evaluation.report.text import in_short
from evaluation.report.topics import Item, Topic, disagreeing, leading_in, topics
from evaluation.report.words import State, score_text, standing_state
from evaluation.store import RuntimeFacts
from evaluation.units import count, quantity, share

__all__ = ["answer"]

_LEADING: Final = frozenset(
    {
        Standing.RECOMMENDED,
        Standing.TIED,
        Standing.DEPENDS,
        Standing.TOO_CLOSE,
        Standing.UNDECIDED,
    }
)
_OF_THE_ANSWER: Final = frozenset({"interval wider than the margin", "weight not measured", "sites disagree"})
"""Doubts about how the answer came about; the others are about the machine."""
_CHOICE: Final = 3
"""So many names are a choice; of more than that one is named, and the rest counted."""
_REASON: Final = 110
"""Characters of a reason, so that the page stays one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The answer for one use case.

    ``headline`` is a product, or what is to be chosen from; ``mode`` says how the product runs. ``of`` names
    whom the rest of the card is about, where the headline does not. ``notes`` are the numbers of the doubts
    below the cards. ``p_first``
    is the chance that ``leader`` is first, unless missing evidence leaves that open; ``at_least`` says that
    it is a lower bound. ``knocked_out`` has name, reason in short, and how many more there are. All of it
    stands in full behind ``target``, the ranks behind ``ranks``.
    """

    target: str
    ranks: str
    title: str
    story: str
    headline: str
    mode: str
    of: str
    state: State
    sentence: str
    p_first: float | None
    at_least: bool
    confidence: str
    notes: tuple[int, ...]
    example: bool
    leader: str
    topics: tuple[Topic, ...]
    knocked_out: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BestMode:
    """How the best of a product's ranked modes stands in one use case."""

    target: str
    mode: str
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
class SiteRow:
    """What one site offers its users, and per use case who is first there and the best of the offer.

    ``cells`` is empty where nobody has measured.
    """

    title: str
    target: str
    offers: tuple[tuple[str, str], ...]
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """How much evidence there is, from where and when, and on what machine."""

    folder: str
    title: str
    measured: tuple[str, ...]
    absent: tuple[tuple[str, str], ...]
    cells: int
    filled: int
    started_at: str
    profile: str
    machine: str
    versions: tuple[str, ...]
    cards: tuple[Card, ...]
    doubted: str
    doubts: tuple[Item, ...]
    products: tuple[Product, ...]
    rows: tuple[SiteRow, ...]
    banners: tuple[Banner, ...]


def answer(case: Case) -> Chapter:
    """Show who is recommended for what, before anything else: one page for each measured site."""
    return chapter("answer", sites=tuple(_basis(case, site) for site in case.measured))


def _basis(case: Case, site: SiteCase) -> Basis:
    names, places = Names(site.manifest.runtimes), Places(case)
    host = site.manifest.host
    doubts = tuple(dict.fromkeys(doubt for each in site.decision.use_cases for doubt in _doubts(site, each)))
    return Basis(
        folder=anchor(site.folder),
        title=case.title(site),
        measured=tuple(names.short(runtime) for runtime in site.measured),
        absent=tuple((names.short(runtime), shortened(reason, _REASON)) for runtime, reason in site.absent),
        cells=len(site.tried) * len(site.ranked),
        filled=sum(
            finding.outcome.is_evidence
            for (_, runtime), finding in site.cells.items()
            if runtime in site.ranked
        ),
        started_at=site.manifest.started_at,
        profile=site.manifest.profile,
        machine=", ".join(
            (
                host.system,
                f"kernel {host.kernel}",
                host.cpu,
                count(host.cores, "core"),
                quantity(host.memory_bytes, "B"),
                *((host.virtualisation,) if "machine" in host.virtualisation else ()),
            )
        ),
        versions=tuple(
            dict.fromkeys(
                f"{names.product(facts.id).partition(' (')[0]} {_bare(facts.version)}".strip()
                for facts in site.manifest.runtimes
                if facts.id in site.measured
            )
        ),
        cards=tuple(_card(case, site, each, doubts, names, places) for each in site.decision.use_cases),
        doubted=anchor("doubts", site.folder),
        doubts=doubts,
        products=tuple(_product(site, names, modes) for modes in _families(site).values()),
        rows=tuple(_rows(case)),
        banners=banners(case, site),
    )


def _bare(version: str) -> str:
    """A version without its product's name."""
    return version.rpartition(" ")[2] if any(letter.isdigit() for letter in version) else "(version not told)"


def _rows(case: Case) -> Iterator[SiteRow]:
    """Every site, the measured ones first."""
    for site in case.measured:
        names = Names(site.manifest.runtimes)
        offers = case.offers(site)
        cells = []
        for decision in site.decision.use_cases:
            first = [verdict.runtime for verdict in decision.verdicts if verdict.standing in _LEADING]
            best = best_offered(decision, offers, site.families)
            offered = "" if best is None else f"{names.short(best.runtime)}, {best.standing}"
            cells.append((_choice(names, first) or "nobody", offered))
        yield SiteRow(
            title=case.title(site),
            target=anchor("site", site.folder),
            offers=tuple((offer_name(offer.name), offer.date) for offer in offers),
            cells=tuple(cells),
        )
    measured = {site.site for site in case.measured}
    for name, known in case.sites.items():
        if name not in measured and (known.facts or known.offers):
            offers = known.offers
            yield SiteRow(
                title=known.title,
                target=anchor("site", name),
                offers=tuple((offer_name(offer.name), offer.date) for offer in offers),
                cells=(),
            )


def _families(site: SiteCase) -> dict[str, list[RuntimeFacts]]:
    """Ranked runtimes by the product that they are modes of, measured or not."""
    found: dict[str, list[RuntimeFacts]] = {}
    for facts in site.manifest.runtimes:
        if facts.id in site.ranked and facts.id != CONTROL:
            found.setdefault(facts.family, []).append(facts)
    return found


def _best_mode(site: SiteCase, names: Names, decision: UseCaseDecision, verdict: Verdict) -> BestMode:
    return BestMode(
        target=anchor("scores", site.folder, decision.use_case, verdict.runtime),
        mode=names.mode(verdict.runtime),
        state=standing_state(verdict.standing),
        score=score_text(verdict.score),
    )


def _product(site: SiteCase, names: Names, modes: Sequence[RuntimeFacts]) -> Product:
    family = modes[0].family  # whose other modes compete among its verdicts
    ids = {facts.id for facts in site.manifest.runtimes if facts.family == family}
    best = []
    for decision in site.decision.use_cases:  # whose verdicts stand in order, the best first
        verdict = next((verdict for verdict in decision.verdicts if verdict.runtime in ids), None)
        best.append(None if verdict is None else _best_mode(site, names, decision, verdict))
    return Product(
        name=names.product(modes[0].id),
        version=_bare(modes[0].version) if modes[0].version else "",
        modes=sum(facts.present for facts in modes),
        best=tuple(best),
    )


def _standing_of_nobody(decision: UseCaseDecision) -> Standing:
    """Where nobody runs: knocked out, unless nothing was measured at all."""
    standings = {verdict.standing for verdict in decision.verdicts}
    return Standing.KNOCKED_OUT if Standing.KNOCKED_OUT in standings else Standing.NOT_MEASURED


def _choice(names: Names, runtimes: Sequence[str]) -> str:
    """Name whom to choose from; nobody where that is no choice."""
    shorts = [names.short(runtime) for runtime in runtimes]
    return " or ".join(shorts) if len(shorts) <= _CHOICE else f"{shorts[0]} or {len(shorts) - 1} others"


def _doubts(site: SiteCase, decision: UseCaseDecision) -> Iterator[Item]:
    """Give what takes from the confidence in an answer, with where that is seen."""
    for doubt in decision.confidence.doubts if decision.confidence else ():
        of_answer = doubt.name in _OF_THE_ANSWER
        target = _ranks(site, decision) if of_answer else anchor("run", site.folder)
        yield Item(text=doubt.note, target=target)


def _ranks(site: SiteCase, decision: UseCaseDecision) -> str:
    """Where the ranks of a use case stand, or else its scores."""
    return anchor("robustness" if decision.robustness else "scores", site.folder, decision.use_case)


def _card(
    case: Case,
    site: SiteCase,
    decision: UseCaseDecision,
    doubts: Sequence[Item],
    names: Names,
    places: Places,
) -> Card:
    use_case = case.criteria.use_cases[decision.use_case]
    out = {Standing.KNOCKED_OUT, Standing.NOT_MEASURED}
    running = [verdict for verdict in decision.verdicts if verdict.standing not in out]
    leader = next((v for v in running if v.runtime == decision.winner), running[0] if running else None)
    rivals = [verdict for verdict in running if verdict is not leader]
    ranked = leader is not None and leader.standing is not Standing.UNDECIDED
    alone = leader is not None and (decision.winner is not None or not rivals)
    leading = [verdict.runtime for verdict in running if verdict.standing in _LEADING]
    return Card(
        target=anchor("scores", site.folder, decision.use_case),
        ranks=_ranks(site, decision),
        title=use_case.title,
        story=use_case.story,
        headline=_headline(names, decision, leader, leading, alone=alone),
        mode=names.mode(leader.runtime) if leader and alone else "",
        of=names.full(leader.runtime) if leader and not alone else "",
        state=standing_state(leader.standing if leader else _standing_of_nobody(decision)),
        sentence=_sentence(names, decision, leader, rivals),
        p_first=leader.p_first if leader and rivals and ranked else None,
        at_least=any(verdict.score.value is None for verdict in running),
        confidence=decision.confidence.word if decision.confidence else "",
        notes=tuple(doubts.index(doubt) + 1 for doubt in _doubts(site, decision)),
        example=bool(decision.confidence and decision.confidence.example),
        leader=names.short(leader.runtime) if leader else "",
        topics=topics(case, site, decision, leader.runtime, names, places) if leader else (),
        knocked_out=tuple(
            (names.short(v.runtime), shortened(in_short(v.reasons), _REASON), len(v.reasons) - 1)
            for v in decision.verdicts
            if v.standing is Standing.KNOCKED_OUT
        ),
    )


def _headline(
    names: Names, decision: UseCaseDecision, leader: Verdict | None, leading: Sequence[str], *, alone: bool
) -> str:
    if leader is None:
        return "No candidate"
    if leader.standing is Standing.DEPENDS and (against := disagreeing(decision)):
        return f"Depends on {against[0].turns_on}"
    return names.product(leader.runtime) if alone else _choice(names, leading)


def _sentence(
    names: Names, decision: UseCaseDecision, leader: Verdict | None, rivals: Sequence[Verdict]
) -> str:
    """Say the answer without what stands beside it on the card already."""
    if leader is None:
        return "No runtime that was measured here may be chosen."
    if not rivals:
        return "It is the only one that may be chosen."
    if decision.winner is None:
        return _open(names, decision, leader)
    rival = rivals[0]
    if leader.score.value is None or rival.score.value is None:
        return f"{names.short(rival.runtime)} comes second."
    behind = share(leader.score.value - rival.score.value)
    return f"{names.short(rival.runtime)} comes second, {behind} of 1 behind."


def _open(names: Names, decision: UseCaseDecision, leader: Verdict) -> str:
    """Say why nobody is recommended, and what the answer turns on."""
    if leader.standing is Standing.DEPENDS and (against := disagreeing(decision)):
        signed, other = decision.scenarios[0], against[0]
        return f"As signed, {leading_in(signed, names)}; {other.condition}, {leading_in(other, names)}."
    if leader.standing is Standing.TIED:
        return "Their scores differ by less than the margin of a tie."
    if leader.standing is Standing.TOO_CLOSE and not decision.measure_next:
        return "The order depends on the weights, and more measuring would not settle it."
    return standing_state(leader.standing).meaning
