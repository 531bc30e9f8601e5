"""Sites: what is publicly known of a computing centre, and how to measure there.

One file each in ``sites/``. A site that has not measured says so; nothing about it is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from evaluation.batch import Batch, Native
from evaluation.documents import Complaint, Identifier, StrictModel, Text, load, unknown
from evaluation.errors import EvaluationError
from evaluation.model import Outcome
from evaluation.workprofiles import SiteWork
from evaluation.yamltree import Document

__all__ = [
    "Acceptance",
    "Batch",
    "Borrow",
    "Fact",
    "ImageStore",
    "Offer",
    "Policy",
    "RuntimeSetting",
    "Site",
    "SiteFile",
    "SiteKnockOut",
    "list_sites",
    "load_site",
]


_ID = r"[a-z0-9][a-z0-9_-]*"


Said = Annotated[str, Field(pattern=r"^(undated|\d{4}(-\d{2}(-\d{2})?)?)$")]


class Fact(StrictModel):
    """One public statement about a site, with where it stands and how far it was checked."""

    topic: Text
    statement: Text
    source: Text
    date: Said
    """When it was said: as exact as the source is, or ``undated``."""
    dating: Text | None = None
    """How the date is known, or what is known instead of one."""
    checked: Text
    """How far the statement was checked against its source."""
    confidence: Literal["declared", "measured"]


class Offer(StrictModel):
    """A runtime, or a family of runtimes, that the site has for its users."""

    runtime: Identifier | None = None
    family: Identifier | None = None
    statement: Text
    """What is offered, in one sentence, with what speaks against it."""
    source: Text
    date: Said
    """When it was said: as exact as the source is, or ``undated``."""
    dating: Text | None = None
    """How the date is known, or what is known instead of one."""
    checked: Text
    """How far the statement was checked against its source."""

    @model_validator(mode="after")
    def _names_one_thing(self) -> Offer:
        if (self.runtime is None) == (self.family is None):
            message = "should name exactly one of runtime and family"
            raise ValueError(message)
        return self

    @property
    def name(self) -> str:
        """The runtime's or the family's id."""
        return self.runtime or self.family or ""

    def holds_for(self, runtime: str, family: str) -> bool:
        """Whether it speaks of this runtime."""
        return self.runtime == runtime or (self.family is not None and self.family == family)


class SiteKnockOut(StrictModel):
    """What the site does not permit: a runtime, a family of runtimes, or a finding."""

    runtime: Identifier | None = None
    family: Identifier | None = None
    criterion: Identifier | None = None
    when: Literal[Outcome.FAILS, Outcome.UNSUPPORTED] | None = None
    reason: Text
    source: Text

    @model_validator(mode="after")
    def _names_one_thing(self) -> SiteKnockOut:
        if sum(name is not None for name in (self.runtime, self.family, self.criterion)) != 1:
            message = "should name exactly one of runtime, family and criterion"
            raise ValueError(message)
        if (self.criterion is None) != (self.when is None):
            message = "'when' belongs to a criterion, and a criterion needs it"
            raise ValueError(message)
        return self


class Acceptance(StrictModel):
    """An exposure that the site accepts: what a use case would knock out by it stays in, and it is said."""

    criterion: Identifier
    runtime: Identifier | None = None
    family: Identifier | None = None
    reason: Text
    source: Text

    @model_validator(mode="after")
    def _names_at_most_one(self) -> Acceptance:
        if self.runtime is not None and self.family is not None:
            message = "should name a runtime or a family, or neither for all of them"
            raise ValueError(message)
        return self

    def holds_for(self, criterion: str, runtime: str, family: str) -> bool:
        """Whether it speaks of this criterion and this runtime."""
        named = self.runtime in {None, runtime} and self.family in {None, family}
        return named and self.criterion == criterion


class Policy(StrictModel):
    """The site's own rules, before any use case has its say."""

    knock_outs: tuple[SiteKnockOut, ...] = ()
    accepts: tuple[Acceptance, ...] = ()
    """Failed criteria that knock nobody out here, whatever a use case says."""


class Borrow(StrictModel):
    """Another site's evidence, which stands in for some criteria until this site has measured them."""

    lender: Annotated[Identifier, Field(alias="from")]
    """The site whose newest finished run is taken."""
    criteria: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    widen_by: Annotated[float, Field(gt=1, le=100)]
    """Intervals are widened by this factor: how much less is known here than there."""
    reason: Text
    """Why that site is like this one, and why by so much."""
    source: Text


