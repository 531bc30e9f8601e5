"""The whole decision once more under each declared change: whether one answer survives them all.

Exact: scores are summed up again, and nothing is drawn. A runtime is recommended only where every declared
scenario has the same first place as the weights as signed; else the answer says on what it turns
(``docs/decisions/0019-answers-that-survive-scenarios.md``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from evaluation.decide.answerrules import Change, ScenarioRule
from evaluation.decide.objectives import Section
from evaluation.decide.value import filled, total
from evaluation.model import Scenario, Score

__all__ = ["SIGNED", "Length", "Part", "leaders", "of_sites", "parts_of", "scenarios"]

SIGNED = "as signed"
"""The name of the first of all scenarios, in which nothing is changed."""

_EQUAL = 1e-12
"""Two sums of the same numbers in another order differ by less than this."""

Lookup = Callable[[str, str], Score]
"""``score(criterion, runtime)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One objective of a use case: the points of its criteria."""

    name: str
    title: str
    weights: Mapping[str, float]

    @property
    def points(self) -> float:
        """What the objective weighs."""
        return math.fsum(self.weights.values())


def parts_of(sections: Iterable[Section], weights: Mapping[str, float]) -> tuple[Part, ...]:
    """Give the objectives of a use case: the sections in which its weights are shown."""
    return tuple(
        Part(
            name=section.name,
            title=section.title,
            weights={name: weights[name] for name in section.criteria if weights.get(name, 0.0) > 0},
        )
        for section in sections
    )


def leaders(scores: Mapping[str, Score], tie_margin: float) -> tuple[str, ...]:
    """Name those who share the first place, or whom missing evidence could put there; the best first."""
    best_low = max((score.low for score in scores.values()), default=0.0)
    found = [name for name, score in scores.items() if score.high >= best_low - tie_margin - _EQUAL]
    return tuple(sorted(found, key=lambda name: (-_middle(scores[name]), name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """A unit of work that computes for less or longer than usual: what is worth what then."""

    name: str
    title: str
    condition: str
    turns_on: str
    score: Lookup


def scenarios(
    rules: Mapping[str, ScenarioRule],
    parts: Sequence[Part],
    runtimes: Sequence[str],
    score: Lookup,
    *,
    tie_margin: float,
    lengths: Sequence[Length] = (),
    ways: Mapping[str, Sequence[str]] | None = None,
    best: Callable[[Sequence[str], Mapping[str, Score]], str] | None = None,
) -> tuple[Scenario, ...]:
    """Decide a use case as signed, and again under every declared change that changes anything here.

    Parameters
    ----------
    rules : mapping of str to ScenarioRule
        As declared, by id. The other sites are not looked at here; see `of_sites`.
    parts : sequence of Part
        The objectives of the use case.
    runtimes : sequence of str
        Who competes: measured and not knocked out.
    score : callable
        ``score(criterion, runtime)``.
    tie_margin : float
        Scores closer than this are equal.
    lengths : sequence of Length, optional
        The short and the long unit of work, where the use case declares one.
    ways : mapping of str to sequence of str, optional
        For each of ``runtimes`` all the ways to run its product that may compete: in every scenario it
        stands with the score of the one that is ``best`` there.
    best : callable, optional
        Picks among ways by their scores.

    Returns
    -------
    tuple of Scenario
        The decision as signed first; empty where nobody competes.
    """
    parts = [part for part in parts if part.points > 0]
    if not runtimes or not parts:
        return ()
    desk = _Desk(
        parts=parts,
        runtimes=runtimes,
        score=score,
        tie_margin=tie_margin,
        lengths=lengths,
        ways=ways or {runtime: (runtime,) for runtime in runtimes},
        best=best or (lambda names, _: names[0]),
    )
    signed = desk.scenario(SIGNED, None, "As signed", "as signed", _together(parts), (), score)
    changed = (
        scenario for name, rule in rules.items() for scenario in desk.changed(name, rule.change, signed)
    )
    return (signed, *changed)


def of_sites(
    name: str, signed: Scenario, others: Sequence[tuple[str, str, Scenario]]
) -> tuple[Scenario, ...]:
    """Hold the decision as signed at one site against those of others.

    Sites are never averaged, and what is open at another site does not speak against this one: a scenario
    disagrees only where a runtime that is first here is surely not first there.

    Parameters
    ----------
    name : str
        The id of the rule that declares it.
    signed : Scenario
        The decision as signed, here.
    others : sequence of (str, str, Scenario)
        Of each other site its id, its title, and the decision as signed there.
    """
    return tuple(
        Scenario(
            name=f"{name}/{site}",
            change=Change.SITES,
            title=f"Measured at {title}",
            condition=f"at {title}",
            turns_on="the site",
            leaders=there.leaders,
            scores=there.scores,
            open=there.open,
            agrees=set(signed.leaders) <= set(there.leaders),
        )
        for site, title, there in others
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What every scenario of one use case is decided from."""

    parts: Sequence[Part]
    runtimes: Sequence[str]
    score: Lookup
    tie_margin: float
    lengths: Sequence[Length]
    ways: Mapping[str, Sequence[str]]
    best: Callable[[Sequence[str], Mapping[str, Score]], str]

    def scenario(
        self,
        name: str,
        change: Change | None,
        title: str,
        condition: str,
        weights: Mapping[str, float],
        signed: Sequence[str],
        score: Lookup,
        turns_on: str = "",
    ) -> Scenario:
        """Sum up under these weights; without ``signed`` leaders it agrees with itself."""
        every = {
            way: total(weights, {each: score(each, way) for each in weights})[0]
            for ways in self.ways.values()
            for way in ways
        }
        sums = {runtime: every[self.best(self.ways[runtime], every)] for runtime in self.runtimes}
        first = leaders(sums, self.tie_margin)
        return Scenario(
            name=name,
            change=change or "",
            title=title,
            condition=condition,
            turns_on=turns_on,
            leaders=first,
            scores=tuple(sums.items()),
            open=len(first) > 1 and any(sums[runtime].value is None for runtime in first),
            agrees=not signed or set(first) == set(signed),
        )

    def changed(self, name: str, change: Change, signed: Scenario) -> Iterator[Scenario]:
        """Give what one rule declares; nothing where it would change nothing here."""
        match change:
            case Change.ALIKE if len(self.parts) > 1:
                yield self._alike(name, signed)
            case Change.WITHOUT if len(self.parts) > 1:
                for part in self.parts:
                    rest = [each for each in self.parts if each is not part]
                    found = self.scenario(
                        f"{name}/{part.name}",
                        change,
                        f"Without: {part.title}",
                        f"leaving out {_within(part.title)}",
                        _together(rest),
                        signed.leaders,
                        self.score,
                        f"the weight of {_within(part.title)}",
                    )
                    if {*signed.leaders} < {*found.leaders}:  # nobody is better without it, only as good
                        found = replace(found, turns_on=f"whether {_within(part.title)} counts")
                    yield found
            case Change.LENGTH:
                for length in self.lengths:
                    yield self.scenario(
                        f"{name}/{length.name}",
                        change,
                        length.title,
                        length.condition,
                        _together(self.parts),
                        signed.leaders,
                        length.score,
                        length.turns_on,
                    )
            case Change.WORST | Change.BEST if any(score.value is None for _, score in signed.scores):
                word, at = ("worst", 0.0) if change is Change.WORST else ("best", 1.0)
                yield self.scenario(
                    name,
                    change,
                    f"What is not measured at its {word}",
                    f"with what is not measured at its {word}",
                    _together(self.parts),
                    signed.leaders,
                    lambda criterion, runtime: filled(self.score(criterion, runtime), at),
                    "what is not measured yet",
                )

    def _alike(self, name: str, signed: Scenario) -> Scenario:
        alike = {
            criterion: points / part.points
            for part in self.parts
            for criterion, points in part.weights.items()
        }
        found = self.scenario(
            name,
            Change.ALIKE,
            "All objectives alike",
            "with all objectives alike",
            alike,
            signed.leaders,
            self.score,
        )
        if found.agrees:
            return found
        part = self._lived_by(signed.leaders[0], next(iter({*found.leaders} - {*signed.leaders}), None))
        return replace(found, turns_on=f"the weight of {_within(part.title)}")

    def _lived_by(self, first: str, rival: str | None) -> Part:
        """Find the objective that puts the first most ahead of a rival, or of everybody else's best."""
        rivals = [rival] if rival else [runtime for runtime in self.runtimes if runtime != first]

        def lead(part: Part) -> float:
            return sum(
                points
                * (
                    _middle(self.score(criterion, first))
                    - max((_middle(self.score(criterion, each)) for each in rivals), default=0.0)
                )
                for criterion, points in part.weights.items()
            )

        return max(self.parts, key=lead)


def _together(parts: Sequence[Part]) -> dict[str, float]:
    return {criterion: points for part in parts for criterion, points in part.weights.items()}


def _within(title: str) -> str:
    """Write a title as it stands within a sentence."""
    return title[:1].lower() + title[1:]


def _middle(score: Score) -> float:
    return (score.low + score.high) / 2 if score.value is None else score.value
