"""Points for and against each runtime, every one of them derived from a finding.

A point weighs what it moves in the score of its use case: on the declared scale, a point in favour
what it brings (weight times score), a point against what it costs (weight times the rest). What is not
known is no point: it stands in the score's interval and in ``measure_next``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from evaluation.decide.criteria import Criteria, MeasuredCriterion
from evaluation.model import CONTROL, Comparison, CriterionRow, Finding, Interval, Outcome, SiteDecision
from evaluation.statistics import attained_confidence, blocks_to_claim
from evaluation.units import between, count, percent, quantity, ratio, ratio_between

__all__ = ["Point", "absolute", "pros_and_cons", "why_open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point for (``favourable``) or against a runtime in a use case at a site.

    ``weight`` is what it brings or costs of the score, between 0 and 1.
    """

    site: str
    use_case: str
    runtime: str
    criterion: str
    probe: str
    favourable: bool
    text: str
    weight: float
    finding: Finding


def pros_and_cons(criteria: Criteria, decision: SiteDecision) -> tuple[Point, ...]:
    """Derive all points of a site's decision.

    Returns
    -------
    tuple of Point
        By use case in the order of ``criteria.yaml``, the heaviest first. Points that neither bring nor
        cost anything are left out.
    """
    points = [
        point
        for use_case in criteria.use_cases
        for row in decision.rows_of(use_case)
        for point in _points(row, use_case, criteria, decision.site)
    ]
    order = list(criteria.use_cases)
    return tuple(
        sorted(
            points,
            key=lambda point: (order.index(point.use_case), -point.weight, point.runtime, point.criterion),
        )
    )


def _points(row: CriterionRow, use_case: str, criteria: Criteria, site: str) -> Iterator[Point]:
    weights, score, finding = criteria.weights(use_case), row.score.value, row.finding
    if row.runtime == CONTROL or score is None or finding is None:
        return
    favourable = score >= 0.5 if row.told else _speaks_for(finding, score)
    part = weights.get(row.criterion, 0.0) / math.fsum(weights.values())
    if weight := part * (score if favourable else 1 - score):
        yield Point(
            site=site,
            use_case=use_case,
            runtime=row.runtime,
            criterion=row.criterion,
            probe=finding.probe,
            favourable=favourable,
            text=_told(row) if row.told else _text(row.criterion, finding, criteria),
            weight=weight,
            finding=finding,
        )


def _told(row: CriterionRow) -> str:
    return f"{row.criterion.replace('_', ' ')}: {row.told}"


def _speaks_for(finding: Finding, score: float) -> bool:
    """The comparison with the bare host decides; without one, the better half of the scale.

    What holds only sometimes speaks against: nobody can rely on it.
    """
    if finding.outcome is Outcome.SOMETIMES:
        return False
    if finding.comparison in {None, Comparison.UNRESOLVED}:
        return score >= 0.5
    return finding.comparison is not Comparison.WORSE


def _text(name: str, finding: Finding, criteria: Criteria) -> str:
    criterion, label = criteria.criteria[name], name.replace("_", " ")
    if finding.outcome is not Outcome.MEASURED or not isinstance(criterion, MeasuredCriterion):
        checklist = f" ({finding.texts.checklist_id})" if finding.texts.checklist_id else ""
        return f"{label}: {finding.message}{checklist}"
    confidence = criteria.method.confidence_level.value
    value = f" ({quantity(finding.value.estimate, finding.texts.unit)})" if finding.value else ""
    if finding.ratio is None:
        ends = between(finding.value, finding.texts.unit) if finding.value else ""
        return f"{label}:{value.replace('(', '').replace(')', '')}{_basis(ends, finding, confidence)}"
    figures = _basis(ratio_between(finding.ratio), finding, confidence)
    match finding.comparison:
        case Comparison.EQUIVALENT:
            margin = percent(criteria.margin(name))
            return (
                f"{label}: no measurable difference to the bare host, tested within {margin}{value}{figures}"
            )
        case Comparison.BETTER | Comparison.WORSE:
            maximise = criterion.direction == "maximise"
            factor, word = _factor(finding, maximise=maximise)
            figures = _basis(ratio_between(factor), finding, confidence)
            times = f"{ratio(factor.estimate)} {word}"
            said = absolute(finding)
            return (
                f"{label}: {said} ({times}{figures})"
                if said
                else f"{label}: {times} than the bare host{figures}"
            )
        case _:
            why = why_open(finding, confidence)
            return f"{label}: {ratio(finding.ratio.estimate)} the bare host{value}, {why}{figures}"


def absolute(finding: Finding) -> str:
    """Say what was measured beside the bare host, each in its own unit: "143 ms instead of 0.70 ms".

    The bare host's figure is the runtime's by their paired ratio. Empty where either is missing.
    """
    if finding.value is None or finding.ratio is None or not finding.ratio.estimate:
        return ""
    unit, estimate = finding.texts.unit, finding.value.estimate
    bare = quantity(estimate / finding.ratio.estimate, unit)
    return f"{quantity(estimate, unit)} instead of {bare} on the bare host"


def why_open(finding: Finding, confidence: float) -> str:
    """Say why nothing is claimed of a comparison: a reader sees at once where the interval would say more.

    Parameters
    ----------
    finding : Finding
        One with a ratio, whose comparison is unresolved.
    confidence : float
        As in 0.95.
    """
    found, blocks = finding.ratio, len(finding.blocks)
    assert found is not None  # noqa: S101 - the caller has looked
    needed = blocks_to_claim(finding.comparisons, confidence=confidence) if finding.comparisons else 0
    if blocks < needed:
        return f"too few blocks to claim anything (among {finding.comparisons} comparisons it takes {needed})"
    if found.low <= 1 <= found.high:
        return "not enough to call it different or equal"
    return "looks different, but not beyond this machine's noise and the number of comparisons made"


def _factor(finding: Finding, *, maximise: bool) -> tuple[Interval, str]:
    """Turn the ratio so that it says how many times better or worse, and find the word for it."""
    found = finding.ratio
    assert found is not None  # noqa: S101 - the caller has looked
    better = finding.comparison is Comparison.BETTER
    if better != maximise:  # shorter times, lower rates: say the other way round
        found = Interval(estimate=1 / found.estimate, low=1 / found.high, high=1 / found.low)
    unit = finding.texts.unit
    if unit == "s" or unit.endswith("/s"):
        return found, "faster" if better else "slower"
    return found, "better" if better else "worse"


def _basis(ends: str, finding: Finding, confidence: float) -> str:
    """Say on what an estimate rests; with few blocks the ends are their full range and said to be so."""
    n = len(finding.blocks)
    what = "full range" if attained_confidence(n, confidence) < confidence else f"{percent(confidence)} CI"
    return f", {what} {ends}, n = {count(n, 'block')}" if ends else f", n = {count(n, 'block')}"
