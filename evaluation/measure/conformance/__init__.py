"""The conformance list: what every adapter promises, asked of the real thing.

An adapter is pure, so its tests show only that it builds the command line that was meant. Here the
command line is run. Where runtimes legitimately differ, a check records how, and judges only what must
not happen: silence about something that was changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evaluation.errors import EvaluationError
from evaluation.measure.conformance import endings, files, process
from evaluation.measure.conformance.trial import Check, DeviationError, Trial, UnsupportedError
from evaluation.measure.session import Arm, Bench, work_directory
from evaluation.model import CONTROL, Outcome
from evaluation.runtimes.base import RuntimeRefusalError

__all__ = ["CHECKS", "Check", "Result", "conform", "examine", "shortcomings"]

CHECKS: tuple[Check, ...] = (*process.CHECKS, *files.CHECKS, *endings.CHECKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one check showed of one runtime.

    ``outcome`` is ``HOLDS``, ``FAILS``, ``UNSUPPORTED`` (by design, and the adapter says so),
    ``UNAVAILABLE`` (the runtime is not here; then there is no check) or ``ERROR`` (the check itself
    broke). ``message`` says what was seen.
    """

    runtime: str
    check: str = ""
    expectation: str = ""
    outcome: Outcome
    message: str

    @property
    def conforms(self) -> bool:
        """Whether nothing was seen that is not as the adapter says."""
        return self.outcome not in {Outcome.FAILS, Outcome.ERROR}


def shortcomings(results: Sequence[Result], asked: Sequence[str]) -> tuple[str, ...]:
    """Why runtimes cannot be said to conform, a sentence each; none where all that was asked for does."""
    found = [
        f"{result.runtime} was asked for and cannot be checked: {result.message}"
        for result in results
        if result.runtime in asked and result.outcome is Outcome.UNAVAILABLE
    ]
    checked = {result.runtime for result in results if result.check}
    if not found and tuple(asked) != ("none",) and not checked - {CONTROL}:
        found.append("no container runtime was checked: evaluation doctor says why")
    if deviations := sum(not result.conforms for result in results):
        found.append(f"{deviations} deviation{'s' * (deviations != 1)}")
    return tuple(found)


def conform(bench: Bench, arm: Arm) -> Iterator[Result]:
    """Ask every check of one runtime that is ready to run the image."""
    for check in CHECKS:
        yield examine(check, bench, arm)


def examine(check: Check, bench: Bench, arm: Arm) -> Result:
    """Ask one check of one runtime, in a directory of its own."""
    with work_directory(bench) as work:
        try:
            outcome, message = Outcome.HOLDS, check.ask(Trial(bench=bench, arm=arm, work=work))
        except UnsupportedError as design:
            outcome, message = Outcome.UNSUPPORTED, str(design)
        except (DeviationError, RuntimeRefusalError) as deviation:
            outcome, message = Outcome.FAILS, str(deviation)
        except (EvaluationError, OSError, ValueError) as error:
            outcome, message = Outcome.ERROR, f"{type(error).__name__}: {error}"
    return Result(
        runtime=arm.id,
        check=check.id,
        expectation=check.expectation,
        outcome=outcome,
        message=message,
    )
