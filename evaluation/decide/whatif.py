"""The same decision under other assumptions: other weights, gaps filled in, knock-outs set aside.

Nothing here is a finding. It answers what a reader asks before signing the weights: would it be another
runtime if the unknown turned out badly, or if we accepted what knocks it out?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from evaluation.decide.chances import Key, Noise, simulate
from evaluation.decide.criteria import Criteria, Method
from evaluation.decide.knockouts import family_of, open_vetoes
from evaluation.decide.lengths import lengths_of
from evaluation.decide.losses import Losses, with_losses
from evaluation.decide.objectives import Section
from evaluation.decide.scenarios import Length, parts_of, scenarios
from evaluation.decide.standing import Ranking, depending, rank
from evaluation.decide.value import UNKNOWN, filled, total
from evaluation.model import CONTROL, Finding, Scenario, Score, SiteDecision, Standing, UseCaseDecision
from evaluation.sites import Site

__all__ = ["Gaps", "Imagined", "Table", "imagine", "table"]


class Gaps(StrEnum):
    """What is put where evidence is missing."""

    DECLARED = "open"
    """The whole scale, from worst to best: what the report itself does."""
    WORST = "worst"
    MIDDLE = "middle"
    BEST = "best"


_FILLING = {Gaps.WORST: 0.0, Gaps.MIDDLE: 0.5, Gaps.BEST: 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What one use case at one site was decided from.

    ``runtimes`` are those about which there is evidence, in the order of their ids; ``knocked_out`` and
    ``unresolved`` say why by runtime, the latter by the ids of the criteria that are not known.
    """

    runtimes: tuple[str, ...]
    scores: Mapping[Key, Score]
    noise: Noise
    knocked_out: Mapping[str, tuple[str, ...]]
    unresolved: Mapping[str, tuple[str, ...]]
    losses: Losses | None = None
    """What a unit of the work loses, where a use case declares it."""
    sections: tuple[Section, ...] = ()
    criteria: Criteria | None = None
    use_case: str = ""
    """For the declared scenarios; the other sites are not among what is imagined."""

    def gaps(self, weights: Mapping[str, float]) -> int:
        """Count what is not known of what has weight."""
        return sum(
            self.scores.get((name, runtime), UNKNOWN).value is None
            for name, weight in weights.items()
            if weight > 0
            for runtime in self.runtimes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Imagined:
    """The ranking under some assumptions, with what it rests on."""

    ranking: Ranking
    scores: Mapping[str, Score]
    chances: Mapping[str, float]
    scenarios: tuple[Scenario, ...] = ()


def table(
    decision: SiteDecision,
    use_case: UseCaseDecision,
    criteria: Criteria,
    site: Site,
    *,
    noise: Noise,
    families: Mapping[str, str],
    losses: Losses | None = None,
) -> Table:
    """Lay out again what a use case was decided from.

    ``noise`` is what `evaluation.decide.chances.noise` gives for the rows of the runtimes, ``families`` are
    theirs by id, as for `evaluation.decide.score.decide`, ``losses`` those of this use case.
    """
    rows = decision.rows_of(use_case.use_case)
    scores = {(row.criterion, row.runtime): row.score for row in rows if row.runtime != CONTROL}
    found: dict[str, dict[str, Finding]] = {runtime: {} for _, runtime in sorted(scores, key=lambda k: k[1])}
    for row in rows:
        if row.runtime in found and row.finding is not None:
            found[row.runtime][row.criterion] = row.finding
    spoken_of = {verdict.runtime for verdict in use_case.verdicts}  # of each product its best mode
    runtimes = tuple(
        runtime
        for runtime, findings in found.items()
        if runtime in spoken_of and any(finding.outcome.is_evidence for finding in findings.values())
    )
    rules = criteria.use_cases[use_case.use_case]
    missing = {
        runtime: open_vetoes(runtime, family_of(runtime, families), found[runtime], site, rules)
        for runtime in runtimes
    }
    return Table(
        runtimes=runtimes,
        scores=scores,
        noise=with_losses(noise, losses, criteria),
        losses=losses,
        knocked_out={
            verdict.runtime: verdict.reasons
            for verdict in use_case.verdicts
            if verdict.standing is Standing.KNOCKED_OUT
        },
        unresolved={runtime: names for runtime, names in missing.items() if names},
        sections=criteria.sections(),
        criteria=criteria,
        use_case=use_case.use_case,
    )


def imagine(
    on: Table,
    weights: Mapping[str, float],
    method: Method,
    *,
    gaps: Gaps = Gaps.DECLARED,
    knock_outs: bool = True,
) -> Imagined:
    """Decide again.

    Parameters
    ----------
    on : Table
        What it is decided from.
    weights : mapping of str to float
        Points per criterion id.
    method : Method
        Bar, tie margin, range of weights, draws.
    gaps : Gaps
        What is put where evidence is missing.
    knock_outs : bool
        ``False`` lets everyone compete who was measured, and asks no veto.

    Raises
    ------
    EvaluationError
        No criterion has any weight.
    """
    competing = tuple(r for r in on.runtimes if not (knock_outs and r in on.knocked_out))
    scores = {
        (name, runtime): _filled(on.scores.get((name, runtime), UNKNOWN), gaps)
        for name in weights
        for runtime in competing
    }
    totals = {
        runtime: total(weights, {name: scores[name, runtime] for name in weights})[0] for runtime in competing
    }
    chances = simulate(
        competing, scores, weights, on.noise, method=method, weight_range=method.weight_range.value
    ).chances()
    ranking = rank(
        totals,
        chances,
        bar=method.p_first_bar.value,
        tie_margin=method.score_tie_margin.value,
        unresolved=on.unresolved if knock_outs else (),
    )
    changed = _scenarios(on, on.criteria, weights, ranking.order, scores, gaps) if on.criteria else ()
    return Imagined(ranking=depending(ranking, changed), scores=totals, chances=chances, scenarios=changed)


def _scenarios(
    on: Table,
    rules: Criteria,
    weights: Mapping[str, float],
    order: tuple[str, ...],
    scores: Mapping[Key, Score],
    gaps: Gaps,
) -> tuple[Scenario, ...]:
    def score(criterion: str, runtime: str) -> Score:
        return scores.get((criterion, runtime), UNKNOWN)

    losses = on.losses.losses if on.losses else ()
    return scenarios(
        rules.scenarios,
        parts_of(on.sections, weights),
        order,
        score,
        tie_margin=rules.method.score_tie_margin.value,
        lengths=tuple(
            _without_gaps(each, gaps) for each in lengths_of(rules, on.use_case, weights, losses, score)
        ),
    )


def _without_gaps(length: Length, gaps: Gaps) -> Length:
    return replace(length, score=lambda name, runtime: _filled(length.score(name, runtime), gaps))


def _filled(score: Score, gaps: Gaps) -> Score:
    return score if gaps is Gaps.DECLARED else filled(score, _FILLING[gaps])
