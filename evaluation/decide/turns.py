"""One finding from several turns of the same question, each judged by itself."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.model import Outcome
from evaluation.probes.base import Judgement
from evaluation.shares import share_interval
from evaluation.units import percent

__all__ = ["ANSWERS", "together"]

ANSWERS = frozenset({Outcome.HOLDS, Outcome.FAILS})
"""What a turn may come to that says something of the runtime."""


def together(turns: Sequence[Judgement], *, confidence: float) -> Judgement:
    """Say what several turns come to.

    Parameters
    ----------
    turns : sequence of Judgement
        One at least, in their order. Those that are no answer (our probe broke, no control) count neither for
        nor against, and are mentioned.
    confidence : float
        Of the interval of the share of turns that held, as in 0.95.

    Returns
    -------
    Judgement
        ``HOLDS`` or ``FAILS`` where all that answered agree, ``SOMETIMES`` where they do not; where none
        answered, the last of them.
    """
    answers = [turn for turn in turns if turn.outcome in ANSWERS]
    if not answers:
        return turns[-1]
    failed = [turn for turn in answers if turn.outcome is Outcome.FAILS]
    held = len(answers) - len(failed)
    silent = [turn for turn in turns if turn.outcome not in ANSWERS]
    beside = f"; {_gave_no_answer(len(silent))}: {silent[-1].message}" if silent else ""
    if held and failed:
        found = share_interval(held, len(answers), confidence=confidence)
        ends = f"{percent(confidence)} CI of the share {percent(found.low)} to {percent(found.high)}"
        often = f"in {held} of {len(answers)} turns ({ends})"
        said = f"sometimes: {often}; in the others: {failed[-1].message}{beside}"
        return Judgement(outcome=Outcome.SOMETIMES, message=said)
    every = f"in each of {len(answers)} turns" if len(answers) > 1 else "in the one turn that gave an answer"
    return Judgement(outcome=answers[0].outcome, message=f"{answers[-1].message}; {every}{beside}")


def _gave_no_answer(turns: int) -> str:
    return f"{turns} more turn{'' if turns == 1 else 's'} gave no answer"