class RuntimeSetting(StrictModel):
    """How a runtime is started at this site."""

    options: tuple[Text, ...] = ()
    """Run options added to every launch, one word each, as in ``--security-opt=no-new-privileges``."""
    executable: Text | None = None
    """The client's command, where it is not the usual one on PATH."""
    images: Mapping[Identifier, Text] = Field(default_factory=dict)
    """Images that the site keeps itself, by the names of ours: ``small: id:0123ab`` of Shifter's gateway."""
    forbidden: Text | None = None
    """Why this runtime must not even be tried here; it keeps its row with this reason."""
    native: Native | None = None
    """How the scheduler itself starts it inside a job, where it does."""


class ImageStore(StrictModel):
    """Where the site keeps images for its jobs."""

    kind: Literal["shared", "node"]
    """``shared``: a file system that many nodes see. ``node``: a disk of each node."""
    source: Text


class SiteFile(StrictModel):
    """Everything a file in ``sites/`` says. Its id is the file's name."""

    title: Text
    status: Literal["measured-here", "declared-only", "test"]
    """``test`` is a cluster of the test suite: the report shows it only where it was measured."""
    label: Text | None = None
    """Shown wherever a run of this site is; a labelled run is left out of a report that has others."""
    facts: tuple[Fact, ...] = ()
    offers: tuple[Offer, ...] = ()
    """What the site has for its users; the answer names the best of it beside the best that was measured."""
    batch: Batch
    image_store: ImageStore | None = None
    """Where images lie, where that is declared; with ``engine: local`` they lie on the measured machine."""
    policy: Policy = Policy()
    borrows: tuple[Borrow, ...] = ()
    """Evidence that stands in until this site measures; all of it is one other site's (law 3)."""
    work: Mapping[Identifier, SiteWork] = Field(default_factory=dict)
    """By use case, what this site knows better about a unit of its work than ``criteria.yaml`` declares."""
    runtimes: Mapping[Identifier, RuntimeSetting] = Field(default_factory=dict)
    measure_as: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] | None = None
    """The unprivileged user who runs the containers when the measurement is started as root."""

    @field_validator("measure_as")
    @classmethod
    def _is_unprivileged(cls, user: str | None) -> str | None:
        if user == "root":
            message = "should be an unprivileged user: that is who runs containers at a site"
            raise ValueError(message)
        return user

    @field_validator("borrows")
    @classmethod
    def _is_one_lender(cls, borrows: tuple[Borrow, ...]) -> tuple[Borrow, ...]:
        if len({each.lender for each in borrows}) > 1:
            message = "should all be from one site: what was measured at several is not comparable"
            raise ValueError(message)
        names = [name for each in borrows for name in each.criteria]
        if len(names) != len({*names}):
            message = "should name each criterion once"
            raise ValueError(message)
        return borrows

    @field_validator("offers")
    @classmethod
    def _is_offered_once(cls, offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
        names = [offer.name for offer in offers]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            message = f"should name each runtime or family once, not {', '.join(twice)} again"
            raise ValueError(message)
        return offers

    @field_validator("facts")
    @classmethod
    def _is_consistent(cls, facts: tuple[Fact, ...], info: ValidationInfo) -> tuple[Fact, ...]:
        if info.data.get("status") == "declared-only" and any(
            fact.confidence == "measured" for fact in facts
        ):
            message = "a declared-only site has no measured facts: change its status, or their confidence"
            raise ValueError(message)
        return facts


class Site(SiteFile):
    """A site: its file, and the id that the file's name gives it."""

    id: str


def list_sites(folder: Path) -> tuple[str, ...]:
    """Return the ids of all sites in a folder, in alphabetical order."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml") if path.is_file()))


def load_site(
    site_id: str,
    folder: Path,
    *,
    runtimes: Collection[str] | None = None,
    families: Collection[str] | None = None,
    criteria: Collection[str] | None = None,
    counted: Mapping[str, Collection[str]] | None = None,
) -> Site:
    """Read and check a site's file.

    Parameters
    ----------
    site_id : str
        The stem of its file.
    folder : Path
        Where the sites are.
    runtimes, families, criteria : collection of str, optional
        All ids there are; given, a name that is none of them is a fault.
    counted : mapping of str to collection of str, optional
        By use case, what its work profile counts; given, a site cannot replace anything else.

    Raises
    ------
    EvaluationError
        There is no such site, or its file cannot be read.
    FaultyDocumentError
        Its file is faulty: with every fault in it.
    """
    known = list_sites(folder)
    if site_id not in known:
        raise EvaluationError(
            unknown("site", site_id, known),
            where=str(folder),
            advice=f"there are: {', '.join(known) or 'none'}; or describe it in {folder / f'{site_id}.yaml'}",
        )
    if not re.fullmatch(_ID, site_id):
        what = f"{site_id!r} is no id for a site: small letters, digits, - and _"
        raise EvaluationError(what, where=str(folder), advice=f"rename {site_id}.yaml")

    def check(document: Document) -> Iterator[Complaint]:
        names = (("runtime", runtimes), ("family", families), ("criterion", criteria))
        for rules in (("policy", "knock_outs"), ("policy", "accepts"), ("offers",)):
            for index in range(_length(document.value(*rules))):
                here = (*rules, index)
                for kind, there_are in names:
                    name = document.value(*here, kind)
                    if isinstance(name, str) and there_are is not None and name not in there_are:
                        yield Complaint(location=(*here, kind), message=unknown(kind, name, there_are))
        yield from _contradictions(document)
        yield from _unknown_borrows(document, site_id, known, criteria)
        yield from _native_elsewhere(document)
        yield from _unknown_work(document, counted)
        for name in document.mapping("runtimes"):
            if runtimes is not None and name not in runtimes:
                message = unknown("runtime", name, runtimes)
                yield Complaint(location=("runtimes", name), message=message, at_key=True)

    file = load(folder / f"{site_id}.yaml", SiteFile, check)
    fields: dict[str, Any] = {name: getattr(file, name) for name in SiteFile.model_fields}
    return Site(id=site_id, **fields)


def _native_elsewhere(document: Document) -> Iterator[Complaint]:
    """Launches by a scheduler that starts no containers."""
    engine = document.value("batch", "engine")
    for name in document.mapping("runtimes"):
        if document.value("runtimes", name, "native") is not None and engine != "slurm":
            message = f"only Slurm starts containers itself, and the engine here is {engine!r}"
            yield Complaint(location=("runtimes", name, "native"), message=message, at_key=True)


def _contradictions(document: Document) -> Iterator[Complaint]:
    """What one policy both knocks out by and accepts."""
    count = _length(document.value("policy", "knock_outs"))
    forbidden = {document.value("policy", "knock_outs", index, "criterion") for index in range(count)}
    for index in range(_length(document.value("policy", "accepts"))):
        place = ("policy", "accepts", index, "criterion")
        name = document.value(*place)
        if isinstance(name, str) and name in forbidden:
            message = f"{name!r} stands among this policy's knock-outs: it cannot be accepted too"
            yield Complaint(location=place, message=message)


def _unknown_borrows(
    document: Document, site_id: str, sites: Collection[str], criteria: Collection[str] | None
) -> Iterator[Complaint]:
    """What is borrowed from nobody, from oneself, or for a criterion that there is not."""
    for index in range(_length(document.value("borrows"))):
        here = ("borrows", index)
        lender = document.value(*here, "from")
        if isinstance(lender, str) and lender not in {*sites} - {site_id}:
            others = sorted({*sites} - {site_id})
            yield Complaint(location=(*here, "from"), message=unknown("site", lender, others))
        for place in range(_length(document.value(*here, "criteria"))):
            name = document.value(*here, "criteria", place)
            if isinstance(name, str) and criteria is not None and name not in criteria:
                message = unknown("criterion", name, criteria)
                yield Complaint(location=(*here, "criteria", place), message=message)


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


def _unknown_work(document: Document, counted: Mapping[str, Collection[str]] | None) -> Iterator[Complaint]:
    """Check that a site replaces only what a work profile has."""
    for use_case in document.mapping("work") if counted is not None else ():
        here = ("work", use_case)
        there = (counted or {}).get(use_case)
        if there is None:
            yield Complaint(location=here, message=unknown("use case", use_case, counted or ()), at_key=True)
            continue
        for name in document.mapping(*here, "counts"):
            if name not in there:
                known = ", ".join(there) or "nothing"
                message = f"is not counted in a unit of {use_case}; counted there: {known}"
                yield Complaint(location=(*here, "counts", name), message=message, at_key=True)
