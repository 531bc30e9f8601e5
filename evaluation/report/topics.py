"""What a card of the first page says below its answer: what speaks against it, its risk, and what to do.

Every line is one claim with the place of its proof. Nothing here is read out of a sentence: lines are made
from findings, points and the decision's fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from evaluation.decide.prosandcons import Point, absolute
from evaluation.model import Delta, Finding, Outcome, Role, Scenario, Severity, UseCaseDecision
from evaluation.reasons import shortened
from evaluation.report.losswords import lost, together
from evaluation.report.markup import anchor, listed
from evaluation.report.names import Names
from evaluation.report.places import Places, delta_of
from evaluation.report.source import Case, SiteCase
from evaluation.report.text import first_sentence
from evaluation.sites import Acceptance
from evaluation.store import RuntimeFacts
from evaluation.units import count, lasting, percent, reached

__all__ = ["Item", "Topic", "disagreeing", "leading_in", "topics"]

_ASIDE: Final = re.compile(r" \([^()]*\)")
_LONG: Final = 118
"""Characters of a line, so that a card stays on its page."""
_SHOWN: Final = 2
_NAMED: Final = 3
"""So many names are read; of more the first are, and the rest is counted."""
_FAILED: Final = frozenset({Outcome.FAILS, Outcome.SOMETIMES, Outcome.UNSUPPORTED})
_SEVERITIES: Final = (Severity.HIGH, Severity.MEDIUM, Severity.LOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line; ``target`` is the id of the element that proves it."""

    text: str
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A question that a card answers, with its lines; ``rest`` says how many there are beside these."""

    title: str
    items: tuple[Item, ...]
    rest: Item | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """One use case of one site, and the runtime of which its card speaks."""

    case: Case
    site: SiteCase
    decision: UseCaseDecision
    leader: str
    names: Names
    places: Places

    @property
    def own(self) -> dict[str, Finding]:
        """What is known of the leader, by probe."""
        return {probe: found for (probe, runtime), found in self.site.cells.items() if runtime == self.leader}

    @property
    def cons(self) -> tuple[Point, ...]:
        """Points against the leader in this use case, the heaviest first."""
        return tuple(
            point
            for point in self.site.points
            if point.use_case == self.decision.use_case
            and point.runtime == self.leader
            and not point.favourable
        )

    @property
    def changes(self) -> str:
        """Where it stands what every runtime changes for a plain job."""
        return anchor("changes", self.site.folder) if self.site.attempts else ""

    def place(self, probe: str, runtime: str = "") -> str:
        """Where the evidence of a probe in a runtime stands; of the leader, if none is named."""
        return self.places.own(self.site, probe, runtime or self.leader)


def topics(
    case: Case, site: SiteCase, decision: UseCaseDecision, leader: str, names: Names, places: Places
) -> tuple[Topic, ...]:
    """Say what speaks against the leader, what is risked and done with it, and what would change our mind."""
    card = _Card(case=case, site=site, decision=decision, leader=leader, names=names, places=places)
    return (
        _topic("Time lost", _lost(card), "Not reckoned: no work is declared, or it was not measured."),
        _topic("What speaks against it", _against(card), "Nothing that was measured and weighed."),
        _risk(card),
        _topic("On Monday", _monday(card), "Nothing has to be set."),
        _mind(card),
        _topic("Relevant, and not measured", _unmeasured(card), "Nothing: all that is weighed was measured."),
    )


def _topic(title: str, items: Iterable[Item], none: str, *, more: str = "") -> Topic:
    found = tuple(items)
    left = len(found) - _SHOWN
    return Topic(
        title=title,
        items=found[:_SHOWN] or (Item(text=none, target=more),),
        rest=Item(text=f"and {left} more", target=more or found[_SHOWN].target) if left > 0 else None,
    )


def _brief(text: str) -> str:
    """One claim without its asides."""
    claim = _ASIDE.sub("", text).partition("; ")[0].removesuffix(".")
    return shortened(claim, _LONG)


def _seen(found: Finding) -> str:
    """What was seen, without the runtime's id: the card is about nobody else."""
    return _brief(found.message.removeprefix(f"{found.runtime}: "))


def _label(name: str) -> str:
    return name.replace("_", " ")


# ---- the time lost ----------------------------------------------------------------------------------


def _lost(card: _Card) -> Iterator[Item]:
    """Say what a unit of work loses in seconds, and a thousand of them together."""
    work = card.case.criteria.use_cases[card.decision.use_case].work
    found = next((loss for loss in card.decision.losses if loss.runtime == card.leader), None)
    if work is None or found is None:
        return
    target = anchor("time-lost", card.site.folder, card.decision.use_case)
    length = lasting(found.lengths[1][0])
    yield Item(text=f"{lost(found)} per {work.unit} of {length}", target=target)
    yield Item(text=f"Per 1,000 {work.units}: {together(found, 1000)}", target=target)


# ---- what speaks against it -------------------------------------------------------------------------


