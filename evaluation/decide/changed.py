"""What changed between two runs of one site, as after a runtime's upgrade: tested, not eyeballed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from evaluation.decide.criteria import Criteria, MeasuredCriterion
from evaluation.errors import EvaluationError
from evaluation.model import CONTROL, CONTROL_AGAIN, Finding, Interval, Outcome
from evaluation.statistics import far_end, holm, log_ratios
from evaluation.twosample import rank_sum_p, shift

__all__ = ["Changed", "Kind", "changed"]


class Kind(StrEnum):
    """What can be said of one probe and runtime in two runs."""

    BETTER = "better"
    WORSE = "worse"
    AS_BEFORE = "as before"
    """Shown to differ by less than the margin."""
    UNRESOLVED = "unresolved"
    OUTCOME = "another outcome"
    NEW = "new"
    GONE = "gone"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One probe for one runtime, in two runs.

    ``ratio`` is how many times the ratio to the bare host is what it was; ``None`` for what is not measured.
    """

    probe: str
    runtime: str
    kind: Kind
    message: str
    ratio: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A measured change whose claim still waits for the others of the page."""

    changed: Changed
    p_value: float
    margin: float
    floor: float
    maximise: bool


def changed(before: Iterable[Finding], after: Iterable[Finding], criteria: Criteria) -> tuple[Changed, ...]:
    """Compare two runs of one site, probe by probe and runtime by runtime.

    A change of a measured figure is a shift of its log ratios to the bare host of the same run, tested by the
    rank-sum test with Holm's correction over all of them, and larger than what the bare host differed from
    itself in both runs together. The bare host is not compared with itself: another day, another load.

    Raises
    ------
    EvaluationError
        The runs belong to different sites.
    """
    old = {(f.probe, f.runtime): f for f in before}
    new = {(f.probe, f.runtime): f for f in after}
    sites = sorted({finding.site for finding in (*old.values(), *new.values())})
    if len(sites) > 1:
        what = f"the runs are of different sites ({', '.join(sites)}), and sites stand side by side"
        raise EvaluationError(what, advice="compare two runs of one site; a report shows sites side by side")
    keys = [key for key in dict.fromkeys((*old, *new)) if key[1] not in {CONTROL, CONTROL_AGAIN}]
    made = [item for key in sorted(keys) if (item := _one(key, old, new, criteria))]
    drafts = [item for item in made if isinstance(item, _Draft)]
    adjusted = dict(zip(map(id, drafts), holm([draft.p_value for draft in drafts]), strict=True))
    level = 1 - criteria.method.confidence_level.value
    return tuple(
        _settled(item, adjusted[id(item)], level) if isinstance(item, _Draft) else item for item in made
    )


Table = dict[tuple[str, str], Finding]


def _one(key: tuple[str, str], old: Table, new: Table, criteria: Criteria) -> Changed | _Draft | None:
    probe, runtime = key
    was, now = old.get(key), new.get(key)
    had, has = was is not None and was.outcome.is_evidence, now is not None and now.outcome.is_evidence
    if was is None or now is None or not had or not has:
        if had == has:
            return None
        kind, seen = (Kind.NEW, now) if has else (Kind.GONE, was)
        said = f"{seen.outcome}: {seen.message}" if seen else ""
        if kind is Kind.GONE and now is not None:
            said = f"no evidence any more: {now.message}"
        return Changed(probe=probe, runtime=runtime, kind=kind, message=said)
    if was.probe_version != now.probe_version or was.texts.unit != now.texts.unit:
        said = f"the probe changed (version {was.probe_version}, then {now.probe_version})"
        return Changed(probe=probe, runtime=runtime, kind=Kind.NOT_COMPARABLE, message=said)
    if was.outcome is not now.outcome:
        said = f"was {was.outcome} ({was.message}), is {now.outcome} ({now.message})"
        return Changed(probe=probe, runtime=runtime, kind=Kind.OUTCOME, message=said)
    if was.outcome is not Outcome.MEASURED or not was.control or not now.control:
        return None
    return _measured(was, now, _floor(probe, old) + _floor(probe, new), criteria)


def _measured(was: Finding, now: Finding, floor: float, criteria: Criteria) -> _Draft | None:
    name, row = next(
        (
            (name, row)
            for name, row in criteria.criteria.items()
            if row.probe == now.probe and isinstance(row, MeasuredCriterion)
        ),
        ("", None),
    )
    if row is None:
        return None
    earlier, later = log_ratios(was.samples, was.control), log_ratios(now.samples, now.control)
    moved = shift(earlier, later, confidence=criteria.method.confidence_level.value)
    ratio = moved and Interval(
        estimate=math.exp(moved.estimate), low=math.exp(moved.low), high=math.exp(moved.high)
    )
    return _Draft(
        changed=Changed(
            probe=now.probe,
            runtime=now.runtime,
            kind=Kind.UNRESOLVED,
            message=f"{len(earlier)} blocks before, {len(later)} after",
            ratio=ratio,
        ),
        p_value=rank_sum_p(earlier, later),
        margin=math.log1p(criteria.margin(name)),
        floor=floor,
        maximise=row.direction == "maximise",
    )


def _floor(probe: str, run: Table) -> float:
    """How far the bare host was from itself, as a log ratio; infinite where nobody looked."""
    again = run.get((probe, CONTROL_AGAIN))
    return far_end(again.ratio) if again and again.ratio else math.inf


def _settled(draft: _Draft, p_value: float, level: float) -> Changed:
    ratio, kind = draft.changed.ratio, Kind.UNRESOLVED
    if ratio is not None:
        moved = math.log(ratio.estimate)
        if draft.floor < draft.margin and max(-math.log(ratio.low), math.log(ratio.high)) < draft.margin:
            kind = Kind.AS_BEFORE
        elif p_value <= level and abs(moved) > draft.floor:
            kind = Kind.BETTER if (moved > 0) == draft.maximise else Kind.WORSE
    return Changed(
        probe=draft.changed.probe,
        runtime=draft.changed.runtime,
        kind=kind,
        message=draft.changed.message,
        ratio=ratio,
    )
