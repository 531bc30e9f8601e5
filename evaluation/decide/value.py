"""The additive value on declared scales: what a finding is worth, and what a runtime sums up to.

Additive value model: R. L. Keeney and H. Raiffa, Decisions with Multiple Objectives (1976). Two
laws are held here. An unknown is the whole scale, from worst to best, and weights are never
renormalised over what happens to be there (law 1). Scales are declared, so that removing a loser
cannot change the winner (law 4).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from evaluation.decide.criteria import (
    Criteria,
    Criterion,
    LossCriterion,
    MeasuredCriterion,
    OutcomeCriterion,
)
from evaluation.errors import EvaluationError
from evaluation.model import CONTROL_AGAIN, CriterionRow, Finding, Outcome, Score

__all__ = [
    "UNKNOWN",
    "credit_of_share",
    "criterion_rows",
    "criterion_score",
    "filled",
    "refuse_unlike",
    "total",
]

UNKNOWN = Score(value=None, low=0.0, high=1.0)
"""What is worth what nobody has measured: anything its scale allows."""


def criterion_score(criterion: Criterion, finding: Finding | None, *, closed: float = 1.0) -> Score:
    """Place a finding on the scale of a criterion.

    Parameters
    ----------
    criterion : Criterion
        As declared in ``criteria.yaml``.
    finding : Finding or None
        The finding of the criterion's probe for one runtime.
    closed : float
        What is worth at most that only an option closes.

    Returns
    -------
    Score
        A point where there is evidence, an interval where it is another site's, else `UNKNOWN`. On a
        measured scale a runtime that cannot do the work at all (``UNSUPPORTED``, ``FAILS``) is at its worst
        end.

    Raises
    ------
    EvaluationError
        The criterion is declared in another unit than its finding has (law 3).
    """
    if finding is None or not finding.outcome.is_evidence or isinstance(criterion, LossCriterion):
        return UNKNOWN
    score = _own_score(criterion, finding)
    if finding.closed_by and score.value is not None:
        score = _known(min(score.value, closed))
    return score if finding.borrowed is None else _lent(score, criterion, finding, finding.borrowed.widen_by)


def filled(score: Score, at: float) -> Score:
    """Put a point in the place of what is not known: 0 for the worst that it could be, 1 for the best."""
    if score.value is not None:
        return score
    return _known(score.low + at * (score.high - score.low))


def _lent(
    score: Score, criterion: MeasuredCriterion | OutcomeCriterion, finding: Finding, factor: float
) -> Score:
    """What is known of another site: an interval, never a point.

    It reaches from the point towards both ends of the scale, by so much that a factor of 1 leaves the point
    and an infinite one leaves nothing known; and at least as far as the figure's own, widened interval.
    """
    if score.value is None:
        return score
    part = 1 - 1 / factor
    reached = [score.value * (1 - part), score.value + (1 - score.value) * part]
    if isinstance(criterion, MeasuredCriterion) and finding.outcome is Outcome.MEASURED:
        figure = finding.ratio if criterion.figure == "ratio" else finding.value
        reached += [criterion.scale.score(end) for end in (figure.low, figure.high)] if figure else []
    return Score(value=None, low=min(reached), high=max(reached))


def _own_score(criterion: MeasuredCriterion | OutcomeCriterion, finding: Finding) -> Score:
    if not isinstance(criterion, MeasuredCriterion):
        if finding.outcome is Outcome.SOMETIMES:
            return _known(credit_of_share(criterion, finding.held / finding.turns))
        worth = {str(outcome): credit for outcome, credit in criterion.outcomes.items()}.get(finding.outcome)
        return UNKNOWN if worth is None else _known(worth)
    if finding.outcome in {Outcome.UNSUPPORTED, Outcome.FAILS}:
        return _known(0.0)
    figure = finding.ratio if criterion.figure == "ratio" else finding.value
    if figure is None:
        return UNKNOWN
    unit = "1" if criterion.figure == "ratio" else finding.texts.unit
    if criterion.unit != unit:
        what = f"the criterion is declared in {criterion.unit!r}, its probe records {unit!r}"
        raise EvaluationError(
            what, where=f"probe {finding.probe}", advice="Give the criterion and its scale the probe's unit."
        )
    return _known(criterion.scale.score(figure.estimate))


def credit_of_share(criterion: OutcomeCriterion, share: float) -> float:
    """What is worth something that holds in this share of turns: between a failure and a success."""
    fails, holds = criterion.outcomes[Outcome.FAILS], criterion.outcomes[Outcome.HOLDS]
    return fails + share * (holds - fails)


def _known(value: float) -> Score:
    return Score(value=value, low=value, high=value)


def criterion_rows(findings: Iterable[Finding], criteria: Criteria) -> tuple[CriterionRow, ...]:
    """Score every criterion for every runtime that has findings, the bare host included.

    Rows come by criterion in the order of ``criteria.yaml``, then by runtime id. The time that a unit of work
    loses has none here: it hangs on the use case.
    """
    by_runtime: dict[str, dict[str, Finding]] = {}
    for finding in findings:
        by_runtime.setdefault(finding.runtime, {})[finding.probe] = finding
    by_runtime.pop(CONTROL_AGAIN, None)
    given = criteria.method.closed_by_option
    closed = given.value if given else 1.0
    return tuple(
        CriterionRow(
            criterion=name,
            runtime=runtime,
            score=criterion_score(criterion, by_runtime[runtime].get(criterion.probe), closed=closed),
            finding=by_runtime[runtime].get(criterion.probe),
        )
        for name, criterion in criteria.criteria.items()
        if not isinstance(criterion, LossCriterion)
        for runtime in sorted(by_runtime)
    )


def total(
    weights: Mapping[str, float], scores: Mapping[str, Score]
) -> tuple[Score, tuple[tuple[str, Score], ...]]:
    """Sum up one runtime for one use case.

    Parameters
    ----------
    weights : mapping of str to float
        Points per criterion id; only their proportions matter.
    scores : mapping of str to Score
        Per criterion id; what is not there is `UNKNOWN`.

    Returns
    -------
    Score
        Between 0 and 1; ``value`` is ``None`` unless every criterion with weight is known.
    tuple of (str, Score)
        The contribution of each criterion with weight, heaviest first; their sum is the score.
    """
    points = math.fsum(weights.values())
    if points <= 0:
        what = "no criterion has any weight"
        raise EvaluationError(what, where="criteria.yaml", advice="Give the use case at least one weight.")
    contributions = tuple(
        (name, _scaled(scores.get(name, UNKNOWN), weight / points))
        for name, weight in sorted(weights.items(), key=lambda item: (-item[1], item[0]))
        if weight > 0
    )
    known = [score.value for _, score in contributions if score.value is not None]
    value = math.fsum(known) if len(known) == len(contributions) else None
    low = math.fsum(score.low for _, score in contributions)
    high = math.fsum(score.high for _, score in contributions)
    return Score(value=value, low=low, high=high), contributions


def _scaled(score: Score, share: float) -> Score:
    value = None if score.value is None else score.value * share
    return Score(value=value, low=score.low * share, high=score.high * share)


def refuse_unlike(findings: Iterable[Finding]) -> None:
    """Hold law 3 once more, where findings may have come together from several files.

    Raises
    ------
    EvaluationError
        Findings of several sites or runs; two findings of one probe for one runtime; or evidence of
        one probe from several versions, units or images.
    """
    ours = [finding for finding in findings if finding.runtime != CONTROL_AGAIN]
    _only_one("site", "all findings", {finding.site for finding in ours})
    _only_one("run", "all findings", {finding.run for finding in ours})
    evidence: dict[str, list[Finding]] = {}
    seen: set[tuple[str, str]] = set()
    for finding in ours:
        if (finding.probe, finding.runtime) in seen:
            what = "two findings of one probe for one runtime"
            raise EvaluationError(what, where=f"{finding.probe}, {finding.runtime}", advice=_ADVICE)
        seen.add((finding.probe, finding.runtime))
        if finding.outcome.is_evidence:
            evidence.setdefault(finding.probe, []).append(finding)
    for probe, alike in evidence.items():
        _only_one("probe version", probe, {str(finding.probe_version) for finding in alike})
        _only_one("unit", probe, {finding.texts.unit for finding in alike})
        _only_one("image", probe, {finding.image_digest for finding in alike if finding.image_digest})


_ADVICE = "Decide from the findings of one run at one site, taken with one version."


def _only_one(noun: str, where: str, found: set[str]) -> None:
    if len(found) > 1:
        what = f"more than one {noun} ({', '.join(sorted(found))}): not comparable"
        raise EvaluationError(what, where=where, advice=_ADVICE)