def _against(card: _Card) -> Iterator[Item]:
    """Give the weighed points against it but for security; then what it cannot do, and another can."""
    weighed = set()
    for point in card.cons:
        weighed.add(point.probe)
        if point.finding.texts.group != "security" and point.finding.comparison != "unresolved":
            said = absolute(point.finding) or _seen(point.finding)
            yield Item(text=f"{_label(point.criterion).capitalize()}: {said}", target=card.place(point.probe))
    ranked = [runtime for runtime in card.site.measured if runtime != card.leader]
    lacks: list[tuple[int, str, Finding]] = []
    for probe, found in card.own.items():
        if probe in weighed or found.outcome not in _FAILED or found.texts.group in {"security", "batch"}:
            continue
        able = sum(
            (other := card.site.cells.get((probe, runtime))) is not None and other.outcome is Outcome.HOLDS
            for runtime in ranked
        )
        if able:
            lacks.append((-able, probe, found))
    for able, probe, found in sorted(lacks, key=lambda row: row[:2]):
        others = f"{count(-able, 'other')} can" if -able > 1 else "another can"
        yield Item(text=f"{_label(probe).capitalize()}: {_seen(found)} ({others})", target=card.place(probe))


# ---- the risk ---------------------------------------------------------------------------------------


def _risk(card: _Card) -> Topic:
    """Say what the runtime adds to what a plain job could do; then what it leaves open of what is weighed."""
    added = sorted(
        (found for found in card.own.values() if delta_of(found) is Delta.ADDED),
        key=lambda found: (
            _SEVERITIES.index(found.texts.severity or Severity.HIGH),
            found.texts.checklist_id,
        ),
    )
    probes = {found.probe for found in added}
    open_ = [
        point.finding
        for point in card.cons
        if point.finding.texts.group == "security" and point.probe not in probes
    ]
    accepted = [rule.reason for rule in _accepted(card)]
    items = [
        *(Item(text=f"The site accepts: {_brief(reason)}") for reason in accepted),
        *(Item(text=_exposed(found), target=card.place(found.probe)) for found in added),
        *(
            Item(text=f"{_exposed(found)}, as in any plain job", target=card.place(found.probe))
            if found.delta is Delta.SAME
            else Item(text=_exposed(found), target=card.place(found.probe))
            for found in open_
        ),
    ]
    none = "None seen that a plain job of the user has not"
    return _topic("The risk you accept", items, none, more=card.changes)


def _exposed(found: Finding) -> str:
    rated = f" ({found.texts.severity})" if found.texts.severity else ""
    return f"{found.texts.checklist_id}{rated}: {_seen(found)}".removeprefix(": ")


def _accepted(card: _Card) -> Iterator[Acceptance]:
    """Find what would knock the leader out, had the site not accepted it."""
    known = card.case.sites.get(card.site.site)
    family = card.site.families.get(card.leader, card.leader)
    vetoes = {veto.criterion for veto in card.case.criteria.use_cases[card.decision.use_case].knock_outs}
    for rule in known.policy.accepts if known else ():
        if rule.criterion in vetoes and rule.holds_for(rule.criterion, card.leader, family):
            found = card.own.get(card.case.criteria.criteria[rule.criterion].probe)
            if found is not None and found.outcome in _FAILED:
                yield rule


# ---- on Monday --------------------------------------------------------------------------------------


def _monday(card: _Card) -> Iterator[Item]:
    """Give the options that close what is open, each tried here; then the remedies of what they leave."""
    own = next((facts for facts in card.site.manifest.runtimes if facts.id == card.leader), None)
    if own and own.options:
        text = shortened(f"Start it with {' '.join(own.options)}: so it was rated", 2 * _LONG)
        yield Item(text=text, target=anchor("versions", card.site.folder))
    open_ = [found for found in card.own.values() if found.outcome in _FAILED and _minds(card, found)]
    mode, closed, opened = _best_mode(card, open_)
    if mode:
        shut = listed([found.texts.checklist_id or _label(found.probe) for found in closed])
        how = (
            f"start it with {' '.join(mode.options)}"
            if mode.options
            else f"run it as {card.names.full(mode.id)}"
        )
        also = f", and opens {listed(opened)}" if opened else ""
        text = shortened(f"{how[0].upper()}{how[1:]}: closes {shut}{also} (tried here)", 2 * _LONG)
        yield Item(text=text, target=card.place(closed[0].probe, mode.id))
    for found in open_:
        if found not in closed and found.texts.remedy:
            name = found.texts.checklist_id or _label(found.probe)
            remedy = shortened(first_sentence(found.texts.remedy).removesuffix("."), _LONG)
            yield Item(text=f"{name}: {remedy}", target=card.place(found.probe))
    if card.site.manifest.label or card.site.borrowed_only:
        yield Item(text="Measure your own machines: make report", target=anchor("site", card.site.folder))


def _minds(card: _Card, found: Finding) -> bool:
    """Whether a failure is the runtime's own doing, or weighs in this use case."""
    return delta_of(found) is Delta.ADDED or any(found.probe == point.probe for point in card.cons)


