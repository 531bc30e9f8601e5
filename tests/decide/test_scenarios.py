"""One answer under every declared change, or the question on which it turns."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import absent, criteria, row, site

from evaluation.decide.answerrules import Change
from evaluation.decide.criteria import Criteria
from evaluation.decide.scenarios import Length, Part, leaders, scenarios
from evaluation.decide.score import decide
from evaluation.decide.sentence import depends
from evaluation.decide.standing import SETTLED
from evaluation.decide.together import AtSite, across_sites
from evaluation.model import Finding, Outcome, Scenario, Score, SiteDecision, Standing, UseCaseDecision

HOST = row("host", start=0.05, rate=1.0)
EVERY = criteria(knock_outs=("safe",), scenarios=tuple(Change))
MARGIN = 0.02
# The sections of the made-up criteria: performance 70 points, operations 20, security 10.
QUICK = row("quick", start=0.11, tidy=Outcome.FAILS, noise=0)
CLEAN = row("clean", start=9.0, noise=0)
WORSE = row("worse", start=9.0, rate=0.2, noise=0, safe=Outcome.UNSUPPORTED)


def answer(*findings: Finding, rules: Criteria = EVERY) -> UseCaseDecision:
    return decide((*HOST, *findings), rules, site()).use_cases[0]


def by_name(decision: UseCaseDecision) -> dict[str, Scenario]:
    return {scenario.name: scenario for scenario in decision.scenarios}


def standings(decision: UseCaseDecision) -> dict[str, Standing]:
    return {verdict.runtime: verdict.standing for verdict in decision.verdicts}


def test_who_is_first_in_every_scenario_is_recommended() -> None:
    decided = answer(
        *row("best", start=0.11, rate=1.0, noise=0), *row("worst", tidy=Outcome.FAILS, start=9.0)
    )
    assert decided.winner == "best"
    assert all(scenario.agrees for scenario in decided.scenarios)
    assert decided.answer.endswith("and in every declared scenario.")


def test_where_equal_weights_put_another_first_the_answer_is_the_question() -> None:
    decided = answer(*QUICK, *CLEAN, *WORSE)
    found = by_name(decided)
    assert found["as signed"].leaders == ("quick",)
    assert found["objectives-alike"].leaders == ("clean",)
    assert decided.winner is None
    assert standings(decided) == {
        "quick": Standing.DEPENDS,
        "clean": Standing.DEPENDS,
        "worse": Standing.BEHIND,
    }
    assert decided.brief == (
        "It turns on the weight of performance: as signed, quick is first; "
        "with all objectives alike, clean is first."
    )
    assert {verdict.runtime: verdict.word for verdict in decided.verdicts}["clean"] == "trial"


def test_without_scenarios_the_same_answer_has_a_name() -> None:
    assert answer(*QUICK, *CLEAN, *WORSE, rules=criteria(knock_outs=("safe",))).winner == "quick"


def test_who_is_only_level_in_a_scenario_is_not_first_there() -> None:
    """Left out, performance leaves two alike: the answer turns on how much it counts."""
    decided = answer(*row("a", start=0.2, noise=0), *row("b", start=3.0, noise=0))
    found = by_name(decided)
    assert found["each-objective-left-out/performance"].leaders == ("a", "b")
    assert decided.winner is None
    assert decided.brief == (
        "It turns on whether performance counts: as signed, a is first; "
        "leaving out performance, a and b are alike."
    )
    assert standings(decided) == {"a": Standing.DEPENDS, "b": Standing.BEHIND}


def test_scores_are_those_of_the_changed_weights_to_the_last_digit() -> None:
    decided = answer(*QUICK, *CLEAN)
    scores = dict(by_name(decided)["each-objective-left-out/performance"].scores)
    assert scores["quick"].value == pytest.approx(10 / 30, abs=1e-15)
    assert scores["clean"].value == pytest.approx(1.0, abs=1e-15)


def test_gaps_have_a_worst_and_a_best_and_only_where_there_are_any() -> None:
    assert "unmeasured-at-worst" not in by_name(answer(*QUICK, *CLEAN))
    decided = answer(*row("a", start=0.2), *row("b", start=None), *row("c", start=9.0, rate=0.1))
    found = by_name(decided)
    assert found["unmeasured-at-worst"].leaders == ("a",)
    assert found["unmeasured-at-best"].leaders == ("b",)
    assert found["as signed"].open
    assert not found["unmeasured-at-best"].open
    assert decided.verdicts[0].standing is Standing.UNDECIDED


def test_nobody_in_the_field_has_no_scenarios() -> None:
    assert answer(*absent("a")).scenarios == ()
    assert answer(*row("a", safe=Outcome.FAILS)).scenarios == ()


def test_one_alone_is_first_in_all() -> None:
    decided = answer(*row("a"))
    assert decided.winner == "a"
    assert {scenario.leaders for scenario in decided.scenarios} == {("a",)}


def test_an_objective_that_alone_has_weight_is_not_left_out() -> None:
    rules = criteria({"start": 40.0, "rate": 30.0}, scenarios=tuple(Change))
    assert [each.name for each in answer(*row("a"), *row("b"), rules=rules).scenarios] == ["as signed"]


def test_many_different_outcomes_are_counted_in_the_sentence() -> None:
    """Each of four rivals is first once an objective is left out in which it alone is bad."""
    names = "pqrs"
    worth = {
        (name, runtime): 0.8 if runtime == "a" else (0.0 if runtime.endswith(name) else 1.0)
        for name in names
        for runtime in ("a", *(f"b{each}" for each in names))
    }
    known = {key: Score(value=each, low=each, high=each) for key, each in worth.items()}
    found = scenarios(
        EVERY.scenarios,
        [Part(name=name, title=f"Part {name}", weights={name: 25.0}) for name in names],
        sorted({runtime for _, runtime in known}),
        lambda criterion, runtime: known[criterion, runtime],
        tie_margin=MARGIN,
    )
    said, short = depends("Work", found)
    assert said == (
        "For Work it turns on the weight of part p: as signed, a is first; leaving out part p, bp is first; "
        "leaving out part q, bq is first; leaving out part r, br is first; one more scenario disagrees."
    )
    assert short == (
        "It turns on the weight of part p: as signed, a is first; leaving out part p, bp is first."
    )


def known(worth: float) -> Score:
    return Score(value=worth, low=worth, high=worth)


def test_a_short_and_a_long_unit_of_work_are_scenarios_where_they_are_given() -> None:
    """Of short units one starts too slowly; of long ones both are alike."""
    usual = {("time", "a"): 0.9, ("time", "b"): 0.8}

    def length(name: str, b: float) -> Length:
        return Length(
            name=name,
            title=f"{name} jobs",
            condition=f"with {name} jobs",
            turns_on="how long a job is",
            score=lambda _, runtime: known(0.9 if runtime == "a" else b),
        )

    found = scenarios(
        EVERY.scenarios,
        [Part(name="time", title="Time lost", weights={"time": 1.0})],
        ["a", "b"],
        lambda criterion, runtime: known(usual[criterion, runtime]),
        tie_margin=MARGIN,
        lengths=(length("short", 0.2), length("long", 0.9)),
    )
    assert [(each.name, each.leaders) for each in found] == [
        ("as signed", ("a",)),
        ("short-and-long-units/short", ("a",)),
        ("short-and-long-units/long", ("a", "b")),
    ]
    _, short = depends("Work", found)
    assert short == "It turns on how long a job is: as signed, a is first; with long jobs, a and b are alike."


def test_a_product_stands_in_each_scenario_by_its_best_way_there() -> None:
    worth = {
        ("time", "a"): 0.9, ("safe", "a"): 0.2,
        ("time", "a-contained"): 0.7, ("safe", "a-contained"): 1.0,
        ("time", "b"): 0.8, ("safe", "b"): 0.8,
    }  # fmt: skip
    found = scenarios(
        EVERY.scenarios,
        [
            Part(name="time", title="Time lost", weights={"time": 9.0}),
            Part(name="safe", title="Safety", weights={"safe": 1.0}),
        ],
        ["a", "b"],
        lambda criterion, runtime: known(worth[criterion, runtime]),
        tie_margin=MARGIN,
        ways={"a": ("a", "a-contained"), "b": ("b",)},
        best=lambda ways, scores: max(ways, key=lambda way: scores[way].low),
    )
    without_time = next(each for each in found if each.name.endswith("/time"))
    assert dict(without_time.scores) == {"a": known(1.0), "b": known(0.8)}
    assert without_time.leaders == ("a",)


# ---- sites --------------------------------------------------------------------------------------------


def at(name: str, *findings: Finding) -> AtSite:
    here = site().model_copy(update={"id": name, "title": name.capitalize()})
    found = tuple(replace(each, site=name) for each in (*HOST, *findings))
    return AtSite(title=here.title, decision=decide(found, EVERY, here))


BEST = (*row("best", start=0.11, rate=1.0, noise=0), *row("low", tidy=Outcome.FAILS, start=9.0))
LOW = (*row("low", start=0.11, rate=1.0, noise=0), *row("best", tidy=Outcome.FAILS, start=9.0))


def firsts(decided: tuple[SiteDecision, ...]) -> list[str | None]:
    return [decision.use_cases[0].winner for decision in decided]


def test_sites_that_agree_leave_every_answer() -> None:
    decided = across_sites([at("one", *BEST), at("two", *BEST)], EVERY)
    assert firsts(decided) == ["best", "best"]
    assert decided[0].use_cases[0].scenarios[-1].title == "Measured at Two"


def test_sites_that_disagree_make_the_answer_turn_on_the_site() -> None:
    decided = across_sites([at("one", *BEST), at("two", *LOW)], EVERY)
    assert firsts(decided) == [None, None]
    first = decided[0].use_cases[0]
    assert first.brief == "It turns on the site: as signed, best is first; at Two, low is first."
    assert standings(first) == {"best": Standing.DEPENDS, "low": Standing.DEPENDS}


def test_a_site_that_is_an_example_is_not_heard_and_hears() -> None:
    decided = across_sites([at("one", *BEST), replace(at("two", *LOW), heard=False)], EVERY)
    assert firsts(decided) == ["best", None]


def test_what_is_open_at_another_site_does_not_speak_against_this_one() -> None:
    open_there = (*row("best", rate=None), *row("low", rate=None, start=0.11))
    decided = across_sites([at("one", *BEST), at("two", *open_there)], EVERY)
    assert firsts(decided)[0] == "best"


def test_without_the_rule_sites_are_not_held_against_each_other() -> None:
    rules = criteria(knock_outs=("safe",))
    told = [at("one", *BEST), at("two", *LOW)]
    assert across_sites(told, rules) == tuple(each.decision for each in told)


# ---- whatever is measured ---------------------------------------------------------------------------------

worths = st.one_of(st.none(), st.floats(0, 1))
tables = st.lists(st.lists(worths, min_size=4, max_size=4), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(tables, st.lists(st.floats(0.1, 50), min_size=4, max_size=4))
def test_leaders_are_within_the_margin_and_agreement_is_the_same_first_place(
    table: list[list[float | None]], points: list[float]
) -> None:
    runtimes = "abcd"[: len(table)]
    parts = [
        Part(name="x", title="X", weights={"p": points[0], "q": points[1]}),
        Part(name="y", title="Y", weights={"r": points[2], "s": points[3]}),
    ]

    def score(criterion: str, runtime: str) -> Score:
        worth = table[runtimes.index(runtime)]["pqrs".index(criterion)]
        return (
            Score(value=None, low=0, high=1) if worth is None else Score(value=worth, low=worth, high=worth)
        )

    found = scenarios(EVERY.scenarios, parts, runtimes, score, tie_margin=MARGIN)
    for scenario in found:
        scores = dict(scenario.scores)
        assert scenario.leaders == leaders(scores, MARGIN)
        assert scenario.leaders
        assert scenario.agrees == (set(scenario.leaders) == set(found[0].leaders))
        known = [score.value for score in scores.values() if score.value is not None]
        if len(known) == len(scores):
            assert all(max(known) - scores[name].low <= MARGIN + 1e-9 for name in scenario.leaders)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.1, 0.5, 2.0, 9.0]),
            st.sampled_from([0.2, 0.6, 1.0]),
            st.sampled_from([Outcome.HOLDS, Outcome.FAILS]),
            st.sampled_from([0.0, 0.05, 1.0]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_name_is_given_exactly_where_all_agree(found: list[tuple[float, float, Outcome, float]]) -> None:
    light = criteria(scenarios=tuple(Change), draws=1000, bootstrap_resamples=100)
    bare = criteria(draws=1000, bootstrap_resamples=100)
    findings = tuple(
        each
        for name, (start, rate, tidy, noise) in zip("abcd", found, strict=False)
        for each in row(name, start=start, rate=rate, tidy=tidy, noise=noise)
    )
    decided, before = answer(*findings, rules=light), answer(*findings, rules=bare)
    agree = all(scenario.agrees for scenario in decided.scenarios)
    was = {standing for standing in standings(before).values() if standing in SETTLED}
    assert decided.winner == (before.winner if agree else None)
    if was and not agree:
        depending = [name for name, standing in standings(decided).items() if standing is Standing.DEPENDS]
        assert {*decided.scenarios[0].leaders} <= {*depending}
        assert all(name in decided.answer or "disagree" in decided.answer for name in depending)
