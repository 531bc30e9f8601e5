"""From a cell of the evidence matrix down to the processes behind it, within a bounded size.

The report embeds the first process of every cell and those that ended oddly, each with the ends of
its output; the rest are named by their hash and stay in the results folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from evaluation.errors import EvaluationError
from evaluation.model import Evidence, Finding
from evaluation.report.source import SiteCase
from evaluation.report.text import Excerpt, excerpt

__all__ = ["Entry", "Process", "entries"]

SHOWN: Final = 3
"""Processes embedded per cell at most: the first one and the first odd ones."""
NAMED: Final = 12
"""Further processes named by their hash per cell at most."""
OUTPUT_BUDGET: Final = 240_000
"""Characters of output in the whole report; escaping can at most sixfold hostile ones, and does not
for real ones. Shared equally by what is shown."""
LONGEST: Final = 1_500
"""Characters of one output at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process with the parts of its output that are embedded."""

    evidence: Evidence
    stdout: Excerpt
    stderr: Excerpt


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One cell of the matrix, opened."""

    finding: Finding
    processes: tuple[Process, ...]
    more: tuple[str, ...]
    more_count: int
    problem: str = ""


def is_odd(evidence: Evidence) -> bool:
    """Whether a process ended otherwise than with exit status 0 and nothing left behind."""
    return evidence.exit_status != 0 or evidence.timed_out or bool(evidence.survivors)


def _chosen(site: SiteCase, identifiers: tuple[str, ...]) -> tuple[Evidence, ...]:
    try:
        first, *others = [site.evidence[identifier] for identifier in identifiers]
    except KeyError as error:
        message = f"the run has no process {error.args[0]}"
        raise EvaluationError(message) from None
    odd = [evidence for evidence in others if is_odd(evidence)]
    return (first, *odd[: SHOWN - 1])


def _output(site: SiteCase, digest: str, size: int, characters: int) -> Excerpt:
    if not size:
        return Excerpt(head="")
    try:
        return excerpt(site.outputs[digest], characters)
    except KeyError:
        message = f"the run keeps no output {digest}"
        raise EvaluationError(message) from None


def _entry(site: SiteCase, finding: Finding, characters: int) -> Entry:
    identifiers = finding.evidence
    if not identifiers:
        return Entry(finding=finding, processes=(), more=(), more_count=0)
    try:
        chosen = _chosen(site, identifiers)
        processes = tuple(
            Process(
                evidence=evidence,
                stdout=_output(site, evidence.stdout, evidence.stdout_bytes, characters),
                stderr=_output(site, evidence.stderr, evidence.stderr_bytes, characters),
            )
            for evidence in chosen
        )
    except EvaluationError as error:
        return Entry(
            finding=finding,
            processes=(),
            more=identifiers[:NAMED],
            more_count=len(identifiers),
            problem=str(error),
        )
    shown = {evidence.id for evidence in chosen}
    rest = tuple(identifier for identifier in identifiers if identifier not in shown)
    return Entry(finding=finding, processes=processes, more=rest[:NAMED], more_count=len(rest))


def entries(site: SiteCase, findings: Iterable[Finding]) -> dict[tuple[str, str], Entry]:
    """Open every cell that has a finding, by probe and runtime.

    A cell whose evidence cannot be read says so and keeps its place.
    """
    listed = tuple(findings)
    processes = sum(min(len(finding.evidence), SHOWN) for finding in listed)
    characters = min(LONGEST, OUTPUT_BUDGET // max(2 * processes, 1))
    return {(finding.probe, finding.runtime): _entry(site, finding, characters) for finding in listed}
