"""What a calibration of the security checklist came to: which attempt is flipped by what.

One flag of a runtime is weakened or hardened at a time, and every attempt is made again. An attempt is
published when at least one flag, or a control (the bare host, another runtime), turns an exposure on or off:
what nothing flips shows nothing. The null changes nothing and must flip nothing, and turns that are taken
again must come to the same verdict.

The document is derived from a run of the profile `SECURITY_CALIBRATION`, and stands in its folder. That of
the project's reference machine is committed; with it alone the attempts are published everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from evaluation.errors import EvaluationError
from evaluation.files import write_atomically
from evaluation.model import CONTROL, Delta, Effect, Finding, Outcome
from evaluation.project import root

__all__ = [
    "FILE",
    "Arm",
    "Checklist",
    "Flip",
    "Tried",
    "current",
    "flipped",
    "known_checklists",
    "published",
    "read_checklists",
    "unpublished_reason",
    "word",
]

FILE = "security-calibration.json"

_EXPOSED = frozenset({"EXPOSED", Outcome.FAILS.value})
_KEPT = frozenset({"DENIED", "ABSENT", "INERT", Outcome.HOLDS.value})
"""What says that the attempt was made and had no effect. Something broken is neither."""
_BROKEN = Outcome.ERROR.value


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Arm(_Row):
    """One arm: a runtime as it is, or with one flag more (``of`` names the runtime then)."""

    id: str
    family: str
    version: str
    mode: str = ""
    """How the runtime as it is works, as far as it was seen; earlier calibrations do not say."""
    of: str = ""
    options: tuple[str, ...] = ()
    effect: Effect | None = None
    expected: str = ""
    absent: str = ""
    """Why it was not tried."""

    @property
    def knob(self) -> str:
        """The flag's own id; empty for a runtime as it is."""
        return self.id.removeprefix(f"{self.of}+") if self.of else ""


