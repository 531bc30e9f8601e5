"""The words for states, standings and differences, and the tone each is shown in.

A state is always a word, a shape and a colour together, never a colour alone. The tone names the
shape and the colour in the style sheet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from evaluation.model import CONTROL, Comparison, Delta, Finding, Outcome, Score, Severity, Standing, Verdict
from evaluation.units import share, shares

__all__ = [
    "NOT_ASKED",
    "State",
    "delta_state",
    "score_text",
    "standing_state",
    "state",
    "word_text",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A word with its tone (a class of the style sheet) and what it means in one sentence."""

    word: str
    tone: str
    meaning: str


_OUTCOMES: Final = {
    Outcome.HOLDS: State(word="holds", tone="good", meaning="What the probe asks for was observed."),
    Outcome.FAILS: State(word="fails", tone="bad", meaning="The opposite was observed."),
    Outcome.SOMETIMES: State(
        word="sometimes", tone="half", meaning="It held in some of the turns and failed in others."
    ),
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

_BORROWED: Final = State(
    word="borrowed from a site",
    tone="hollow",
    meaning="Another site's evidence stands in until this one measures; its interval was widened.",
)
_MISSING: Final = State(word="no finding", tone="hollow", meaning="This run has no finding here.")

NOT_ASKED: Final = State(
    word="not asked",
    tone="blank",
    meaning="A mode that nobody asked for by name has only its start timed, one that runs as no centre would "
    "run it nothing; the positive control is only for security attempts.",
)

_STANDINGS: Final = {
    Standing.RECOMMENDED: State(word="recommended", tone="good", meaning="First in every declared scenario."),
    Standing.TIED: State(word="tied", tone="same", meaning="As good as the first, within the tie margin."),
    Standing.DEPENDS: State(
        word="depends", tone="open", meaning="First as signed or in a declared scenario, and these disagree."
    ),
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

_DELTAS: Final = {
    Delta.ADDED: State(
        word="added", tone="bad", meaning="The runtime added this: possible here, and not on the bare host."
    ),
    Delta.TAKEN_AWAY: State(
        word="taken",
        tone="good",
        meaning="The runtime took this away: possible on the bare host, and not here.",
    ),
    Delta.SAME: State(word="same", tone="same", meaning="As on the host: the runtime changes nothing."),
    Delta.UNKNOWN: State(
        word="unknown", tone="hollow", meaning="One of the two shows nothing, so nothing is claimed."
    ),
}

SEVERITIES: Final = {
    Severity.HIGH: "root on the host, or another user's data or jobs",
    Severity.MEDIUM: "the user's own data or jobs outside of the container, or a step towards root",
    Severity.LOW: "more of the kernel in reach, or more known about the host; no effect by itself",
}
"""What an exposure of each severity is worth to whoever would use it."""

LEGEND: Final = (*_OUTCOMES.values(), *_COMPARISONS.values(), NOT_ASKED)
BORROWED_LEGEND: Final = (*LEGEND, _BORROWED)
"""The same where a site borrows."""
DIFFERENCES: Final = tuple(_DELTAS.values())
VERDICTS: Final = (
    *_VERDICTS.values(),
    *(
        _OUTCOMES[outcome]
        for outcome in (Outcome.INERT, Outcome.ERROR, Outcome.UNSUPPORTED, Outcome.UNAVAILABLE)
    ),
)


def state(finding: Finding | None) -> State:
    """Name the state of one cell of the evidence matrix."""
    if finding is None:
        return _MISSING
    if finding.borrowed is not None:
        whose = f"borrowed from {finding.borrowed.site}, run {finding.borrowed.run}"
        word = f"{_own_state(finding).word}, {whose}"
        return State(word=word, tone=_BORROWED.tone, meaning=_BORROWED.meaning)
    return _own_state(finding)


def _own_state(finding: Finding) -> State:
    if finding.outcome is Outcome.MEASURED and finding.comparison is not None and finding.runtime != CONTROL:
        return _COMPARISONS[finding.comparison]
    if finding.outcome is Outcome.SOMETIMES:
        found = _OUTCOMES[finding.outcome]
        return replace(found, word=f"{found.word}: {finding.held} of {finding.turns}")
    return _VERDICTS.get(finding.verdict, _OUTCOMES[finding.outcome])


def standing_state(standing: Standing) -> State:
    """Name where a runtime stands in a use case."""
    return _STANDINGS[standing]


def delta_state(delta: Delta) -> State:
    """Name what a runtime adds to, or takes away from, what the bare host allows."""
    return _DELTAS[delta]


def word_text(verdict: Verdict) -> str:
    """Write what to do about a runtime; of one that works, with what it costs."""
    return f"{verdict.word}, costs {verdict.cost}" if verdict.cost else verdict.word


def score_text(score: Score) -> str:
    """Write a score, or between which two it lies where evidence is missing."""
    return share(score.value) if score.value is not None else shares(score.low, score.high)
