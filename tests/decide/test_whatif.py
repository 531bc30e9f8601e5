"""The same decision under other assumptions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import WEIGHTS, absent, criteria, row, site

from evaluation.decide.chances import noise, rare
from evaluation.decide.criteria import Criteria
from evaluation.decide.score import decide
from evaluation.decide.whatif import Gaps, Imagined, Table, imagine, table
from evaluation.model import Finding, Outcome, Standing
from evaluation.sites import Site

HERE = site()
RULES = criteria()


def laid(*findings: Finding, rules: Criteria = RULES, at: Site = HERE) -> Table:
    decision = decide(findings, rules, at)
    return table(decision, decision.use_cases[0], rules, at, noise=noise(decision.rows, rules), families={})


def again(
    on: Table, rules: Criteria = RULES, *, gaps: Gaps = Gaps.DECLARED, knock_outs: bool = True
) -> Imagined:
    return imagine(on, WEIGHTS, rules.method, gaps=gaps, knock_outs=knock_outs)


def test_as_declared_it_is_the_decision() -> None:
    findings = (*row("one"), *row("two", start=3.0), *row("three", tidy=None), *absent("four"))
    rules = criteria(knock_outs=["safe"])
    verdicts = {v.runtime: v for v in decide(findings, rules, HERE).use_cases[0].verdicts}
    on = laid(*findings, rules=rules)
    imagined = again(on, rules)
    assert on.runtimes == ("one", "three", "two")
    for runtime in on.runtimes:
        assert imagined.ranking.standings[runtime] is verdicts[runtime].standing
        assert imagined.scores[runtime] == verdicts[runtime].score
        shown = rare(imagined.chances[runtime], rules.method.draws.value, at_least=True)
        assert shown == verdicts[runtime].p_first


def test_a_gap_that_is_filled_is_a_gap_no_more() -> None:
    on = laid(*row("one", tidy=None), *row("two"))
    assert on.gaps(WEIGHTS) == 1
    assert on.gaps({"tidy": 0.0, "start": 1.0}) == 0
    scores = {gaps: again(on, gaps=gaps).scores["one"] for gaps in Gaps}
    assert scores[Gaps.DECLARED].value is None
    assert scores[Gaps.WORST].value == pytest.approx(scores[Gaps.DECLARED].low)
    assert scores[Gaps.BEST].value == pytest.approx(scores[Gaps.DECLARED].high)
    assert scores[Gaps.MIDDLE].value == pytest.approx(
        (scores[Gaps.DECLARED].low + scores[Gaps.DECLARED].high) / 2
    )


def test_what_is_undecided_for_a_gap_is_decided_when_it_is_filled() -> None:
    on = laid(*row("one", tidy=None), *row("two", start=2.0))
    assert again(on).ranking.standings["one"] is Standing.UNDECIDED
    assert again(on, gaps=Gaps.WORST).ranking.winner == "two"
    assert again(on, gaps=Gaps.BEST).ranking.winner == "one"


def test_without_knock_outs_the_knocked_out_compete_and_no_veto_is_open() -> None:
    rules = criteria(knock_outs=["safe"])
    on = laid(*row("one", start=0.1, rate=1.0, safe=Outcome.FAILS), *row("two", safe=None), rules=rules)
    assert [*on.knocked_out] == ["one"]
    assert on.unresolved == {"two": ("safe",)}
    assert [*again(on, rules).ranking.order] == ["two"]
    assert again(on, rules).ranking.standings["two"] is Standing.UNDECIDED
    free = again(on, rules, gaps=Gaps.WORST, knock_outs=False)
    assert {*free.ranking.order} == {"one", "two"}
    assert Standing.UNDECIDED not in free.ranking.standings.values()


def test_who_was_not_measured_competes_under_no_assumption() -> None:
    rules = criteria()
    barred = site({"runtime": "two"})
    on = laid(*row("one"), *absent("two"), at=barred)
    assert on.runtimes == ("one",)
    assert [*again(on, rules, knock_outs=False).ranking.order] == ["one"]


@given(factor=st.floats(min_value=0.01, max_value=100))
def test_only_proportions_of_weights_count(factor: float) -> None:
    on = laid(*row("one"), *row("two", start=0.8))
    scaled = {name: weight * factor for name, weight in WEIGHTS.items()}
    assert imagine(on, scaled, RULES.method).ranking == again(on).ranking
