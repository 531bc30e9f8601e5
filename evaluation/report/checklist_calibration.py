"""How the security checklist was tried itself, as rows that the chapter on method shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from evaluation.decide.checklist import Arm, Checklist, Tried, flipped
from evaluation.model import CONTROL

__all__ = ["MARKS", "Calibration", "calibration"]

MARKS: Final = {
    "+": "the flag exposes it",
    "\N{MINUS SIGN}": "the flag takes the exposure away",
    "\N{MIDDLE DOT}": "as without the flag",
    "?": "the runtime did not start so, or the probe broke: nothing is shown",
    "": "not tried",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt: what it is without any flag, and what flips it."""

    tried: Tried
    host: str
    runtimes: tuple[tuple[str, str], ...]
    """Per runtime that has flags: its verdict without any, and the flags that flip it."""
    control: str
    unpublished: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag, and what it did to each attempt, in their order."""

    arm: Arm
    flips: int
    marks: tuple[str, ...]
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """One runtime as it is: how often it was tried, and where verdicts differed."""

    runtime: str
    mode: str
    attempts: int
    turns: int
    differing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One calibration; ``own`` says whether it was made at the site whose results are shown."""

    checklist: Checklist
    own: bool
    families: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    flags: tuple[Flag, ...]
    repeated: tuple[Repeated, ...]


def calibration(checklist: Checklist, site: str) -> Calibration:
    """Put a calibration in rows."""
    families = tuple(dict.fromkeys(arm.of for arm in checklist.knobs))
    return Calibration(
        checklist=checklist,
        own=checklist.site == site,
        families=families,
        attempts=tuple(
            Attempt(
                tried=tried,
                host=tried.first(CONTROL).lower(),
                runtimes=tuple(
                    (tried.first(family).lower(), ", ".join(_knobs(checklist, tried, family)))
                    for family in families
                ),
                control=", ".join(flip.arm for flip in checklist.controls(tried)),
                unpublished=checklist.unpublished(tried),
            )
            for tried in checklist.attempts
        ),
        flags=tuple(_flag(checklist, arm) for arm in checklist.knobs),
        repeated=tuple(_repeated(checklist)),
    )


def _knobs(checklist: Checklist, tried: Tried, family: str) -> list[str]:
    knobs = {arm.id: arm.knob for arm in checklist.knobs}
    return [knobs[flip.arm] for flip in checklist.flips(tried, family)]


def _flag(checklist: Checklist, arm: Arm) -> Flag:
    marks = tuple(_mark(tried, arm) for tried in checklist.attempts)
    broken = [tried.reasons.get(arm.id, "") for tried in checklist.attempts if tried.first(arm.id) == "ERROR"]
    every = len(broken) == len(checklist.attempts)
    return Flag(
        arm=arm,
        flips=sum(mark in "+\N{MINUS SIGN}" for mark in marks if mark),
        marks=marks,
        problem=arm.absent or (broken[0] if every and broken else ""),
    )


def _mark(tried: Tried, arm: Arm) -> str:
    before, after = tried.first(arm.of), tried.first(arm.id)
    if not after:
        return ""
    if flipped(before, after):
        return "\N{MINUS SIGN}" if before in {"EXPOSED", "FAILS"} else "+"
    return "?" if {before, after} & {"ERROR", "UNSUPPORTED", "UNAVAILABLE", ""} else "\N{MIDDLE DOT}"


def _repeated(checklist: Checklist) -> Iterable[Repeated]:
    for arm in checklist.arms:
        turns = [len(tried.verdicts[arm.id]) for tried in checklist.attempts if arm.id in tried.verdicts]
        if arm.of or not turns:
            continue
        yield Repeated(
            runtime=arm.id,
            mode=arm.mode,
            attempts=len(turns),
            turns=min(turns),
            differing=tuple(
                f"{tried.checklist_id} {', '.join(verdicts).lower()}"
                for tried, runtime, verdicts in checklist.unstable()
                if runtime == arm.id
            ),
        )
