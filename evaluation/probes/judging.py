"""What probes have in common when they judge: pure functions of recorded observations.

The names under which probes record stand here, so that observing and judging agree on them.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.model import CONTROL, CONTROL_AGAIN, Outcome
from evaluation.probes.base import Judgement, Observations

__all__ = [
    "ABSENT",
    "CONTROL_DONE",
    "CONTROL_TOLD",
    "DETAIL",
    "EFFECT",
    "NOT_PLANTED",
    "PROBLEM",
    "UNAVAILABLE",
    "Attempt",
    "functional",
    "problem",
    "relative",
    "with_one_compiler",
]

PROBLEM = "problem"
"""Text: why a turn says nothing. Our probe broke, or the runtime did not run the payload at all."""
EFFECT = "effect"
"""Truth: whether the attempt had its effect, as the host-side verifier saw it."""
CONTROL_DONE = "control"
"""Truth: whether the verifier's own control, made in the same turn, had the effect."""
CONTROL_TOLD = "control_told"
"""Text: what that control was, as a clause, where it was not the usual one of its attempt."""
NOT_PLANTED = "not_planted"
"""Text: why the canary could not be planted here, and what to do about it."""
ABSENT = "absent"
"""Text: why there is nothing here to attack."""
UNAVAILABLE = "unavailable"
"""Text: why this site, or this image, cannot provide what the probe needs."""
DETAIL = "detail"
"""Text: what was seen, for the finding's message."""


def problem(own: Observations) -> str:
    """Say why these observations cannot be judged, or return an empty string."""
    counted = [item for item in own.items if not item.warm_up]
    problems = [item for item in counted if item.name == PROBLEM and item.value]
    if problems:
        turns, lost = (len({item.block for item in items}) for items in (counted, problems))
        said = str(problems[-1].value)
        return f"{said} ({lost} of {turns} turns)" if turns > 1 else said
    return "" if own.items else "nothing was observed"


_WITHOUT_CONTROL = (
    "the bare host did not do this work, so nothing can be told of a runtime that did: see there"
)


def relative(
    own: Observations, others: Mapping[str, Observations], name: str, *, same_work: Sequence[str] = ()
) -> Judgement:
    """Judge a measured value: per block the median, after a check that the same work was done.

    Parameters
    ----------
    own, others
        As in `Probe.judge`.
    name : str
        The name the value was recorded under.
    same_work : sequence of str
        Names whose recorded values must not vary, and must be those of the bare host: counts and
        checksums. A rate over other work is no rate. Where the bare host itself failed, nothing is shown
        about a runtime: the reason is said once, of the bare host.
    """
    fault = problem(own)
    blocks = own.by_block(name)
    if not fault and not blocks:
        fault = f"no value of {name} was recorded"
    control = others.get(CONTROL, own)
    for check in same_work:
        here, host = set(own.values(check)), set(control.values(check))
        if not fault and here and not host and (problem(control) or control.last(UNAVAILABLE)):
            return Judgement(outcome=Outcome.UNAVAILABLE, message=_WITHOUT_CONTROL)
        if not fault and (len(here) != 1 or here != host):
            fault = f"{check} was {_listed(here)} and on the bare host {_listed(host)}: other work was done"
    if not problem(own) and (reason := own.last(UNAVAILABLE)):
        return Judgement(outcome=Outcome.UNAVAILABLE, message=str(reason))
    if fault:
        return Judgement(outcome=Outcome.ERROR, message=fault)
    samples = {block: statistics.median(values) for block, values in sorted(blocks.items())}
    count = sum(len(values) for values in blocks.values())
    message = f"{count} measured in {len(samples)} block{'' if len(samples) == 1 else 's'}"
    return Judgement(outcome=Outcome.MEASURED, message=message, samples=samples)


def with_one_compiler(own: Observations, others: Mapping[str, Observations]) -> Judgement | None:
    """Refuse the bare host where its compiler is not the image's: other work would be compared."""
    if not own.items or own.items[0].runtime not in {CONTROL, CONTROL_AGAIN} or not own.last("compiler"):
        return None
    compilers = {items.last("compiler") for items in others.values()} - {None, own.last("compiler")}
    if not compilers:
        return None
    words = f"the host's gcc {own.last('compiler')} is not the image's ({', '.join(map(str, compilers))})"
    return Judgement(outcome=Outcome.UNAVAILABLE, message=words)


