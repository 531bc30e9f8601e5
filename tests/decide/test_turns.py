"""Several turns of one question: a yes, a no, or sometimes."""

from __future__ import annotations

import pytest

from evaluation.decide.turns import together
from evaluation.model import Outcome
from evaluation.probes.base import Judgement

HOLDS = Judgement(outcome=Outcome.HOLDS, message="it arrived")
FAILS = Judgement(outcome=Outcome.FAILS, message="it was lost")
BROKE = Judgement(outcome=Outcome.ERROR, message="not ready")
NONE_COULD = Judgement(outcome=Outcome.INERT, message="nor bare")


@pytest.mark.parametrize(
    ("turns", "outcome", "message"),
    [
        ([HOLDS] * 6, Outcome.HOLDS, "it arrived; in each of 6 turns"),
        ([FAILS] * 3, Outcome.FAILS, "it was lost; in each of 3 turns"),
        ([*[HOLDS] * 5, FAILS], Outcome.SOMETIMES, "sometimes: in 5 of 6 turns ("),
        ([FAILS, HOLDS], Outcome.SOMETIMES, "sometimes: in 1 of 2 turns ("),
        (
            [HOLDS, BROKE, HOLDS],
            Outcome.HOLDS,
            "it arrived; in each of 2 turns; 1 more turn gave no answer: not ready",
        ),
        (
            [BROKE, HOLDS, BROKE],
            Outcome.HOLDS,
            "it arrived; in the one turn that gave an answer; 2 more turns gave no answer: not ready",
        ),
        ([BROKE, BROKE], Outcome.ERROR, "not ready"),
        ([NONE_COULD], Outcome.INERT, "nor bare"),
    ],
)
def test_the_table(turns: list[Judgement], outcome: Outcome, message: str) -> None:
    found = together(turns, confidence=0.95)
    assert found.outcome is outcome
    assert found.message.startswith(message)


def test_sometimes_says_how_surely_and_what_the_other_turns_came_to() -> None:
    said = together([*[HOLDS] * 5, FAILS], confidence=0.95).message.replace("\N{NO-BREAK SPACE}", " ")
    assert (
        said == "sometimes: in 5 of 6 turns (95 % CI of the share 36 % to > 99 %); in the others: it was lost"
    )
