"""What ``criteria.yaml`` declares about answers: which scenarios must agree, which words say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field, model_validator

from evaluation.documents import StrictModel, Text
from evaluation.model import Standing

__all__ = [
    "LEVELS",
    "Change",
    "ConfidenceRule",
    "Constant",
    "Doubted",
    "Harm",
    "ScenarioRule",
    "WordRule",
    "each_once",
]

Value = TypeVar("Value", bound=float | str)


class Constant(StrictModel, Generic[Value]):
    """One number (or name) of the method, with the reason for it."""

    value: Value
    reason: Text
    source: Text | None = None


class Harm(StrEnum):
    """What speaks against a runtime in one sentence, beside a veto."""

    EXPOSURE = "exposure"
    """A severe exposure that no option closes which the site permits."""
    LOSS = "loss"
    """Time lost, surely above a declared share of the unit of work."""


class WordRule(StrictModel):
    """Which word a runtime gets for its standing. The first rule that fits counts."""

    word: Literal["adopt", "trial", "assess", "works", "avoid"]
    standings: Annotated[tuple[Standing, ...], Field(min_length=1)]
    harm: Harm | None = None
    """Only for runtimes of which this harm is known."""
    above: Annotated[float, Field(gt=0, le=1)] | None = None
    """Of a loss: the share of the unit above which it is a harm."""
    reason: Text

    @model_validator(mode="after")
    def _bounds_a_loss(self) -> WordRule:
        if (self.harm is Harm.LOSS) != (self.above is not None):
            message = "'above' belongs to the harm 'loss', and a loss needs it"
            raise ValueError(message)
        if self.word == "avoid" and self.harm is None and {*self.standings} != {Standing.KNOCKED_OUT}:
            message = "'avoid' needs a harm, or a veto: being behind is none"
            raise ValueError(message)
        return self


class Change(StrEnum):
    """What one scenario changes in the decision; all else stays as signed."""

    ALIKE = "objectives alike"
    """Every objective weighs the same; within it the proportions stay."""
    WITHOUT = "each objective left out"
    """One scenario for each."""
    WORST = "unmeasured at worst"
    """What is not known turns out as badly as its scale allows, for everybody."""
    BEST = "unmeasured at best"
    LENGTH = "short and long units"
    """The unit of work computes as little, and as much, as its profile says; what is counted in it stays."""
    SITES = "each site"
    """One scenario for each other site that was measured."""


class ScenarioRule(StrictModel):
    """A change under which the answer must stay the same for a runtime to be recommended."""

    change: Change
    reason: Text


LEVELS = ("high", "moderate", "low", "very low")
"""The words of confidence, the best first."""


class Doubted(StrEnum):
    """What takes one step of confidence."""

    ELSEWHERE = "not the reader's machine"
    ONE_MACHINE = "one machine only"
    SHARED = "virtual or shared nodes"
    WIDE = "interval wider than the margin"
    UNMEASURED = "weight not measured"
    SITES = "sites disagree"
    OLD = "older than the age limit"
    LOCAL_DISK = "local disk in place of a shared one"


class ConfidenceRule(StrictModel):
    """Which doubts about the evidence count, each with its reason: confidence falls one step for each."""

    measured_share: Constant[Annotated[float, Field(gt=0, le=1)]]
    """Of the weight; less than so much measured is a doubt."""
    example: Constant[Literal["high", "moderate", "low", "very low"]]
    """Evidence that is nobody's own is never better than this."""
    steps: Annotated[Mapping[Doubted, Text], Field(min_length=1)]


def each_once(rules: Mapping[str, ScenarioRule]) -> Mapping[str, ScenarioRule]:
    """Hold that no two scenarios are the same one."""
    changes = [rule.change for rule in rules.values()]
    if twice := sorted({change for change in changes if changes.count(change) > 1}):
        message = f"should declare each change once, and has twice: {', '.join(twice)}"
        raise ValueError(message)
    return rules
