"""What is weighed, on which scale, and by whom: the typed `criteria.yaml`.

Every number that moves a score stands in that file with its reason. This module only says what
shape it has, and what would make it contradict itself.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from evaluation.decide.answerrules import (
    ConfidenceRule,
    Constant,
    Harm,
    ScenarioRule,
    WordRule,
    each_once,
)
from evaluation.decide.objectives import (
    NotApplicable,
    Objective,
    OwnShares,
    Section,
    objective_complaints,
    sections,
    unfolded,
)
from evaluation.documents import Check, Complaint, Identifier, StrictModel, Text, load, unknown
from evaluation.model import Outcome, Standing
from evaluation.workprofiles import WorkProfile, work_complaints
from evaluation.yamltree import Document

__all__ = [
    "Constant",
    "Criteria",
    "Criterion",
    "KnockOut",
    "LossCriterion",
    "MeasuredCriterion",
    "Method",
    "OutcomeCriterion",
    "Scale",
    "UseCase",
    "WordRule",
    "load_criteria",
]

Proportion = Annotated[float, Field(gt=0, lt=1)]
Points = Annotated[float, Field(ge=0, le=1_000_000)]
"""Only proportions count, so nobody needs more; and sums of them stay far from the end of the numbers."""
Credit = Annotated[float, Field(ge=0, le=1)]


class Method(StrictModel):
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
    promethee_indifference: Constant[Annotated[float, Field(ge=0, lt=1)]]
    promethee_preference: Constant[Annotated[float, Field(gt=0, le=1)]]
    closed_by_option: Constant[Credit] | None = None
    """What an effect is worth at most that only an option closes; in full, where it is not given."""
    fact_age_months: Constant[Annotated[int, Field(ge=1, le=600)]] | None = None
    """After so many months a fact about a site is marked as out of date; never, where it is not given."""

    @field_validator("promethee_preference")
    @classmethod
    def _is_above_indifference(cls, preference: Constant[float], info: ValidationInfo) -> Constant[float]:
        indifference = info.data.get("promethee_indifference")
        if indifference is not None and preference.value <= indifference.value:
            message = "should be above promethee_indifference"
            raise ValueError(message)
        return preference


End = Annotated[float, Field(ge=-1e18, le=1e18)]
"""Beyond any unit, and far enough from the end of the numbers that no place on a scale is lost there."""
_NEAREST = 1e-18
_ALIKE = 1e-9
"""Relative: ends so close together differ by the rounding of what was written."""


class Scale(StrictModel):
    """A declared scale: ``worst`` is worth 0, ``best`` is worth 1, beyond them nothing changes."""

    worst: End
    best: End
    spacing: Literal["linear", "log"]
    reason: Text

    @field_validator("best")
    @classmethod
    def _has_length(cls, best: float, info: ValidationInfo) -> float:
        worst = info.data.get("worst")
        if worst is not None and math.isclose(best, worst, rel_tol=_ALIKE, abs_tol=_NEAREST):
            message = "should differ from worst, or the scale tells nothing apart"
            raise ValueError(message)
        return best

    @field_validator("spacing")
    @classmethod
    def _has_logarithms(cls, spacing: str, info: ValidationInfo) -> str:
        ends = (info.data.get("worst", 1.0), info.data.get("best", 1.0))
        if spacing == "log" and min(ends) < _NEAREST:
            message = "'log' needs worst and best above zero"
            raise ValueError(message)
        return spacing

    def score(self, value: float) -> float:
        """Place a value (in the criterion's unit) on the scale, clipped to 0..1."""
        return min(1.0, max(0.0, self.position(value)))

    def position(self, value: float) -> float:
        """Place a value on the scale and beyond its ends; what has no logarithm is infinitely far."""
        if math.isnan(value):
            message = "not a number has no place on a scale"
            raise ValueError(message)
        if self.spacing == "linear":
            return (value - self.worst) / (self.best - self.worst)
        ratio = value / self.worst
        if ratio <= 0:  # the limit towards zero
            return math.inf if self.best < self.worst else -math.inf
        return math.log(ratio) / math.log(self.best / self.worst)


Area = Literal["performance", "operations", "security", "batch"]


class _Criterion(StrictModel):
    question: Text
    group: Area
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
    margin: Constant[Proportion] | None = None
    """Indifference margin (relative) for this criterion; without it that of the method holds."""

    @field_validator("unit")
    @classmethod
    def _ratio_has_no_unit(cls, unit: str, info: ValidationInfo) -> str:
        if info.data.get("figure") == "ratio" and unit != "1":
            message = "should be '1': a ratio to the bare host has no unit"
            raise ValueError(message)
        return unit

    @field_validator("scale")
    @classmethod
    def _points_the_right_way(cls, scale: Scale, info: ValidationInfo) -> Scale:
        direction = info.data.get("direction")
        if direction is not None and (scale.best > scale.worst) != (direction == "maximise"):
            side = "above" if direction == "maximise" else "below"
            message = f"best should be {side} worst, because the direction is {direction!r}"
            raise ValueError(message)
        return scale


class OutcomeCriterion(_Criterion):
    """A criterion fed by what a functional attempt came to."""

    figure: Literal["outcome"]
    harm_by: Literal["user", "image", "job"] | None = None
    """Who would bring the effect about: see `evaluation.decide.modes`."""
    outcomes: Mapping[Literal[Outcome.HOLDS, Outcome.FAILS, Outcome.UNSUPPORTED], Credit]
    """What each outcome is worth; any other outcome is missing evidence."""
    reason: Text

    @field_validator("outcomes")
    @classmethod
    def _is_complete(cls, outcomes: Mapping[Outcome, float]) -> Mapping[Outcome, float]:
        missing = {Outcome.HOLDS, Outcome.FAILS, Outcome.UNSUPPORTED} - set(outcomes)
        if missing:
            message = f"should also say what {', '.join(sorted(missing))} is worth"
            raise ValueError(message)
        return outcomes


class LossCriterion(StrictModel):
    """The time that a unit of work loses, as a share of the unit: what it is differs by use case.

    No probe feeds it, but the work profile of the use case, and every probe that prices a part of it.
    """

    question: Text
    group: Area
    source: Text
    figure: Literal["loss"]
    direction: Literal["minimise"]
    unit: Literal["1"]
    scale: Scale

    @field_validator("scale")
    @classmethod
    def _ends_at_nothing(cls, scale: Scale) -> Scale:
        if scale.spacing != "linear" or scale.best != 0 or not 0 < scale.worst <= 1:
            message = "should be linear, from a worst share of the unit (at most 1) to a best of 0"
            raise ValueError(message)
        return scale

    @property
    def probe(self) -> str:
        """None feeds it by itself."""
        return ""


Criterion = Annotated[MeasuredCriterion | OutcomeCriterion | LossCriterion, Field(discriminator="figure")]


class KnockOut(StrictModel):
    """A finding that ends a runtime's candidacy in a use case, whatever else it scores."""

    criterion: Text
    when: Literal[Outcome.FAILS, Outcome.UNSUPPORTED]
    reason: Text
    source: Text


class UseCase(StrictModel):
    """Who asks, what each criterion is worth to them, and what they cannot accept."""

    title: Text
    story: Text
    weights: Mapping[Identifier, Points]
    """Points per objective, or per criterion of one, as written: what going from worst to best on its scale
    is worth. None means 0. `Criteria.weights` gives those of single criteria."""
    shares: Mapping[Identifier, OwnShares] = Field(default_factory=dict)
    """Other proportions within an objective than the declared ones, by objective."""
    knock_outs: tuple[KnockOut, ...] = ()
    work: WorkProfile | None = None
    """What one unit of the work is; without it, nobody can say what a runtime costs of it."""

    @field_validator("weights")
    @classmethod
    def _weighs_something(cls, weights: Mapping[str, float]) -> Mapping[str, float]:
        if not any(weights.values()):
            message = "should give at least one criterion more than 0 points"
            raise ValueError(message)
        return weights


class Criteria(StrictModel):
    """Everything `criteria.yaml` says."""

    method: Method
    criteria: Annotated[Mapping[Identifier, Criterion], Field(min_length=1)]
    objectives: Annotated[Mapping[Identifier, Objective], Field(max_length=6)] = Field(default_factory=dict)
    """What a use case weighs: each by one number, which unfolds into criteria."""
    not_applicable: Mapping[Identifier, NotApplicable] = Field(default_factory=dict)
    """Where an objective cannot be had, and so weighs nothing for anybody."""
    points: Constant[Annotated[float, Field(gt=0, le=1_000_000)]] | None = None
    """How many points each use case shares out: `evaluation validate` adds them up."""
    use_cases: Annotated[Mapping[Identifier, UseCase], Field(min_length=1)]
    words: Annotated[tuple[WordRule, ...], Field(min_length=1)]
    scenarios: Annotated[Mapping[Identifier, ScenarioRule], AfterValidator(each_once)] = Field(
        default_factory=dict
    )
    """What may change without changing the answer, for a runtime to be recommended."""
    confidence: ConfidenceRule | None = None
    """How good evidence is told to be; nothing is, where it is not given."""

    @field_validator("words")
    @classmethod
    def _have_one_for_every_standing(cls, words: tuple[WordRule, ...]) -> tuple[WordRule, ...]:
        always = {standing for rule in words if rule.harm is None for standing in rule.standings}
        if missing := [str(standing) for standing in Standing if standing not in always]:
            message = f"should have a rule without 'harm' for: {', '.join(missing)}"
            raise ValueError(message)
        return words

    @property
    def loss(self) -> tuple[str, LossCriterion] | None:
        """The criterion of the time that a unit of work loses, with its name; ``None`` without one."""
        return next(
            ((name, row) for name, row in self.criteria.items() if isinstance(row, LossCriterion)), None
        )

    def probes_of(self, criterion: str) -> tuple[str, ...]:
        """Name the probes that feed a criterion: one, or all that price a unit of work in some use case."""
        row = self.criteria[criterion]
        if not isinstance(row, LossCriterion):
            return (row.probe,)
        works = [use_case.work for use_case in self.use_cases.values() if use_case.work]
        whole = [work.measured_by for work in works if work.measured_by]
        return tuple(dict.fromkeys([*(probe for work in works for probe in work.probes), *whole]))

    def weights(self, use_case: str, engine: str = "") -> Mapping[str, float]:
        """Return the points of every criterion that a use case weighs; objectives are unfolded.

        At a site with this batch engine, if one is named: without what does not apply there.
        """
        rules = self.use_cases[use_case]
        out = self.inapplicable(engine)
        return {
            name: points
            for name, points in unfolded(rules.weights, self.objectives, rules.shares).items()
            if name not in out
        }

    def inapplicable(self, engine: str) -> frozenset[str]:
        """Return the criteria of objectives that cannot be had at a site with this batch engine."""
        return frozenset(
            criterion
            for name, rule in self.not_applicable.items()
            if engine in rule.engines and name in self.objectives
            for criterion in self.objectives[name].shares
        )

    def sections(self) -> tuple[Section, ...]:
        """Put every criterion into the section where it is shown: its objective, or the rest of its area."""
        return sections({name: row.group for name, row in self.criteria.items()}, self.objectives)

    def word(self, standing: Standing, harms: Collection[Harm] = ()) -> str:
        """Give the word for a standing, and for what harm is known of the runtime."""
        return next(
            rule.word
            for rule in self.words
            if standing in rule.standings and (rule.harm is None or rule.harm in harms)
        )

    def margin(self, criterion: str) -> float:
        """Return the indifference margin (relative) that holds for a measured criterion."""
        row = self.criteria[criterion]
        own = row.margin if isinstance(row, MeasuredCriterion) else None
        return (own or self.method.indifference_margin).value


def load_criteria(
    path: Path, *, probes: Collection[str] | Mapping[str, str] | None = None, also: Check | None = None
) -> Criteria:
    """Read and check a criteria file.

    Parameters
    ----------
    path : Path
        The file.
    probes : collection of str, or mapping of str to str, optional
        The ids of all probes; given, a criterion fed by none of them is a fault. With the unit of each, empty
        for what measures nothing, a criterion of another figure or unit is one too.
    also : callable, optional
        A further check of the document; see `evaluation.decide.owed`.

    Raises
    ------
    EvaluationError
        The file cannot be read.
    FaultyDocumentError
        It is faulty: with every fault in it.
    """

    def check(document: Document) -> Iterator[Complaint]:
        yield from _references(document)
        yield from _losses(document)
        if isinstance(probes, Mapping):
            yield from work_complaints(document, probes)
        if document.mapping("criteria"):
            yield from objective_complaints(document, get_args(Area))
        if probes is not None:
            yield from _probes(document, probes)
        if also is not None:
            yield from also(document)

    return load(path, Criteria, check)


def _references(document: Document) -> Iterator[Complaint]:
    """Check that use cases speak of criteria that there are, and knock out by what can happen."""
    criteria = document.mapping("criteria")
    if not criteria:
        return  # that is the fault, and not every word that refers to it
    for use_case in document.mapping("use_cases"):
        here = ("use_cases", use_case)
        known = (*criteria, *document.mapping("objectives"))
        for name in document.mapping(*here, "weights"):
            if name not in known:
                location = (*here, "weights", name)
                yield Complaint(location=location, message=unknown("criterion", name, known), at_key=True)
        knock_outs = document.value(*here, "knock_outs")
        for index in range(len(knock_outs) if isinstance(knock_outs, list) else 0):
            place = (*here, "knock_outs", index, "criterion")
            named = document.value(*place)
            if not isinstance(named, str):
                continue
            if named not in criteria:
                yield Complaint(location=place, message=unknown("criterion", named, criteria))
            elif document.value("criteria", named, "figure") in ("value", "ratio", "loss"):
                message = f"{named!r} is measured, and so never FAILS; knock out by a criterion of outcomes"
                yield Complaint(location=place, message=message)


def _losses(document: Document) -> Iterator[Complaint]:
    """Check that time lost is one criterion, and weighed only where a unit of work is declared."""
    names = [
        name for name in document.mapping("criteria") if document.value("criteria", name, "figure") == "loss"
    ]
    for name in names[1:]:
        message = f"should be the only criterion of the figure 'loss': {names[0]} is one already"
        yield Complaint(location=("criteria", name), message=message, at_key=True)
    for use_case in document.mapping("use_cases"):
        here = ("use_cases", use_case)
        if document.mapping(*here, "work"):
            continue
        for name in document.mapping(*here, "weights"):
            own = document.mapping(*here, "shares", name, "shares")
            members = own or document.mapping("objectives", name, "shares")
            if {name, *members} & {*names}:
                message = f"{name} is weighed, and 'work' does not say what a unit of it is"
                yield Complaint(location=(*here, "weights", name), message=message, at_key=True)


def _probes(document: Document, probes: Collection[str] | Mapping[str, str]) -> Iterator[Complaint]:
    for criterion in document.mapping("criteria"):
        location = ("criteria", criterion, "probe")
        probe = document.value(*location)
        if not isinstance(probe, str):
            continue
        if probe not in probes:
            yield Complaint(location=location, message=unknown("probe", probe, probes))
        elif isinstance(probes, Mapping):
            yield from _figure(document, criterion, probe, probes[probe])


def _figure(document: Document, criterion: str, probe: str, measured: str) -> Iterator[Complaint]:
    """Hold a criterion's figure and unit against those of its probe; ``measured`` is empty for an attempt."""
    here = ("criteria", criterion)
    figure, unit = document.value(*here, "figure"), document.value(*here, "unit")
    if figure == "outcome" and measured:
        message = f"should be 'value' or 'ratio': {probe} measures in {measured!r}"
        yield Complaint(location=(*here, "figure"), message=message)
    elif figure in ("value", "ratio") and not measured:
        message = f"should be 'outcome': {probe} measures nothing"
        yield Complaint(location=(*here, "figure"), message=message)
    elif figure == "value" and isinstance(unit, str) and unit != measured:
        message = f"should be {measured!r}, in which {probe} measures, not {unit!r}"
        yield Complaint(location=(*here, "unit"), message=message)
