"""Two runs of one site: what is claimed to have changed, and what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up import criteria, finding, measured

from evaluation.decide.changed import Changed, Kind, changed
from evaluation.errors import EvaluationError
from evaluation.model import CONTROL_AGAIN, Finding, Outcome
from evaluation.statistics import paired_ratio

RULES = criteria()


def blocks(runtime: str, middle: float, *, seed: int = 1, count: int = 20, scatter: float = 0.01) -> Finding:
    random = np.random.default_rng(seed)
    samples = tuple((middle * np.exp(random.normal(0, scatter, count))).tolist())
    ones = (1.0,) * count
    ratio = paired_ratio(samples, ones, confidence=0.95)
    return replace(
        measured(runtime, "rate", middle),
        blocks=tuple(range(count)),
        samples=samples,
        control=ones,
        ratio=ratio,
    )


def run(*findings: Finding) -> tuple[Finding, ...]:
    return (*findings, blocks(CONTROL_AGAIN, 1.0, seed=99))


def only(before: tuple[Finding, ...], after: tuple[Finding, ...]) -> Changed:
    (found,) = changed(before, after, RULES)
    return found


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [(0.8, 0.9, Kind.BETTER), (0.9, 0.8, Kind.WORSE), (0.9, 0.9, Kind.AS_BEFORE)],
)
def test_a_shift_is_claimed_and_so_is_its_absence(before: float, after: float, kind: Kind) -> None:
    found = only(run(blocks("a", before, seed=2)), run(blocks("a", after, seed=3)))
    assert found.kind is kind
    assert found.ratio is not None
    assert found.ratio.low <= after / before * 1.01
    assert found.ratio.high >= after / before * 0.99


def test_few_blocks_or_a_noisy_host_settle_nothing() -> None:
    few = run(blocks("a", 0.8, count=3)), run(blocks("a", 0.9, seed=3, count=3))
    assert only(*few).kind is Kind.UNRESOLVED
    noisy = blocks(CONTROL_AGAIN, 1.3, seed=5)
    found = only((blocks("a", 0.8, seed=2), noisy), (blocks("a", 0.9, seed=3), noisy))
    assert found.kind is Kind.UNRESOLVED
    unwatched = only((blocks("a", 0.8, seed=2),), (blocks("a", 0.9, seed=3),))
    assert unwatched.kind is Kind.UNRESOLVED


def test_nothing_is_claimed_where_nothing_changed() -> None:
    claimed = 0
    for seed in range(100):
        names = [f"r{number}" for number in range(5)]
        before = run(*(blocks(name, 0.9, seed=seed * 10 + at) for at, name in enumerate(names)))
        after = run(*(blocks(name, 0.9, seed=5000 + seed * 10 + at) for at, name in enumerate(names)))
        claimed += any(item.kind in {Kind.BETTER, Kind.WORSE} for item in changed(before, after, RULES))
    assert claimed <= 5


def test_another_outcome_what_is_new_and_what_is_gone_are_named() -> None:
    held, failed = finding("a", "tidy", Outcome.HOLDS), finding("a", "tidy", Outcome.FAILS, "left a file")
    assert only((held,), (failed,)).kind is Kind.OUTCOME
    assert "left a file" in only((held,), (failed,)).message
    absent = finding("a", "tidy", Outcome.UNAVAILABLE, "not installed")
    assert only((absent,), (held,)).kind is Kind.NEW
    gone = only((held,), (absent,))
    assert (gone.kind, gone.message) == (Kind.GONE, "no evidence any more: not installed")
    assert only((held,), ()).kind is Kind.GONE
    assert changed((held, absent), (held, absent), RULES) == ()


def test_another_version_of_a_probe_is_not_compared() -> None:
    after = replace(blocks("a", 0.9), probe_version=2)
    assert only(run(blocks("a", 0.8)), run(after)).kind is Kind.NOT_COMPARABLE


def test_sites_are_not_compared() -> None:
    elsewhere = replace(blocks("a", 0.9), site="there")
    with pytest.raises(EvaluationError, match="different sites"):
        changed(run(blocks("a", 0.8)), (elsewhere,), RULES)
