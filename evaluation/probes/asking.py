"""Questions to an engine that may fail now and then: only an answer counts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from evaluation.errors import EvaluationError
from evaluation.probes.base import Completed, Session
from evaluation.reasons import reason_of

__all__ = ["NoAnswerError", "answered"]

_TIMES: Final = 5
_AGAIN_S: Final = 0.5


class NoAnswerError(EvaluationError):
    """It did not answer, asked again and again: nothing is known, and nothing is taken for gone."""


def answered(session: Session, argv: Sequence[str]) -> Completed:
    """Ask on the host, again and a little later each time where that fails.

    Raises
    ------
    NoAnswerError
        It failed every time.
    """
    done = session.on_host(argv)
    for number in range(1, _TIMES):
        if done.ok:
            return done
        time.sleep(number * _AGAIN_S)
        done = session.on_host(argv)
    if not done.ok:
        raise NoAnswerError(f"{argv[0]} does not answer: {reason_of(done)}")
    return done
