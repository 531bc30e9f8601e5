"""The standing rule, one word at a time."""

from __future__ import annotations

import pytest

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


def test_a_lead_with_an_open_knock_out_is_undecided() -> None:
    ranking = ranked({"a": 0.8, "b": 0.6}, {"a": 1.0, "b": 0.0}, unresolved=("a",))
    assert ranking.winner is None
    assert ranking.standings == {"a": Standing.UNDECIDED, "b": Standing.BEHIND}
    assert ranked({"a": 0.8, "b": 0.6}, {"a": 1.0, "b": 0.0}, unresolved=("b",)).winner == "a"


def test_the_only_one_in_the_field_is_recommended_and_an_empty_field_has_nobody() -> None:
    assert ranked({"a": 0.1}, {"a": 1.0}).winner == "a"
    assert ranked({}, {}) == Ranking(order=(), standings={}, group=())
