"""A section of the security chapter: what is installed, and which published faults are known in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from evaluation.decide.supply import Answer, Exposure, match
from evaluation.manifest import ProgramFacts
from evaluation.report.source import Case, SiteCase
from evaluation.report.words import State

__all__ = ["Row", "Supply", "supply"]

STATES: Final = {
    Exposure.AFFECTED: State(
        word="affected",
        tone="bad",
        meaning="Below the fixed release, and no distribution carries fixes back.",
    ),
    Exposure.FIXED: State(
        word="fixed", tone="good", meaning="The version is a fixed one, or its package's changelog names it."
    ),
    Exposure.NOT_CONCERNED: State(
        word="not concerned",
        tone="good",
        meaning="It hangs on a configuration that this installation was seen not to have.",
    ),
    Exposure.UNKNOWN: State(
        word="unknown",
        tone="open",
        meaning="Below the fixed release, and its changelog does not mention it: neither safe nor affected.",
    ),
}
_ORDER: Final = (Exposure.AFFECTED, Exposure.UNKNOWN, Exposure.NOT_CONCERNED, Exposure.FIXED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One program, and the advisories about it: what is not fixed first."""

    program: ProgramFacts
    answers: tuple[tuple[State, Answer], ...]

    @property
    def summary(self) -> str:
        """How many there are of each answer, in words."""
        counted = Counter(state.word for state, _ in self.answers)
        words = [f"{counted[state.word]} {state.word}" for state in STATES.values() if counted[state.word]]
        return ", ".join(words) or "none in the table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """One site's programs. ``checked`` is the table's date; empty where there is no table."""

    kernel: str
    checked: str
    rows: tuple[Row, ...]


def supply(case: Case, site: SiteCase) -> Supply:
    """Hold a run's programs against the table of advisories."""
    table, programs = case.advisories, site.manifest.programs
    answers = match(programs, table, site.manifest.runtimes) if table else ()
    return Supply(
        kernel=site.manifest.host.kernel,
        checked=table.checked if table else "",
        rows=tuple(
            Row(
                program=program,
                answers=tuple(
                    (STATES[answer.exposure], answer)
                    for answer in sorted(answers, key=lambda answer: _ORDER.index(answer.exposure))
                    if answer.program is program
                ),
            )
            for program in programs
        ),
    )
