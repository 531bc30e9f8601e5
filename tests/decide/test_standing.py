"""The standing rule, one word at a time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.decide.standing import Ranking, rank
from evaluation.model import Score, Standing


def ranked(
    scores: dict[str, float | tuple[float, float]],
    chances: dict[str, float],
    unresolved: tuple[str, ...] = (),
) -> Ranking:
    made = {
        name: Score(value=None, low=found[0], high=found[1])
        if isinstance(found, tuple)
        else Score(value=found, low=found, high=found)
        for name, found in scores.items()
    }
    return rank(made, chances, bar=0.9, tie_margin=0.02, unresolved=unresolved)


def test_a_clear_and_sure_lead_is_a_recommendation() -> None:
    ranking = ranked({"a": 0.8, "b": 0.6}, {"a": 0.9, "b": 0.1})
    assert ranking.winner == "a"
    assert ranking.standings == {"a": Standing.RECOMMENDED, "b": Standing.BEHIND}


def test_a_lead_that_misses_the_bar_is_too_close_to_call() -> None:
    ranking = ranked({"a": 0.8, "b": 0.6, "c": 0.7}, {"a": 0.89, "b": 0.1, "c": 0.01})
    assert ranking.winner is None
    assert ranking.standings == {"a": Standing.TOO_CLOSE, "b": Standing.TOO_CLOSE, "c": Standing.BEHIND}
    assert ranking.group == ("a", "b")


def test_scores_within_the_tie_margin_are_tied() -> None:
    ranking = ranked({"a": 0.8, "b": 0.79, "c": 0.5}, {"a": 0.6, "b": 0.4, "c": 0.0})
    assert ranking.winner is None
    assert ranking.standings == {"a": Standing.TIED, "b": Standing.TIED, "c": Standing.BEHIND}


def test_a_tie_that_a_third_could_beat_is_too_close_to_call() -> None:
    ranking = ranked({"a": 0.8, "b": 0.79, "c": 0.77}, {"a": 0.4, "b": 0.3, "c": 0.3})
    assert set(ranking.standings.values()) == {Standing.TOO_CLOSE}


@pytest.mark.parametrize("leader", [0.8, (0.65, 0.9)])
def test_overlap_from_missing_evidence_is_undecided(leader: float | tuple[float, float]) -> None:
    ranking = ranked({"a": leader, "b": (0.3, 0.85), "c": 0.1}, {"a": 0.95, "b": 0.0, "c": 0.0})
    assert ranking.winner is None
    assert ranking.standings == {"a": Standing.UNDECIDED, "b": Standing.UNDECIDED, "c": Standing.BEHIND}


def test_what_is_known_for_sure_sets_the_mark_and_not_the_middle_of_a_gap() -> None:
    ranking = ranked({"a": (0.2, 1.0), "b": 0.55}, {"a": 0.95, "b": 0.0})
    assert set(ranking.standings.values()) == {Standing.UNDECIDED}


def test_missing_evidence_that_cannot_overturn_the_lead_does_not_stand_in_its_way() -> None:
    assert ranked({"a": (0.8, 0.9), "b": (0.3, 0.7)}, {"a": 0.95, "b": 0.0}).winner == "a"


def test_a_lead_that_only_what_is_not_known_keeps_from_the_bar_is_undecided_with_whoever_it_is() -> None:
    ranking = ranked({"a": 0.6, "b": (0.3, 0.57)}, {"a": 0.85, "b": 0.0})
    assert ranking.standings == {"a": Standing.UNDECIDED, "b": Standing.UNDECIDED}
    ranking = ranked(
        {"a": 0.6, "b": 0.5, "c": (0.1, 0.4), "d": (0.2, 0.57), "e": (0.3, 0.56)},
        {"a": 0.7, "b": 0.15, "c": 0.0, "d": 0.0, "e": 0.0},
    )
    assert ranking.group == ("a", "b", "e", "d")
    assert ranking.standings["c"] is Standing.BEHIND


@st.composite
def fields(draw: st.DrawFn) -> tuple[dict[str, Score], dict[str, float]]:
    """A field with chances as they can come out: they fall short of 1 only where evidence is missing."""
    ends = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)
    table = draw(st.lists(st.one_of(ends, st.floats(0, 1).map(lambda at: [at, at])), min_size=2, max_size=5))
    parts = [1, *draw(st.lists(st.sampled_from([0, 0, 1, 9]), min_size=4, max_size=4))][: len(table)]
    unknown = draw(st.integers(0, 3)) if any(low < high for low, high in table) else 0
    whole = sum(parts) + unknown
    scores = {
        name: Score(value=low if low == high else None, low=low, high=high)
        for name, (low, high) in zip("abcde", table, strict=False)
    }
    return scores, {name: part / whole for name, part in zip(scores, parts, strict=True)}


@settings(max_examples=500)
@given(fields(), st.sampled_from([0.6, 0.9, 1.0]))
def test_no_word_that_means_several_is_said_of_one(
    made: tuple[dict[str, Score], dict[str, float]], bar: float
) -> None:
    scores, chances = made
    ranking = rank(scores, chances, bar=bar, tie_margin=0.02)
    assert (len(ranking.group) == 1) is (ranking.winner is not None)
    assert {name for name, found in ranking.standings.items() if found is not Standing.BEHIND} == {
        *ranking.group
    }


def test_a_lead_with_an_open_knock_out_is_undecided() -> None:
    ranking = ranked({"a": 0.8, "b": 0.6}, {"a": 1.0, "b": 0.0}, unresolved=("a",))
    assert ranking.winner is None
    assert ranking.standings == {"a": Standing.UNDECIDED, "b": Standing.BEHIND}
    assert ranked({"a": 0.8, "b": 0.6}, {"a": 1.0, "b": 0.0}, unresolved=("b",)).winner == "a"


def test_the_only_one_in_the_field_is_recommended_and_an_empty_field_has_nobody() -> None:
    assert ranked({"a": 0.1}, {"a": 1.0}).winner == "a"
    assert ranked({}, {}) == Ranking(order=(), standings={}, group=())
