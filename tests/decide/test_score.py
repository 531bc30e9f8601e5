"""Deciding: the right words for planted cases, and what nobody may gain by hiding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from made_up import WEIGHTS, absent, criteria, finding, row, site

from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.decide.score import decide
from evaluation.errors import EvaluationError
from evaluation.model import Finding, Outcome, Standing, UseCaseDecision

HOST = row("host", start=0.05, rate=1.0)
VETO = criteria(knock_outs=("safe",))
HERE = site()


def answer(*findings: Finding, rules: Criteria = VETO) -> UseCaseDecision:
    return decide((*HOST, *findings), rules, HERE).use_cases[0]


def standings(answered: UseCaseDecision) -> dict[str, Standing]:
    return {verdict.runtime: verdict.standing for verdict in answered.verdicts}


def test_a_clear_winner_is_named_with_the_margin_and_who_was_not_in_it_and_why() -> None:
    decided = answer(
        *row("a", start=0.2), *row("b", start=0.8, rate=0.8), *row("d", safe=Outcome.FAILS), *absent("s")
    )
    assert decided.winner == "a"
    assert decided.sentence == (
        "a is recommended for Work: it scores 0.91, the next, b, 0.76; it is first in "
        ">\N{NO-BREAK SPACE}99\N{NO-BREAK SPACE}% of the draws of weights and measurements. "
        "d is knocked out: as seen (P00). "
        "Three runtimes were measured here. s was not measured: not installed."
    )
    assert standings(decided) == {
        "a": Standing.RECOMMENDED,
        "b": Standing.BEHIND,
        "d": Standing.KNOCKED_OUT,
        "s": Standing.NOT_MEASURED,
    }
    knocked_out = decided.verdicts[2]
    assert knocked_out.reasons == ("safe is a must [as seen (P00)]",)
    assert knocked_out.p_first is None
    not_measured = decided.verdicts[3]
    assert (not_measured.score.low, not_measured.score.high) == (0.0, 1.0)
    assert not_measured.reasons == ("not measured: not installed",)
    assert decided.measure_next == ()


def test_who_was_not_asked_everything_changes_nothing_whatever_was_found() -> None:
    ranked = (*row("a", start=0.7, noise=1.5), *row("b", noise=1.5), *absent("s"))
    aside = (*row("a-mode", start=0.1, rate=None, noise=2.0), *row("unsafe", safe=Outcome.FAILS, tidy=None))
    without = decide((*HOST, *ranked), VETO, HERE)
    assert without == decide((*HOST, *ranked, *aside), VETO, HERE, unranked={"a-mode", "unsafe"})
    assert without != decide((*HOST, *ranked, *aside), VETO, HERE)


def test_noise_makes_it_too_close_to_call_and_more_blocks_are_asked_for() -> None:
    decided = answer(*row("a", start=0.7, noise=1.5), *row("b", noise=1.5), *row("c", start=9.0, rate=0.1))
    assert decided.winner is None
    assert decided.sentence.startswith(
        "Too close to call for Work between a and b: noise and weights could put"
    )
    assert standings(decided) == {
        "a": Standing.TOO_CLOSE,
        "b": Standing.TOO_CLOSE,
        "c": Standing.BEHIND,
    }
    assert str(decided.measure_next[0]) in {"start, measured for longer", "rate, measured for longer"}


def test_what_holds_sometimes_is_asked_again_and_not_by_blocks() -> None:
    """Its turns are no blocks: however many of those are taken, it is asked as often."""
    (*others, tidy, safe) = row("a", noise=0)
    sometimes = replace(tidy, outcome=Outcome.SOMETIMES, held=3, turns=6)
    decided = answer(*others, sometimes, safe, *row("b", start=0.24, noise=0, tidy=Outcome.FAILS))
    assert {verdict.standing for verdict in decided.verdicts} == {Standing.TOO_CLOSE}
    assert str(decided.measure_next[0]) == "tidy again: it holds only sometimes"


def test_where_the_weights_decide_more_measuring_is_said_not_to_help() -> None:
    weights = {"start": 0.0, "rate": 0.0, "tidy": 24.0, "safe": 20.0}
    findings = (*row("a", safe=Outcome.FAILS, noise=0), *row("b", tidy=Outcome.FAILS, noise=0))
    decided = answer(*findings, rules=criteria(weights))
    assert "the order depends on the weights, and more measuring would not settle it" in decided.sentence
    assert decided.measure_next == ()


def test_missing_evidence_makes_it_undecided_and_is_named() -> None:
    decided = answer(*row("a"), *row("b", start=None), *row("c", start=9.0, rate=0.1))
    assert decided.winner is None
    assert decided.sentence.startswith(
        "Undecided for Work: missing evidence could put either of b and a first (b 0.57 to 0.97, a 0.77)."
    )
    assert standings(decided) == {"a": Standing.UNDECIDED, "b": Standing.UNDECIDED, "c": Standing.BEHIND}
    assert [str(each) for each in decided.measure_next] == [
        "start for b: it decides 40\N{NO-BREAK SPACE}% of its score (not measured yet)",
    ]


def test_a_tie_is_called_one() -> None:
    decided = answer(*row("a", noise=0), *row("b", noise=0))
    assert decided.sentence.startswith("a and b are tied for Work")
    assert standings(decided) == {"a": Standing.TIED, "b": Standing.TIED}


def test_a_knock_out_that_nobody_could_test_keeps_the_leader_from_being_recommended() -> None:
    decided = answer(
        *row("a", safe=None), finding("a", "safe", Outcome.INERT, "no control"), *row("b", start=9.0)
    )
    assert decided.winner is None
    assert "it is not known whether safe would knock out a." in decided.sentence
    assert str(decided.measure_next[0]) == "safe for a: it could knock a out (now: no control)"


def test_only_the_bare_host_is_said_to_be_that() -> None:
    decided = answer(*absent("a"))
    assert decided.sentence == (
        "Only the bare host was measured at Here, so no runtime can be recommended for Work. "
        "a was not measured: not installed."
    )
    assert standings(decided) == {"a": Standing.NOT_MEASURED}


def test_those_that_are_absent_for_one_reason_are_named_together() -> None:
    missing = (
        *(("p", "not installed: p is not on PATH"), ("q", "not installed: q is not on PATH")),
        *(("r", "left out"), ("s", "left out."), ("t", "it does not answer. Is it running?")),
    )
    decided = answer(*row("a"), *(found for name, why in missing for found in absent(name, why)))
    assert decided.sentence.endswith(
        "p and q were not measured: not installed. r and s were not measured: left out. "
        "t was not measured: it does not answer. Is it running?"
    )
    alone = answer(*row("a"), *absent("p", "not installed: p is not on PATH"))
    assert alone.sentence.endswith("p was not measured: not installed: p is not on PATH.")


def test_nothing_at_all_is_said_to_be_that() -> None:
    decided = decide((), VETO, HERE)
    assert decided.rows == ()
    assert decided.use_cases[0].sentence.startswith("Nothing was measured at Here")


def test_where_all_are_out_nobody_is_eligible() -> None:
    decided = answer(*row("a", safe=Outcome.FAILS))
    assert decided.sentence == "No runtime is eligible for Work at Here. a is knocked out: as seen (P00)."


@pytest.mark.parametrize(
    ("rule", "families"),
    [
        ({"runtime": "engine-plain"}, {}),
        ({"family": "engine"}, {}),
        ({"family": "other"}, {"engine-plain": "other"}),
        ({"criterion": "tidy", "when": Outcome.FAILS}, {}),
    ],
)
def test_the_policy_of_the_site_comes_first(rule: dict[str, str | Outcome], families: dict[str, str]) -> None:
    findings = (*HOST, *row("engine-plain", tidy=Outcome.FAILS), *row("b"))
    decided = decide(findings, VETO, site(rule), families=families).use_cases[0]
    assert standings(decided) == {"b": Standing.RECOMMENDED, "engine-plain": Standing.KNOCKED_OUT}
    assert "policy of Here: not here" in decided.verdicts[1].reasons[0]


def test_the_bare_host_has_rows_and_is_never_ranked() -> None:
    decided = decide((*HOST, *row("a")), VETO, HERE)
    assert {each.runtime for each in decided.rows} == {"host", "a"}
    assert [verdict.runtime for verdict in decided.use_cases[0].verdicts] == ["a"]


def test_findings_of_two_runs_are_not_decided_together() -> None:
    with pytest.raises(EvaluationError, match="more than one run"):
        answer(*row("a"), *(replace(found, run="yesterday") for found in row("b")))


def test_the_committed_criteria_decide_an_empty_run_in_every_use_case() -> None:
    rules = load_criteria(Path(__file__).parents[2] / "criteria.yaml")
    decided = decide((), rules, HERE)
    assert [each.use_case for each in decided.use_cases] == list(rules.use_cases)


# ---- what nobody may gain by hiding: random fields of two to four runtimes ----

attempts = st.sampled_from([Outcome.HOLDS, Outcome.FAILS, Outcome.UNSUPPORTED, None])
rows = st.builds(
    lambda start, rate, tidy, safe, noise: {
        "start": start,
        "rate": rate,
        "tidy": tidy,
        "safe": safe,
        "noise": noise,
    },
    st.sampled_from([None, 0.1, 0.5, 2.0, 20.0]),
    st.sampled_from([None, 0.2, 0.6, 1.0]),
    attempts,
    attempts,
    st.sampled_from([0.0, 0.05, 1.0]),
)
fields = st.lists(rows, min_size=2, max_size=4).map(
    lambda found: {name: row(name, **each) for name, each in zip("abcd", found, strict=False)}
)
LIGHT = criteria(knock_outs=("safe",), draws=1000, bootstrap_resamples=100)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def light(field: dict[str, tuple[Finding, ...]], rules: Criteria = LIGHT) -> UseCaseDecision:
    return answer(*(found for each in field.values() for found in each), rules=rules)


@quick
@given(fields, st.data())
def test_removing_a_loser_never_changes_the_winner(
    field: dict[str, tuple[Finding, ...]], data: st.DataObject
) -> None:
    winner = light(field).winner
    assume(winner)
    loser = data.draw(st.sampled_from([name for name in field if name != winner]))
    assert light({name: found for name, found in field.items() if name != loser}).winner == winner


@quick
@given(fields, st.data())
def test_hiding_results_never_wins(field: dict[str, tuple[Finding, ...]], data: st.DataObject) -> None:
    hider = data.draw(st.sampled_from(sorted(field)))
    kept = tuple(found for found in field[hider] if data.draw(st.booleans(), label=found.probe))
    if light(field | {hider: kept}).winner == hider:
        assert light(field).winner == hider


@quick
@given(fields, st.data())
def test_hiding_results_only_widens_an_interval(
    field: dict[str, tuple[Finding, ...]], data: st.DataObject
) -> None:
    hider = data.draw(st.sampled_from([name for name in field if len(field[name]) > 1] or ["a"]))
    assume(len(field[hider]) > 1)
    kept = data.draw(st.lists(st.sampled_from(field[hider]), min_size=1, unique_by=lambda f: f.probe))
    before = {v.runtime: v.score for v in light(field).verdicts}[hider]
    after = {v.runtime: v.score for v in light(field | {hider: tuple(kept)}).verdicts}[hider]
    assert after.low <= before.low
    assert after.high >= before.high


@quick
@given(fields, st.data(), st.floats(0.001, 1000))
def test_neither_order_nor_the_size_of_weights_matters(
    field: dict[str, tuple[Finding, ...]], data: st.DataObject, factor: float
) -> None:
    names = data.draw(st.permutations(list(field)))
    scaled = criteria(
        {name: factor * WEIGHTS[name] for name in reversed(WEIGHTS)},
        ("safe",),
        draws=1000,
        bootstrap_resamples=100,
    )
    before, after = light(field), light({name: field[name] for name in names}, scaled)
    assert standings(after) == standings(before)
    assert after.winner == before.winner


@quick
@given(fields)
def test_a_knocked_out_runtime_is_never_recommended_and_a_winner_beats_everyone(
    field: dict[str, tuple[Finding, ...]],
) -> None:
    decided = light(field)
    scores = {verdict.runtime: verdict.score for verdict in decided.verdicts}
    for name, found in field.items():
        if any(each.probe == "safe" and each.outcome is Outcome.FAILS for each in found):
            assert standings(decided)[name] is Standing.KNOCKED_OUT
    if decided.winner:
        ranked = {Standing.BEHIND, Standing.RECOMMENDED}
        rivals = [
            n for n, standing in standings(decided).items() if standing in ranked and n != decided.winner
        ]
        assert standings(decided)[decided.winner] is Standing.RECOMMENDED
        assert all(scores[decided.winner].low > scores[rival].high for rival in rivals)