def _best_mode(
    card: _Card, open_: list[Finding]
) -> tuple[RuntimeFacts | None, tuple[Finding, ...], tuple[str, ...]]:
    """Find the mode of the leader's family that closes most of it; and what that mode opens instead."""
    family = card.site.families.get(card.leader)
    best: tuple[RuntimeFacts | None, tuple[Finding, ...], tuple[str, ...]] = (None, (), ())
    for facts in card.site.manifest.runtimes:
        if facts.family != family or not facts.present or facts.role is not Role.VARIANT:
            continue
        if facts.id == card.leader:
            continue
        cells = {probe: found for (probe, runtime), found in card.site.cells.items() if runtime == facts.id}
        closed = tuple(
            found
            for found in open_
            if (other := cells.get(found.probe)) is not None and other.outcome is Outcome.HOLDS
        )
        opened = tuple(
            other.texts.checklist_id or _label(probe)
            for probe, other in cells.items()
            if other.outcome in _FAILED
            and other.texts.group in {"security", "batch"}
            and (own := card.own.get(probe)) is not None
            and own.outcome is Outcome.HOLDS
        )
        if (len(closed), -len(opened)) > (len(best[1]), -len(best[2])):
            best = facts, closed, opened
    return best


# ---- what would change our mind ---------------------------------------------------------------------


def _mind(card: _Card) -> Topic:
    """Name the evidence that would decide; where all is decided, the smallest change that would turn it."""
    decision, held = card.decision, card.decision.robustness
    target = anchor("scores", card.site.folder, decision.use_case)
    if decision.measure_next:
        items = [Item(text=_wanted(each.what), target=target) for each in decision.measure_next]
        return _topic("What would change our mind", items, "", more=target)
    if held:
        target = anchor("robustness", card.site.folder, decision.use_case)
    found = []
    for each in disagreeing(decision)[1:]:
        said = shortened(f"{each.condition}: {leading_in(each, card.names)}", _LONG)
        found.append(Item(text=said[0].upper() + said[1:], target=target))
    if held and held.flip:
        name, points, rival = held.flip
        now = next((item.weight for item in held.stability if item.criterion == name), 0.0)
        weight = f"{_label(name).capitalize()} counting {reached(now, points)} points, not {now:g}"
        found.append(Item(text=f"{weight}: {card.names.short(rival)}", target=target))
    if held and held.without:
        by_rival: dict[str, list[str]] = {}
        for name, rival in held.without:
            by_rival.setdefault(rival, []).append(_label(name))
        found += [
            Item(text=shortened(f"Without {listed(names)}: {card.names.short(rival)}", _LONG), target=target)
            for rival, names in by_rival.items()
        ]
    return _topic("What would change our mind", found, "No single weight, whatever it is.", more=target)


def _wanted(what: str) -> str:
    """Say what to measure in words, not by the ids that commands take."""
    said = _brief(_label(what))
    return said[:1].upper() + said[1:]


def disagreeing(decision: UseCaseDecision) -> list[Scenario]:
    """Give the scenarios in which others are first, those first that leave out who is first as signed."""
    signed = set(decision.scenarios[0].leaders) if decision.scenarios else set()
    against = [each for each in decision.scenarios if not each.agrees]
    return sorted(against, key=lambda each: signed <= set(each.leaders))


def leading_in(scenario: Scenario, names: Names) -> str:
    """Say who is first in a scenario."""
    found = [names.short(runtime) for runtime in scenario.leaders]
    if len(found) > _NAMED:
        found = [*found[: _NAMED - 1], f"{len(found) - _NAMED + 1} others"]
    if len(found) == 1:
        return f"{found[0]} is first"
    if scenario.open:
        return f"{' or '.join(found)} could be first"
    return f"{listed(found)} are alike"


# ---- what is not measured ---------------------------------------------------------------------------


def _unmeasured(card: _Card) -> Iterator[Item]:
    """Give what is weighed and unknown of whoever competes, by its share; then what this run left out."""
    own, use_case = card.case.sites.get(card.site.site), card.decision.use_case
    weights = card.case.criteria.weights(use_case, own.batch.engine if own else "")
    total = sum(weights.values())
    rows = card.site.decision.rows
    worth = {(row.criterion, row.runtime): row.score for row in rows if row.use_case in {"", use_case}}
    field = [verdict.runtime for verdict in card.decision.verdicts if verdict.p_first is not None]
    target = anchor("scores", card.site.folder, card.decision.use_case)
    for name, weight in sorted(weights.items(), key=lambda row: -row[1]):
        unknown = [r for r in field if (score := worth.get((name, r))) is None or score.value is None]
        if weight and unknown:
            of = (
                "" if len(unknown) == len(field) else f", of {listed([card.names.short(r) for r in unknown])}"
            )
            text = f"{_label(name).capitalize()}{of}: {percent(weight / total)} of the weight"
            yield Item(text=shortened(text, _LONG), target=target)
    left = [probe for probes in card.site.left_out.values() for probe in probes]
    if left:
        text = f"Not in this run: {count(len(left), 'probe')}, such as {_label(left[0])}"
        yield Item(text=text, target=card.places.probe(card.site, left[0]))