class Tried(_Row):
    """One attempt on every arm: its verdicts in the order of blocks, and why where it gave none."""

    probe: str
    version: int
    checklist_id: str
    question: str
    verdicts: dict[str, tuple[str, ...]]
    reasons: dict[str, str] = {}

    def first(self, arm: str) -> str:
        """The verdict of the matrix; empty where the arm was not tried."""
        return next(iter(self.verdicts.get(arm, ())), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """An exposure that is there on one arm and not on another."""

    arm: str
    before: str
    after: str


class Checklist(_Row):
    """A whole calibration."""

    site: str
    run: str
    tool_version: str
    started_at: str
    system: str
    kernel: str
    arms: tuple[Arm, ...]
    attempts: tuple[Tried, ...]

    @property
    def runtimes(self) -> tuple[Arm, ...]:
        """The runtimes as they are, without the bare host."""
        return tuple(arm for arm in self.arms if not arm.of and arm.id != CONTROL)

    @property
    def knobs(self) -> tuple[Arm, ...]:
        """The arms with one flag more."""
        return tuple(arm for arm in self.arms if arm.of)

    def flips(self, tried: Tried, runtime: str = "") -> tuple[Flip, ...]:
        """What flags flip an attempt, of one runtime or of all."""
        return tuple(
            Flip(arm=arm.id, before=tried.first(arm.of), after=tried.first(arm.id))
            for arm in self.knobs
            if runtime in {"", arm.of} and flipped(tried.first(arm.of), tried.first(arm.id))
        )

    def flipped_by(self, arm: Arm) -> tuple[Tried, ...]:
        """The attempts that one flag flips."""
        return tuple(tried for tried in self.attempts if flipped(tried.first(arm.of), tried.first(arm.id)))

    def controls(self, tried: Tried) -> tuple[Flip, ...]:
        """Where a runtime as it is differs from the bare host.

        Where the bare host cannot be asked at all, the first runtime that is exposed stands in for it.
        """
        host = tried.first(CONTROL)
        if host not in _EXPOSED | _KEPT:
            words = (tried.first(arm.id) for arm in self.runtimes)
            host = next((word for word in words if word in _EXPOSED), "")
        return tuple(
            Flip(arm=arm.id, before=host, after=tried.first(arm.id))
            for arm in self.runtimes
            if flipped(host, tried.first(arm.id))
        )

    def unpublished(self, tried: Tried) -> str:
        """Why an attempt is not published; empty where something flips it."""
        if self.flips(tried) or self.controls(tried):
            return ""
        seen = sorted({verdict for verdicts in tried.verdicts.values() for verdict in verdicts if verdict})
        return f"no flag and no control flips it: {' or '.join(seen) or 'nothing'} wherever it was tried"

    def null_faults(self) -> tuple[tuple[Tried, Flip], ...]:
        """Attempts that come to another verdict when nothing was changed; there should be none."""
        return tuple(
            (tried, Flip(arm=arm.id, before=tried.first(arm.of), after=tried.first(arm.id)))
            for tried in self.attempts
            for arm in self.knobs
            if arm.effect is Effect.NOTHING and not arm.absent and tried.first(arm.of) != tried.first(arm.id)
        )

    @property
    def null_cells(self) -> int:
        """How many cells the null was tried in."""
        nulls = [arm for arm in self.knobs if arm.effect is Effect.NOTHING and not arm.absent]
        return len(nulls) * len(self.attempts)

    def repeated(self) -> tuple[int, int]:
        """How many cells (an attempt on a runtime as it is) were tried again, and the fewest turns of any."""
        turns = [len(verdicts) for tried in self.attempts for verdicts in tried.verdicts.values()]
        again = [count for count in turns if count > 1]
        return len(again), min(again, default=0)

    def unstable(self) -> tuple[tuple[Tried, str, tuple[str, ...]], ...]:
        """Cells that did not come to the same verdict every time; there should be none."""
        return tuple(
            (tried, arm, verdicts)
            for tried in self.attempts
            for arm, verdicts in tried.verdicts.items()
            if len(set(verdicts)) > 1
        )

    def not_started(self) -> tuple[tuple[Arm, str], ...]:
        """Flags with which the runtime did not start, or started nothing, each with what it said."""
        found = []
        for arm in self.knobs:
            broken = [
                tried.reasons.get(arm.id, "") for tried in self.attempts if tried.first(arm.id) == _BROKEN
            ]
            if arm.absent or (broken and len(broken) == len(self.attempts)):
                found.append((arm, arm.absent or broken[0]))
        return tuple(found)

    def faults(self) -> tuple[str, ...]:
        """Why this calibration shows less than it was made for, a sentence each; none where all is well."""
        found = [
            f"the null changed {tried.checklist_id} {tried.probe} on {flip.arm}: {flip.before}, "
            f"then {flip.after or 'nothing'}"
            for tried, flip in self.null_faults()
        ]
        found += [
            f"{tried.checklist_id} {tried.probe} on {arm} was not repeated: {', '.join(verdicts)}"
            for tried, arm, verdicts in self.unstable()
        ]
        for tried in self.attempts:
            broken = [arm.id for arm in self.arms if not arm.of and tried.first(arm.id) == _BROKEN]
            answers = _EXPOSED | _KEPT
            if broken:
                reason = tried.reasons.get(broken[0], "")
                found.append(
                    f"{tried.checklist_id} {tried.probe} broke on {', '.join(broken)}"
                    + (f": {reason}" if reason else "")
                )
            elif not any(tried.first(arm.id) in answers for arm in self.arms):
                found.append(f"{tried.checklist_id} {tried.probe} had an answer on no runtime")
        silent = {arm.id for arm, _ in self.not_started()}
        for runtime in dict.fromkeys(arm.of for arm in self.knobs):
            flags = [arm for arm in self.knobs if arm.of == runtime]
            if all(arm.id in silent for arm in flags):
                found.append(f"{runtime} started with none of its {len(flags)} flags")
            elif not any(arm.effect is Effect.NOTHING and arm.id not in silent for arm in flags):
                found.append(f"{runtime} was not started with the flag that changes nothing")
        return tuple(found)

    def write(self, folder: Path) -> None:
        """Put the document into the run's folder; it can always be derived again."""
        fields = self.model_dump(mode="json", exclude_defaults=True)
        lines = [f"{json.dumps(name)}: {_lines(value)}" for name, value in fields.items()]
        write_atomically(folder / FILE, "{\n" + ",\n".join(lines) + "\n}\n")


def _lines(value: object) -> str:
    """JSON with one row of a table on a line: what changed is then seen in a comparison of two versions."""
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(f" {json.dumps(row)}" for row in value) + "\n]"


def flipped(before: str, after: str) -> bool:
    """Whether an exposure came or went; what is broken or missing on either side shows nothing."""
    return (before in _EXPOSED and after in _KEPT) or (before in _KEPT and after in _EXPOSED)


def word(finding: Finding) -> str:
    """The verdict of a finding, or its outcome where it has none."""
    return finding.verdict or finding.outcome.value


def read_checklists(folder: Path) -> tuple[Checklist, ...]:
    """Every calibration in the folder of a site, the newest first.

    Raises
    ------
    EvaluationError
        One is damaged.
    """
    found = []
    for path in sorted(folder.glob(f"*/{FILE}"), reverse=True):
        try:
            found.append(Checklist.model_validate_json(path.read_bytes()))
        except ValidationError as error:
            raise EvaluationError(
                f"is damaged: {error.errors()[0]['msg']}",
                where=str(path),
                advice="Calibrate again: evaluation calibrate security.",
            ) from None
    return tuple(found)


def known_checklists(site: Path) -> tuple[Checklist, ...]:
    """Every calibration of the checklist that counts for a site's results: its own, then the project's.

    Parameters
    ----------
    site : Path
        The site's folder in the results.
    """
    folders = [site]
    with suppress(EvaluationError):  # outside of a project there are only the site's own
        folders.append(root() / "results" / "reference")
    return tuple(
        found for folder in dict.fromkeys(map(Path.resolve, folders)) for found in read_checklists(folder)
    )


def current(checklists: Sequence[Checklist]) -> tuple[Checklist, ...]:
    """Of each attempt only its newest calibration: some calibrate one attempt alone.

    Parameters
    ----------
    checklists : sequence of Checklist
        As `known_checklists` gives them. Those of the project are left out where the site has its own.
    """
    kept, seen = [], set[str]()
    for checklist in checklists:
        if checklist.site != checklists[0].site:
            break
        attempts = tuple(tried for tried in checklist.attempts if tried.probe not in seen)
        seen |= {tried.probe for tried in attempts}
        if attempts:
            kept.append(checklist.model_copy(update={"attempts": attempts}))
    return tuple(kept)


def unpublished_reason(probe: str, version: int, checklists: Sequence[Checklist]) -> str:
    """Why an attempt is not published, after all calibrations known; empty where one shows it flipped."""
    reasons = [
        checklist.unpublished(tried)
        for checklist in checklists
        for tried in checklist.attempts
        if (tried.probe, tried.version) == (probe, version)
    ]
    if not reasons:
        return f"version {version} of it was not calibrated yet (evaluation calibrate security)"
    return "" if "" in reasons else reasons[0]


def published(findings: Iterable[Finding], checklists: Sequence[Checklist]) -> Iterator[Finding]:
    """Keep back what attempts that nothing flips have found: it is INERT, with the reason."""
    reasons: dict[tuple[str, int], str] = {}
    for finding in findings:
        if not (finding.texts.checklist_id and finding.outcome in {Outcome.HOLDS, Outcome.FAILS}):
            yield finding
            continue
        key = (finding.probe, finding.probe_version)
        if key not in reasons:
            reasons[key] = unpublished_reason(*key, checklists)
        reason = reasons[key]
        yield _kept_back(finding, reason) if reason else finding


def _kept_back(finding: Finding, reason: str) -> Finding:
    """Show nothing of it: neither what was found, nor a difference to the bare host."""
    return replace(
        finding,
        outcome=Outcome.INERT,
        verdict="INERT",
        message=f"not published: {reason}",
        delta=finding.delta and Delta.UNKNOWN,
    )
