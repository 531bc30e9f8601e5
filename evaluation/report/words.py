"""The words for states, standings and differences, and the tone each is shown in.

A state is always a word, a shape and a colour together, never a colour alone. The tone names the
shape and the colour in the style sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from evaluation.model import CONTROL, Comparison, Finding, Outcome, Standing

__all__ = ["NOT_ASKED", "State", "against_host", "standing_state", "state"]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A word with its tone (a class of the style sheet) and what it means in one sentence."""

    word: str
    tone: str
    meaning: str


_OUTCOMES: Final = {
    Outcome.HOLDS: State(word="holds", tone="good", meaning="What the probe asks for was observed."),
    Outcome.FAILS: State(word="fails", tone="bad", meaning="The opposite was observed."),
    Outcome.MEASURED: State(word="measured", tone="plain", meaning="A value was measured."),
    Outcome.UNSUPPORTED: State(
        word="unsupported", tone="cross", meaning="The runtime cannot do this, by design."
    ),
    Outcome.UNAVAILABLE: State(
        word="not measured", tone="hollow", meaning="This site could not provide it; the reason is given."
    ),
    Outcome.INERT: State(
        word="inert", tone="dashed", meaning="No control could do it either, so nothing is shown."
    ),
    Outcome.ERROR: State(word="probe error", tone="error", meaning="The probe broke; nothing is claimed."),
}

_COMPARISONS: Final = {
    Comparison.BETTER: State(
        word="better",
        tone="up",
        meaning="Better than the bare host: beyond chance and the noise of this site.",
    ),
    Comparison.WORSE: State(
        word="worse",
        tone="down",
        meaning="Worse than the bare host: beyond chance and the noise of this site.",
    ),
    Comparison.EQUIVALENT: State(
        word="equivalent", tone="same", meaning="As the bare host, within the declared margin; tested."
    ),
    Comparison.UNRESOLVED: State(
        word="unresolved",
        tone="open",
        meaning="Neither a difference nor its absence is shown; more blocks decide.",
    ),
}

_VERDICTS: Final = {
    "DENIED": State(word="denied", tone="good", meaning="The attempt failed while a control succeeded."),
    "ABSENT": State(word="absent", tone="good", meaning="There is nothing there to attack."),
    "EXPOSED": State(word="exposed", tone="bad", meaning="The effect was observed."),
}

_MISSING: Final = State(word="no finding", tone="hollow", meaning="This run has no finding here.")

NOT_ASKED: Final = State(
    word="not asked",
    tone="blank",
    meaning="A mode that nobody named is not timed; the positive control is only for security attempts.",
)

_STANDINGS: Final = {
    Standing.RECOMMENDED: State(word="recommended", tone="good", meaning="First, beyond doubt and rivals."),
    Standing.TIED: State(word="tied", tone="same", meaning="As good as the first, within the tie margin."),
    Standing.TOO_CLOSE: State(
        word="too close to call", tone="open", meaning="Noise or weights could turn the order round."
    ),
    Standing.UNDECIDED: State(
        word="undecided", tone="dashed", meaning="Missing evidence could turn the order round."
    ),
    Standing.BEHIND: State(word="behind", tone="plain", meaning="Another runtime is ahead."),
    Standing.KNOCKED_OUT: State(
        word="knocked out", tone="cross", meaning="It fails something this use case cannot accept."
    ),
    Standing.NOT_MEASURED: State(
        word="not measured here", tone="hollow", meaning="Nothing is known about it from this site."
    ),
}

_ADDED: Final = State(word="added", tone="bad", meaning="Possible here, and not on the bare host.")
_TAKEN: Final = State(word="taken away", tone="good", meaning="Possible on the bare host, and not here.")
_SAME: Final = State(word="as on the host", tone="same", meaning="The runtime changes nothing.")
_UNSHOWN: Final = State(word="not shown", tone="hollow", meaning="There is nothing to compare.")

LEGEND: Final = (*_OUTCOMES.values(), *_COMPARISONS.values(), NOT_ASKED)
DIFFERENCES: Final = (_ADDED, _TAKEN, _SAME, _UNSHOWN)


def state(finding: Finding | None) -> State:
    """Name the state of one cell of the evidence matrix."""
    if finding is None:
        return _MISSING
    if finding.outcome is Outcome.MEASURED and finding.comparison is not None and finding.runtime != CONTROL:
        return _COMPARISONS[finding.comparison]
    return _VERDICTS.get(finding.verdict, _OUTCOMES[finding.outcome])


def standing_state(standing: Standing) -> State:
    """Name where a runtime stands in a use case."""
    return _STANDINGS[standing]


def against_host(finding: Finding | None, host: Finding | None) -> State:
    """Say what a runtime adds to, or takes away from, what the bare host allows."""
    decided = {Outcome.HOLDS, Outcome.FAILS}
    if finding is None or host is None or not {finding.outcome, host.outcome} <= decided:
        return _UNSHOWN
    if finding.outcome is host.outcome:
        return _SAME
    return _ADDED if finding.outcome is Outcome.FAILS else _TAKEN
