"""Advisories against what is installed, offline: affected, fixed (with where it says so), or unknown.

A version below the upstream fix is no proof: distributions carry fixes back. Their installed changelog says
where it did; what it does not mention is unknown, not safe and not affected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field

from evaluation.documents import Complaint, Identifier, StrictModel, Text, load
from evaluation.manifest import ProgramFacts, RuntimeFacts, fact
from evaluation.yamltree import Document

__all__ = ["Advisories", "Advisory", "Answer", "Condition", "Exposure", "load_advisories", "match"]

Version = Annotated[str, Field(pattern=r"^\d+(\.\d+)+$")]
_NUMBERS = re.compile(r"(?:\d+:)?(\d+(?:\.\d+)*)([-~.+]?(?:rc|beta|alpha))?")
_PLACES = 4


class Condition(StrEnum):
    """What of an installation's configuration an advisory may hang on, as it is told in a report."""

    SETUID = "with the setuid starter"
    LIMITED_PATHS = "with 'limit container paths'"


class Advisory(StrictModel):
    """One published fault of one component."""

    id: Annotated[str, Field(pattern=r"^CVE-\d{4}-\d{4,7}$")]
    component: Identifier
    what: Text
    """What the fault allows, in a sentence."""
    fixed: Annotated[tuple[Version, ...], Field(min_length=1)]
    """The first fixed release of each branch that has one; every later branch is fixed too."""
    source: Text
    """Where the fixed releases were read."""
    only: tuple[Condition, ...] = ()
    """What has to hold of an installation for it to be concerned, where not every one is."""


class Advisories(StrictModel):
    """Everything `advisories.yaml` says."""

    checked: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """When the table was last held against its sources; what came later is not in it."""
    advisories: Annotated[tuple[Advisory, ...], Field(min_length=1)]


class Exposure(StrEnum):
    """What is known of one advisory in one installed program."""

    AFFECTED = "affected"
    FIXED = "fixed"
    NOT_CONCERNED = "not concerned"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One advisory held against one program; ``where`` says what the answer rests on."""

    advisory: Advisory
    program: ProgramFacts
    exposure: Exposure
    where: str


def load_advisories(path: Path) -> Advisories:
    """Read and check the table of advisories.

    Raises
    ------
    EvaluationError
        The file cannot be read.
    FaultyDocumentError
        It is faulty: with every fault in it.
    """
    return load(path, Advisories, _twice)


def _twice(document: Document) -> Iterator[Complaint]:
    rows = document.value("advisories")
    seen: dict[tuple[object, object], int] = {}
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        if isinstance(row, dict):
            key = (row.get("id"), row.get("component"))
            if None not in key and key in seen:
                message = f"{key[0]} of {key[1]} stands above already"
                yield Complaint(location=("advisories", index, "id"), message=message)
            seen[key] = index


def match(
    programs: Sequence[ProgramFacts], table: Advisories, runtimes: Sequence[RuntimeFacts] = ()
) -> tuple[Answer, ...]:
    """Hold every advisory against the program that it speaks of, where that is installed.

    ``runtimes`` are those of the run, of whose configuration something was read.
    """
    return tuple(
        _answer(advisory, program, _configuration(program.component, runtimes))
        for program in programs
        for advisory in table.advisories
        if advisory.component == program.component
    )


def _configuration(component: str, runtimes: Sequence[RuntimeFacts]) -> tuple[str, ...]:
    """What was read of the configuration of the runtime that a program belongs to; nothing where none was."""
    product = component.replace("-", "")
    belonging = (each.security for each in runtimes if each.version.lower().split(" ")[0] == product)
    return next(filter(None, belonging), ())


def _holds(condition: Condition, configured: Sequence[str]) -> bool | None:
    """Whether a condition holds of a configuration; ``None`` where that was not seen."""
    if condition is Condition.SETUID:
        helper = fact(configured, "setuid helper")
        return helper == "installed" if helper else None
    limit = fact(configured, "limit container paths")
    return limit == "set" if limit else None


def _answer(advisory: Advisory, program: ProgramFacts, configured: Sequence[str]) -> Answer:
    exposure, where = Exposure.UNKNOWN, "its version could not be read"
    installed = _numbers(program.version)
    fixes = sorted(map(_numbers, advisory.fixed))
    holding = {condition: _holds(condition, configured) for condition in advisory.only}
    without = next((condition for condition, holds in holding.items() if holds is False), None)
    unseen = next((condition for condition, holds in holding.items() if holds is None), None)
    if installed and _reaches(installed, fixes):
        exposure, where = Exposure.FIXED, f"version {program.version}; fixed in {', '.join(advisory.fixed)}"
    elif without:
        exposure = Exposure.NOT_CONCERNED
        where = f"concerns only installations {without}; this one was seen to be none"
    elif installed and not program.package:
        exposure = Exposure.UNKNOWN if unseen else Exposure.AFFECTED
        concerned = f"; concerns only installations {unseen}, which could not be seen" if unseen else ""
        where = f"version {program.version}, of no package; fixed in {', '.join(advisory.fixed)}{concerned}"
    elif advisory.id in program.mentioned:
        exposure, where = Exposure.FIXED, f"the changelog of {program.package} {program.version} mentions it"
    elif installed and program.changelog_read:
        where = f"the changelog of {program.package} {program.version} does not mention it"
    elif installed:
        where = f"{program.package} {program.version} has no changelog here"
    return Answer(advisory=advisory, program=program, exposure=exposure, where=where)


def _numbers(version: str) -> tuple[int, ...]:
    """The upstream part of a version: ``1:4.13+dfsg1-1`` is 4.13; 1.5.0-rc.3 comes before 1.5.0."""
    found = _NUMBERS.match(version)
    if found is None:
        return ()
    numbers = [int(number) for number in found[1].split(".")][:_PLACES]
    return (*numbers, *[0] * (_PLACES - len(numbers)), -1 if found[2] else 0)


def _reaches(installed: tuple[int, ...], fixes: Sequence[tuple[int, ...]]) -> bool:
    """Whether a version is a fixed one, in its own branch or beyond all of them."""
    return installed >= fixes[-1] or any(installed[:2] == fix[:2] and installed >= fix for fix in fixes)
