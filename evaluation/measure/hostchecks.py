"""Every look at the host before anything is measured, in one list: for doctor, and for a run's manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evaluation.errors import EvaluationError
from evaluation.manifest import CheckFacts
from evaluation.measure.grouplimits import control_groups, limits
from evaluation.measure.launcher import Launcher
from evaluation.measure.premises import premises
from evaluation.measure.subordinate import subordinate_ids
from evaluation.measure.surroundings import surroundings
from evaluation.model import CheckState

__all__ = ["host_checks", "require", "told_together"]


def host_checks(launcher: Launcher) -> Iterator[CheckFacts]:
    """Look at the host as the user that the launcher runs commands as; no runtime is asked."""
    for found in premises(launcher):
        yield found
        if found.what == "devices" and found.state is CheckState.FATAL:
            return
    yield from surroundings()
    yield limits()
    yield control_groups(launcher.user)
    yield subordinate_ids(launcher)


def require(launcher: Launcher) -> tuple[CheckFacts, ...]:
    """Refuse to measure where every single turn would fail; give how the host was found.

    Raises
    ------
    EvaluationError
        A check says that nothing can be measured.
    """
    found = tuple(host_checks(launcher))
    for check in found:
        if check.state is CheckState.FATAL:
            raise EvaluationError(check.sentence, where="before anything is measured", advice=check.remedy)
    return found


def told_together(before: Iterable[CheckFacts], now: Iterable[CheckFacts]) -> tuple[CheckFacts, ...]:
    """Join the checks of a run's beginning and of its resumption; of what has changed both stay."""
    return tuple({(check.what, check.state): check for check in (*before, *now)}.values())
