"""Weights in words for a terminal: what stands in the file, and what a change of it would change."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from evaluation.decide.criteria import Criteria
from evaluation.decide.weights import Change, changes
from evaluation.model import Stability, UseCaseDecision
from evaluation.report.source import Case
from evaluation.units import decimal, percent

__all__ = ["difference", "table"]


def table(criteria: Criteria, case: Case | None, use_cases: tuple[str, ...]) -> str:
    """Lay out weights by group, with their shares and, where there are results, how far each may go.

    Parameters
    ----------
    criteria : Criteria
        What is shown.
    case : Case or None
        Results decided by the same criteria; without them no stability is shown.
    use_cases : tuple of str
        Their ids.
    """
    return "\n\n".join("\n".join(_use_case(criteria, case, name)) for name in use_cases)


def _use_case(criteria: Criteria, case: Case | None, name: str) -> Iterator[str]:
    use_case = criteria.use_cases[name]
    points = math.fsum(use_case.weights.values())
    stable = {item.criterion: item for item in _stability(case, name)}
    where = f"; stability by {case.measured[0].folder}" if case and stable else ""
    yield f"{use_case.title} ({name}): {points:g} points{where}"
    groups = dict.fromkeys(row.group for row in criteria.criteria.values())
    for group in groups:
        rows = {c: w for c, w in use_case.weights.items() if w > 0 and criteria.criteria[c].group == group}
        if not rows:
            continue
        together = math.fsum(rows.values())
        yield f"  {group:<34} {together:>6g}  {percent(together / points):>5}"
        for criterion, weight in sorted(rows.items(), key=lambda row: (-row[1], row[0])):
            until = f"  {_between(stable[criterion])}" if criterion in stable else ""
            yield f"    {criterion:<32} {weight:>6g}  {percent(weight / points):>5}{until}"
    if stable:
        yield "  The leader stays first while a weight, all others kept, is in its interval."


def _between(item: Stability) -> str:
    if math.isnan(item.low):
        return "never first by this weight alone"
    high = "any" if math.isinf(item.high) else decimal(item.high, 1)
    return f"{decimal(item.low, 1)} to {high}"


def _stability(case: Case | None, use_case: str) -> tuple[Stability, ...]:
    """Of the first measured site only: sites are never averaged, and a terminal has one column."""
    for site in case.measured[:1] if case else ():
        for decision in site.decision.use_cases:
            if decision.use_case == use_case and decision.robustness:
                return decision.robustness.stability
    return ()


def difference(before: Criteria, after: Criteria, cases: tuple[Case, Case] | None) -> str:
    """Say which weights differ, and what that changes in the verdicts.

    Parameters
    ----------
    before, after : Criteria
        What is compared.
    cases : (Case, Case) or None
        The same results decided by the one and by the other.
    """
    found = changes(before, after)
    if not found and before == after:
        return "no difference"
    lines = []
    for name in dict.fromkeys(change.use_case for change in found):
        lines.append(after.use_cases[name].title if name in after.use_cases else f"{name} (gone)")
        stable = {item.criterion: item for item in _stability(cases[0] if cases else None, name)}
        lines += [f"  {_change(change, stable)}" for change in found if change.use_case == name]
    if not found:
        lines.append("the same weights; scales, knock-outs or constants differ")
    if cases:
        lines += ["", *_verdicts(*cases)]
    else:
        lines += ["", "there are no results to decide by: measure first (make report)"]
    return "\n".join(lines)


def _change(change: Change, stable: Mapping[str, Stability]) -> str:
    said = f"{change.criterion}: {change.before:g} -> {change.after:g}"
    if change.criterion not in stable:
        return said
    item = stable[change.criterion]
    inside = item.low <= change.after <= item.high
    place = "within" if inside else "beyond"
    return f"{said}, by itself {place} what leaves the leader first ({_between(item)})"


def _verdicts(before: Case, after: Case) -> Iterator[str]:
    """Per site and use case: the same answer, or both."""
    for old, new in zip(before.measured, after.measured, strict=True):
        earlier = {decision.use_case: decision for decision in old.decision.use_cases}
        for decision in new.decision.use_cases:
            was = earlier.get(decision.use_case)
            head = f"{new.folder}, {after.criteria.use_cases[decision.use_case].title}:"
            if was is None:
                yield f"{head} new: {_answer(decision)}"
            elif _standings(was) == _standings(decision):
                yield f"{head} as before: {_answer(decision)}"
            else:
                yield f"{head} CHANGED"
                yield f"  was {_answer(was)}"
                yield f"  is  {_answer(decision)}"


def _standings(decision: UseCaseDecision) -> dict[str, str]:
    return {verdict.runtime: verdict.standing for verdict in decision.verdicts}


def _answer(decision: UseCaseDecision) -> str:
    return decision.sentence.partition(". ")[0].rstrip(".")
