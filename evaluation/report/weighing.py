"""Weights in words for a terminal: what stands in the file, and what a change of it would change."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from evaluation.decide.criteria import Criteria
from evaluation.decide.owed import lost_vetoes
from evaluation.decide.weights import Change, changes
from evaluation.model import Stability, Standing, UseCaseDecision
from evaluation.report.source import Case
from evaluation.units import percent, within

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
    use_case, weights = criteria.use_cases[name], criteria.weights(name)
    points = math.fsum(weights.values())
    stable = _stability(case, name)
    where = f"; stability by {case.measured[0].folder}" if case and stable else ""
    yield f"{use_case.title} ({name}): {points:g} points{where}"
    for section in criteria.sections():
        rows = {c: weights[c] for c in section.criteria if weights.get(c, 0.0) > 0}
        if not rows:
            continue
        together = math.fsum(rows.values())
        until = _until(stable.get(section.name))
        yield f"  {section.name:<34} {together:>6g}  {percent(together / points):>5}{until}".rstrip()
        if section.objective and section.name in use_case.weights:
            own = use_case.shares.get(section.name, section.objective)
            yield f"    one weight, in the proportions {' : '.join(f'{s:g}' for s in own.shares.values())}"
        for criterion, weight in sorted(rows.items(), key=lambda row: (-row[1], row[0])):
            until = _until(stable.get(criterion))
            yield f"    {criterion:<32} {weight:>6.4g}  {percent(weight / points):>5}{until}"
    if stable:
        yield "  The leader stays first while a weight, all others kept, is in its interval."


def _until(item: Stability | None) -> str:
    return f"  {_between(item)}" if item else ""


def _between(item: Stability) -> str:
    return "never first by this weight alone" if math.isnan(item.low) else within(item.low, item.high)


def _stability(case: Case | None, use_case: str) -> dict[str, Stability]:
    """By criterion and section; of the first site only: sites are never averaged, and there is one column."""
    for site in case.measured[:1] if case else ():
        for decision in site.decision.use_cases:
            if decision.use_case == use_case and decision.robustness:
                held = decision.robustness
                return {item.criterion: item for item in (*held.groups, *held.stability)}
    return {}


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
        stable = _stability(cases[0] if cases else None, name)
        lines += [f"  {line}" for line in _moved([c for c in found if c.use_case == name], stable, after)]
    if not found:
        lines.append("the same weights; scales, knock-outs or constants differ")
    lines += [f"WARNING: {lost}" for lost in lost_vetoes(before, after)]
    if cases:
        lines += ["", *_verdicts(*cases)]
    else:
        lines += ["", "there are no results to decide by: measure first (make report)"]
    return "\n".join(lines)


def _moved(found: Sequence[Change], stable: Mapping[str, Stability], after: Criteria) -> Iterator[str]:
    """Say what moved in one use case; what moved by its group is said below the group, and judged with it."""
    for change in found:
        if not change.group:
            yield _change(change.criterion, change.before, change.after, stable)
            continue
        together = [each for each in found if each.group == change.group]
        if change is together[0]:
            now = after.use_cases[change.use_case].weights[change.group]
            kept = now - math.fsum(each.after for each in together)  # of members that stayed as they were
            was = kept + math.fsum(each.before for each in together)
            yield _change(change.group, was, now, stable) + "; unfolds into"
            yield from (f"  {each.criterion}: {each.before:.4g} -> {each.after:.4g}" for each in together)


def _change(name: str, before: float, after: float, stable: Mapping[str, Stability]) -> str:
    said = f"{name}: {before:.12g} -> {after:.12g}"
    if name not in stable:
        return said
    item = stable[name]
    place = "within" if item.low <= after <= item.high else "beyond"
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
                yield f"  {_leads(was, decision)}"
            else:
                yield f"{head} CHANGED"
                yield f"  was {_answer(was)}"
                yield f"  is  {_answer(decision)}"
                yield f"  {_leads(was, decision)}"


def _leads(was: UseCaseDecision, now: UseCaseDecision) -> str:
    """Name who has the highest score, before and after: it may change where the answer does not."""
    before, after = _leader(was), _leader(now)
    return f"highest score: {after}, as before" if before == after else f"highest score: {before} -> {after}"


def _leader(decision: UseCaseDecision) -> str:
    out = {Standing.KNOCKED_OUT, Standing.NOT_MEASURED}
    return next((each.runtime for each in decision.verdicts if each.standing not in out), "nobody")


def _standings(decision: UseCaseDecision) -> dict[str, str]:
    return {verdict.runtime: verdict.standing for verdict in decision.verdicts}


def _answer(decision: UseCaseDecision) -> str:
    return decision.answer.rstrip(".")
