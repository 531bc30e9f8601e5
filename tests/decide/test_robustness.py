"""What one answer hangs on, from findings to words."""

from __future__ import annotations

import pytest
from made_up import WEIGHTS, criteria, row, site

from evaluation.decide.score import decide
from evaluation.model import Finding, Outcome, Robustness, UseCaseDecision

RULES = criteria()


def answer(*findings: Finding) -> UseCaseDecision:
    return decide(findings, RULES, site()).use_cases[0]


def robustness(*findings: Finding) -> Robustness:
    found = answer(*findings).robustness
    assert found is not None
    return found


def test_every_weight_has_its_interval_around_what_is_declared() -> None:
    found = robustness(*row("a", start=0.2, noise=0), *row("b", rate=1.0, noise=0), *row("host"))
    assert [item.criterion for item in found.stability] == list(found.criteria) == list(WEIGHTS)
    for item in found.stability:
        assert item.low <= item.weight <= item.high
        assert item.weight == WEIGHTS[item.criterion]
        assert item.leads is not None
    # a is ahead by 0.14 on "start" (40 points) and behind by a tenth on "rate" (30).
    start, rate = found.stability[:2]
    assert start.leads is not None
    assert rate.leads is not None
    assert start.leads[0] < start.leads[1]
    assert rate.leads[0] > rate.leads[1]


def test_a_weight_that_decides_is_the_flip_and_leaving_it_out_changes_the_leader() -> None:
    # b leads by the 20 points of "tidy", a by the 10 of "safe", and nothing else differs.
    findings = (*row("a", tidy=Outcome.FAILS, noise=0), *row("b", safe=Outcome.FAILS, noise=0))
    found = robustness(*findings)
    assert found.runtimes == ("b", "a")
    assert found.flip is not None
    criterion, points, rival = found.flip
    assert (criterion, rival) == ("tidy", "a")
    assert points == pytest.approx(10.0)
    assert found.without == (("tidy", "a"),)


def test_ranks_and_central_weights_are_shares_of_the_draws() -> None:
    found = robustness(*row("a", tidy=Outcome.FAILS, noise=0), *row("b", safe=Outcome.FAILS, noise=0))
    for ranks in (*found.acceptability, *zip(*found.acceptability, strict=True)):
        assert sum(ranks) == pytest.approx(1.0)
    central = dict(found.central)
    for shares in central.values():
        assert sum(shares) == pytest.approx(1.0)
    safe = found.criteria.index("safe")
    assert central["a"][safe] > central["b"][safe]


def test_the_opinions_are_given_where_everything_is_known() -> None:
    known = robustness(*row("a"), *row("b", start=2.0, rate=0.5))
    assert [name for name, _ in known.methods] == ["additive value", "PROMETHEE II", "TOPSIS"]
    for _, values in known.methods:
        assert dict(values)["a"] > dict(values)["b"]
    missing = robustness(*row("a"), *row("b", tidy=None))
    assert missing.methods == ()
    assert missing.flip is None
    assert missing.without == ()


def test_without_a_field_there_is_nothing_to_hang_on() -> None:
    assert answer(*row("host")).robustness is None


def test_each_runtime_gets_the_word_of_its_standing() -> None:
    close = answer(*row("a", noise=0), *row("b", start=1.5, noise=0), *row("c", start=9.0, rate=0.1, noise=0))
    words = {verdict.runtime: verdict.word for verdict in close.verdicts}
    assert words == {"a": "adopt", "b": "works", "c": "works"}
    assert {v.word for v in answer(*row("a"), *row("b", tidy=None)).verdicts} <= {"adopt", "assess"}
