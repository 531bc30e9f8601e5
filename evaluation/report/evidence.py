"""From a cell of the evidence matrix down to the processes behind it, within a bounded size.

The report embeds the first process of every measured cell and those that ended oddly, and of an attempt
all that it started, each with the ends of its output; the rest are counted, and stay in the results folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from evaluation.errors import EvaluationError
from evaluation.model import Evidence, Finding
from evaluation.report.source import SiteCase
from evaluation.report.text import Excerpt, excerpt

__all__ = ["Entry", "Process", "entries", "fair_share"]

SHOWN: Final = 3
"""Processes embedded per cell at most: the first one and the first odd ones."""
WHOLE: Final = 6
"""Processes embedded per attempt at most, in the order in which they were started."""
OUTPUT_BUDGET: Final = 300_000
"""Characters of output in one chapter; escaping can at most sixfold hostile ones, and does not for real
ones. What is long gets an equal share of what the short ones leave."""
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
    """One cell of the matrix, opened; ``more`` processes are in the results only."""

    finding: Finding
    processes: tuple[Process, ...]
    more: int
    problem: str = ""


def is_odd(evidence: Evidence) -> bool:
    """Whether a process ended otherwise than with exit status 0 and nothing left behind."""
    return evidence.exit_status != 0 or evidence.timed_out or bool(evidence.survivors)


def _chosen(site: SiteCase, identifiers: tuple[str, ...], *, whole: bool) -> tuple[Evidence, ...]:
    try:
        first, *others = [site.evidence[identifier] for identifier in identifiers]
    except KeyError as error:
        message = f"the run has no process {error.args[0]}"
        raise EvaluationError(message) from None
    if whole:
        return (first, *others[: WHOLE - 1])
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


def _entry(site: SiteCase, finding: Finding, chosen: tuple[Evidence, ...], characters: int) -> Entry:
    processes = tuple(
        Process(
            evidence=evidence,
            stdout=_output(site, evidence.stdout, evidence.stdout_bytes, characters),
            stderr=_output(site, evidence.stderr, evidence.stderr_bytes, characters),
        )
        for evidence in chosen
    )
    shown = {evidence.id for evidence in chosen}
    more = sum(identifier not in shown for identifier in finding.evidence)
    return Entry(finding=finding, processes=processes, more=more)


def _unreadable(finding: Finding, problem: EvaluationError) -> Entry:
    return Entry(
        finding=finding,
        processes=(),
        more=len(finding.evidence),
        problem=str(problem),
    )


def fair_share(sizes: Iterable[int], budget: int) -> int:
    """Find the largest cut, `LONGEST` at most, with which outputs of these sizes stay within a budget.

    What is shorter than the cut leaves its rest to the others.
    """
    waiting, left = sorted(sizes), budget
    while waiting:
        share = left // len(waiting)
        if waiting[0] > share:
            return min(LONGEST, share)
        left -= waiting.pop(0)
    return LONGEST


def entries(
    site: SiteCase, findings: Iterable[Finding], *, whole: bool = False, sites: int = 1
) -> dict[tuple[str, str], Entry]:
    """Open every cell that has a finding, by probe and runtime; so many sites share the budget.

    A cell whose evidence cannot be read says so and keeps its place. With ``whole`` its processes are
    embedded in the order in which they were started (an attempt has few); otherwise the first and the odd.
    """
    found: dict[tuple[str, str], Entry] = {}
    chosen: list[tuple[Finding, tuple[Evidence, ...]]] = []
    for finding in findings:
        try:
            processes = _chosen(site, finding.evidence, whole=whole) if finding.evidence else ()
        except EvaluationError as error:
            found[finding.probe, finding.runtime] = _unreadable(finding, error)
        else:
            chosen.append((finding, processes))
    sizes = [
        min(size, LONGEST)
        for _, processes in chosen
        for process in processes
        for size in (process.stdout_bytes, process.stderr_bytes)
    ]
    characters = fair_share(sizes, OUTPUT_BUDGET // sites)
    for finding, processes in chosen:
        try:
            entry = _entry(site, finding, processes, characters)
        except EvaluationError as error:
            entry = _unreadable(finding, error)
        found[finding.probe, finding.runtime] = entry
    return found
