"""Answers held against a planted truth: 500 made-up sites of which the best runtime is known.

Each site has two to five runtimes with true figures, blocks that scatter round them, exposures that are there
or not, and now and then a gap. What is decided from the blocks is held against the truth. Seeds are fixed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from made_up import WEIGHTS, criteria, finding, site

from evaluation.decide.answerrules import LEVELS, Change, ConfidenceRule, Doubted
from evaluation.decide.confidence import Circumstances, confidence
from evaluation.decide.scenarios import leaders
from evaluation.decide.score import decide
from evaluation.decide.value import criterion_score, total
from evaluation.model import Finding, Outcome, Score, Standing, UseCaseDecision
from evaluation.statistics import median_interval, paired_ratio

SITES = 500
MARGIN = 0.02
NOISES = (0.01, 0.05, 0.2)
"""Scatter of a block round the truth, on the scale of logarithms."""
RULES = criteria(
    knock_outs=("safe",),
    scenarios=tuple(Change),
    draws=1000,
    bootstrap_resamples=200,
    score_tie_margin=MARGIN,
)
HERE = site()
CONFIDENCE = ConfidenceRule.model_validate(
    {
        "measured_share": {"value": 0.9, "reason": "a test"},
        "example": {"value": "low", "reason": "a test"},
        "steps": dict.fromkeys(Doubted, "a test"),
    }
)
SOUND = Circumstances(machines=2, virtual=False, months=0, stores=(False, False))


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a runtime really is: seconds to start, share of the host's rate, tidy or not, exposed or not."""

    start: float
    rate: float
    tidy: bool
    exposed: bool


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A site: what is true of it, and what was found there."""

    truths: dict[str, Truth]
    findings: tuple[Finding, ...]
    decision: UseCaseDecision
    gap: bool

    def scores(self, weights: dict[str, float]) -> dict[str, Score]:
        """The true scores of those who are not exposed, under some weights."""
        return {
            name: total(weights, {each: _worth(each, truth) for each in weights})[0]
            for name, truth in self.truths.items()
            if not truth.exposed
        }


def _worth(criterion: str, truth: Truth) -> Score:
    rule = RULES.criteria[criterion]
    if criterion in {"tidy", "safe"}:
        holds = truth.tidy if criterion == "tidy" else not truth.exposed
        outcome = Outcome.HOLDS if holds else Outcome.FAILS
        return criterion_score(rule, finding("x", criterion, outcome))
    value = truth.start if criterion == "start" else truth.rate
    return criterion_score(rule, _measured("x", criterion, np.array([value] * 3), np.ones(3)))


def _measured(runtime: str, probe: str, ours: np.ndarray, theirs: np.ndarray) -> Finding:
    own, control = tuple(ours.tolist()), tuple(theirs.tolist())
    return replace(
        finding(runtime, probe, Outcome.MEASURED),
        blocks=tuple(range(len(own))),
        samples=own,
        control=control,
        value=median_interval(own, confidence=0.95),
        ratio=paired_ratio(own, control, confidence=0.95),
    )


def _found(runtime: str, truth: Truth, rng: np.random.Generator, noise: float) -> list[Finding]:
    blocks = int(rng.integers(12, 31))
    bad_minutes = np.exp(rng.normal(0, noise, blocks))  # they slow the bare host as much
    found = [
        _measured(
            runtime, probe, middle * np.exp(rng.normal(0, noise, blocks)) * bad_minutes, host * bad_minutes
        )
        for probe, middle, host in (("start", truth.start, 0.05), ("rate", truth.rate, 1.0))
    ]
    found.append(finding(runtime, "tidy", Outcome.HOLDS if truth.tidy else Outcome.FAILS))
    found.append(finding(runtime, "safe", Outcome.FAILS if truth.exposed else Outcome.HOLDS))
    return found


@cache
def simulated(seed: int) -> Simulated:
    """Make a site up, measure it, and decide."""
    rng = np.random.default_rng([20261130, seed])
    truths = {
        name: Truth(
            start=float(np.exp(rng.uniform(np.log(0.1), np.log(10.0)))),
            rate=float(rng.uniform(0.3, 1.0)),
            tidy=bool(rng.random() < 0.7),
            exposed=bool(rng.random() < 0.2),
        )
        for name in "abcde"[: int(rng.integers(2, 6))]
    }
    noise = float(rng.choice(NOISES))
    findings = [each for name, truth in truths.items() for each in _found(name, truth, rng, noise)]
    gap = bool(rng.random() < 0.15)
    if gap:
        del findings[int(rng.integers(len(findings)))]
    host = [_measured("host", probe, np.ones(12), np.ones(12)) for probe in ("start", "rate")]
    found = (*host, *findings)
    return Simulated(truths=truths, findings=found, decision=decide(found, RULES, HERE).use_cases[0], gap=gap)


def every() -> list[Simulated]:
    return [simulated(seed) for seed in range(SITES)]


def changed_weights() -> dict[str, dict[str, float]]:
    """The weights of the declared scenarios that change weights, worked out by hand."""
    parts = {"performance": ("start", "rate"), "operations": ("tidy",), "security": ("safe",)}
    alike = {
        name: WEIGHTS[name] / sum(WEIGHTS[each] for each in part) for part in parts.values() for name in part
    }
    without = {
        name: {each: WEIGHTS[each] for each in WEIGHTS if each not in part} for name, part in parts.items()
    }
    return {"alike": alike, **without}


def test_who_is_named_is_never_worse_than_the_best_by_more_than_the_margin() -> None:
    named = [each for each in every() if each.decision.winner]
    for each in named:
        scores = each.scores(WEIGHTS)
        assert each.decision.winner in scores, "an exposed runtime was named"
        best = max(score.low for score in scores.values())
        assert best - scores[each.decision.winner].low <= MARGIN
    assert len(named) > SITES / 10, "so that something was tried"


def test_names_that_share_the_first_place_are_as_good_as_each_other() -> None:
    for each in every():
        tied = [v.runtime for v in each.decision.verdicts if v.standing is Standing.TIED]
        if tied and not each.gap:
            scores = each.scores(WEIGHTS)
            best = max(score.low for score in scores.values())
            assert all(best - scores[name].low <= 3 * MARGIN for name in tied)


def test_a_name_is_taken_back_where_a_scenario_truly_turns_the_order_round() -> None:
    turned = withdrawn = 0
    for each in every():
        signed = leaders(each.scores(WEIGHTS), MARGIN)
        others = [leaders(each.scores(weights), MARGIN) for weights in changed_weights().values()]
        if len(signed) == 1 and any(signed[0] not in other for other in others):
            turned += 1
            withdrawn += each.decision.winner is None
    assert turned > SITES / 10, "so that something was tried"
    assert withdrawn >= 0.9 * turned


def test_whoever_is_exposed_is_out() -> None:
    for each in every():
        standings = {verdict.runtime: verdict.standing for verdict in each.decision.verdicts}
        seen = {f.runtime for f in each.findings if f.probe == "safe" and f.outcome is Outcome.FAILS}
        assert all(standings[name] is Standing.KNOCKED_OUT for name in seen)


@pytest.mark.parametrize("probe", ["start", "tidy"])
def test_confidence_falls_where_evidence_is_taken_away(probe: str) -> None:
    fallen = looked_at = 0
    for each in every()[:150]:
        before = confidence(each.decision, SOUND, CONFIDENCE, margin=MARGIN, months=24)
        if before is None or each.gap or before.word != "high":
            continue
        leader = each.decision.scenarios[0].leaders[0]
        left = [f for f in each.findings if (f.runtime, f.probe) != (leader, probe)]
        decided = decide(left, RULES, HERE).use_cases[0]
        after = confidence(decided, SOUND, CONFIDENCE, margin=MARGIN, months=24)
        assert after is not None
        looked_at += 1
        fallen += LEVELS.index(after.word) > LEVELS.index(before.word)
    assert looked_at > 10, "so that something was tried"
    assert fallen == looked_at


def figures() -> str:
    """What stands in docs/statistics.md."""
    named = [each for each in every() if each.decision.winner]
    turned = [
        each
        for each in every()
        if len(first := leaders(each.scores(WEIGHTS), MARGIN)) == 1
        and any(first[0] not in leaders(each.scores(w), MARGIN) for w in changed_weights().values())
    ]
    back = sum(each.decision.winner is None for each in turned)
    worst = max(
        max(score.low for score in each.scores(WEIGHTS).values())
        - each.scores(WEIGHTS)[str(each.decision.winner)].low
        for each in named
    )
    return f"{len(named)} named, at worst {worst:.4f} behind; {len(turned)} turned, {back} withdrawn"


if __name__ == "__main__":
    print(figures())  # noqa: T201 - what stands in the document
