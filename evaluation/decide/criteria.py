"""What is weighed, on which scale, and by whom: the typed `criteria.yaml`.

Every number that moves a score stands in that file with its reason. This module only says what
shape it has, and what would make it contradict itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from evaluation.model import Outcome

__all__ = [
    "Constant",
    "Criteria",
    "Criterion",
    "KnockOut",
    "MeasuredCriterion",
    "Method",
    "OutcomeCriterion",
    "Scale",
    "UseCase",
    "load_criteria",
]

Value = TypeVar("Value", float, int, str)

Text = Annotated[str, Field(min_length=1)]
Proportion = Annotated[float, Field(gt=0, lt=1)]
Points = Annotated[float, Field(ge=0)]
Credit = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """No unknown key, no conversion between types, no infinity, no change afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Constant(Strict, Generic[Value]):
    """One number (or name) of the method, with the reason for it."""

    value: Value
    reason: Text
    source: Text | None = None


class Method(Strict):
    """The constants of the statistics and of the ranking."""

    confidence_level: Constant[Proportion]
    bootstrap_resamples: Constant[Annotated[int, Field(ge=100, le=1_000_000)]]
    indifference_margin: Constant[Proportion]
    correction: Constant[Literal["holm"]]
    p_first_bar: Constant[Annotated[float, Field(gt=0.5, lt=1)]]
    weight_range: Constant[Proportion]
    draws: Constant[Annotated[int, Field(ge=1_000, le=10_000_000)]]
    score_tie_margin: Constant[Annotated[float, Field(ge=0, lt=1)]]
    seed: Constant[Annotated[int, Field(ge=0)]]


class Scale(Strict):
    """A declared scale: ``worst`` is worth 0, ``best`` is worth 1, beyond them nothing changes."""

    worst: float
    best: float
    spacing: Literal["linear", "log"]
    reason: Text

    def score(self, value: float) -> float:
        """Place a value (in the criterion's unit) on the scale, clipped to 0..1."""
        if math.isnan(value):
            message = "not a number has no place on a scale"
            raise ValueError(message)
        if self.spacing == "log":
            if value <= 0:  # the limit towards zero: off the scale at its smaller end
                return 1.0 if self.best < self.worst else 0.0
            position = math.log(value / self.worst) / math.log(self.best / self.worst)
        else:
            position = (value - self.worst) / (self.best - self.worst)
        return min(1.0, max(0.0, position))


class _Criterion(Strict):
    question: Text
    group: Literal["performance", "operations", "security"]
    probe: Text
    source: Text


class MeasuredCriterion(_Criterion):
    """A criterion fed by a number: the value itself, or its paired ratio to the bare host.

    ``unit`` is the unit of the figure: ``"1"`` for a ratio.
    """

    figure: Literal["value", "ratio"]
    direction: Literal["maximise", "minimise"]
    unit: Text
    scale: Scale
    margin: Proportion | None = None
    """Indifference margin for this criterion; ``None`` takes that of the method."""


class OutcomeCriterion(_Criterion):
    """A criterion fed by what a functional attempt came to."""

    figure: Literal["outcome"]
    outcomes: Mapping[Literal[Outcome.HOLDS, Outcome.FAILS, Outcome.UNSUPPORTED], Credit]
    reason: Text


Criterion = Annotated[MeasuredCriterion | OutcomeCriterion, Field(discriminator="figure")]


class KnockOut(Strict):
    """A finding that ends a runtime's candidacy in a use case, whatever else it scores."""

    criterion: Text
    when: Literal[Outcome.FAILS, Outcome.UNSUPPORTED]
    reason: Text
    source: Text


class UseCase(Strict):
    """Who asks, what each criterion is worth to them, and what they cannot accept."""

    title: Text
    story: Text
    weights: Mapping[str, Points]
    knock_outs: tuple[KnockOut, ...] = ()


class Criteria(Strict):
    """Everything `criteria.yaml` says."""

    method: Method
    criteria: Mapping[str, Criterion]
    use_cases: Mapping[str, UseCase]

    def margin(self, criterion: str) -> float:
        """Return the indifference margin (relative) that holds for a measured criterion."""
        row = self.criteria[criterion]
        own = row.margin if isinstance(row, MeasuredCriterion) else None
        return self.method.indifference_margin.value if own is None else own


def load_criteria(path: Path) -> Criteria:
    """Read and check a criteria file."""
    raise NotImplementedError(path)