def functional(
    own: Observations,
    others: Mapping[str, Observations],
    name: str,
    *,
    works: str,
    fails: str,
    host: str = "",
) -> Judgement:
    """Judge whether something works: a truth value recorded under a name, in every turn.

    Parameters
    ----------
    works, fails : str
        What it means, as a clause; the newest `DETAIL` is put behind it.
    host : str
        What it means if the bare host cannot do it either: then nothing is shown about the runtime, it is
        the kernel's or the image's doing; if the bare host can, a failure is put down to the runtime.
        Empty where the bare host's answer does not matter.
    """
    fault, seen = problem(own), own.values(name)
    if not fault and not seen and (reason := own.last(UNAVAILABLE)):
        return Judgement(outcome=Outcome.UNAVAILABLE, message=str(reason))
    if fault or not seen:
        return Judgement(outcome=Outcome.ERROR, message=fault or f"no answer about {name} was recorded")
    detail = f" ({own.last(DETAIL)})" if own.last(DETAIL) else ""
    if all(seen):
        return Judgement(outcome=Outcome.HOLDS, message=f"{works}{detail}")
    control = own if own.items[0].runtime in {CONTROL, CONTROL_AGAIN} else others.get(CONTROL, Observations())
    if host and control.values(name) and not all(control.values(name)):
        return Judgement(outcome=Outcome.INERT, message=f"{fails}{detail}; {host}")
    blame = "; the bare host can, so it is the runtime's doing" if host and control.values(name) else ""
    return Judgement(outcome=Outcome.FAILS, message=f"{fails}{detail}{blame if control is not own else ''}")


def _listed(values: set[float | str | bool | None]) -> str:
    return " or ".join(sorted(str(value) for value in values)) or "not recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The judge of an attempt: a failure counts only where something else succeeded.

    Parameters
    ----------
    done : str
        What an effect means, as a sentence without its full stop.
    not_done : str
        The same for its absence.
    control : str
        What the verifier's own control shows, as a clause. Empty where there is none.
    inert : str
        What it means where the bare host shows the effect too, as a clause: nothing is shown then, not
        about the host and not about a runtime. Empty where what a plain job can do counts as exposed.
    words : bool
        Whether to give the security checklist's word as the verdict.
    """

    done: str
    not_done: str
    control: str = ""
    inert: str = ""
    words: bool = True

    def __call__(self, own: Observations, others: Mapping[str, Observations]) -> Judgement:
        """Judge one runtime's observations, the other arms' beside them."""
        if True in own.values(EFFECT):
            if self.inert and True in self._bare(own, others).values(EFFECT):
                return self._judgement(
                    Outcome.INERT, "INERT", f"{self.inert}{self._detail(own, effect=True)}"
                )
            count = own.values(EFFECT)
            often = "" if all(count) else f" in {count.count(True)} of {len(count)} turns"
            return self._judgement(
                Outcome.FAILS, "EXPOSED", f"{self.done}{often}{self._detail(own, effect=True)}"
            )
        if own.last(EFFECT) is None or problem(own):
            return self._not_attempted(own)
        could = self._who_could(own, others)
        seen = f"{self.not_done}{self._detail(own, effect=False)}"
        if could:
            return self._judgement(Outcome.HOLDS, "DENIED", f"{seen}; control: {could}")
        if own.items[0].runtime in {CONTROL, CONTROL_AGAIN}:
            return self._judgement(Outcome.HOLDS, "DENIED", f"{seen}; this is what a plain job can do")
        shown = f"{seen}, but no control could do it either, so this shows nothing"
        advice = own.last(NOT_PLANTED)
        return self._judgement(Outcome.INERT, "INERT", f"{shown}; {advice}" if advice else shown)

    def _bare(self, own: Observations, others: Mapping[str, Observations]) -> Observations:
        """The bare host's observations: one's own, where that is the bare host."""
        control = {CONTROL, CONTROL_AGAIN}
        return own if own.items and own.items[0].runtime in control else others.get(CONTROL, Observations())

    def _not_attempted(self, own: Observations) -> Judgement:
        """Say why there is no effect to judge."""
        fault, absent, not_planted = problem(own), own.last(ABSENT), own.last(NOT_PLANTED)
        if not fault and (unavailable := own.last(UNAVAILABLE)) is not None:
            return self._judgement(Outcome.UNAVAILABLE, "UNAVAILABLE", str(unavailable))
        if fault or (absent is None and not_planted is None):
            return self._judgement(Outcome.ERROR, "ERROR", fault or "no effect was recorded")
        if absent is not None:
            return self._judgement(Outcome.HOLDS, "ABSENT", str(absent))
        return self._judgement(Outcome.INERT, "INERT", str(not_planted))

    def _who_could(self, own: Observations, others: Mapping[str, Observations]) -> str:
        """Name a control that had the effect: the bare host first, the verifier's own, any other arm."""
        arms = [arm for arm in others if True in others[arm].values(EFFECT)]
        if CONTROL in arms or CONTROL_AGAIN in arms:
            return "the bare host could"
        if True in own.values(CONTROL_DONE):
            return str(own.last(CONTROL_TOLD) or self.control)
        return f"{', '.join(sorted(arms))} could" if arms else ""

    def _judgement(self, outcome: Outcome, verdict: str, message: str) -> Judgement:
        return Judgement(outcome=outcome, message=message, verdict=verdict if self.words else "")

    def _detail(self, own: Observations, *, effect: bool) -> str:
        """The newest detail that was recorded in the same turn as this effect."""
        turns = {item.block for item in own.items if item.name == EFFECT and item.value is effect}
        details = [
            str(item.value)
            for item in own.items
            if item.name == DETAIL and item.block in turns and not item.warm_up
        ]
        return f" ({details[-1]})" if details else ""
