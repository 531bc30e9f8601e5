"""Chapter 5: the security attempts, held against what a plain job on the bare host can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from evaluation.model import CONTROL, Finding, ProbeTexts
from evaluation.report.chapters.supply import supply
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.source import Case, SiteCase
from evaluation.report.words import DIFFERENCES, State, against_host, state

__all__ = ["security"]

GROUP: Final = "security"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one attempt came to in one runtime."""

    runtime: str
    target: str
    state: State
    difference: State | None
    finding: Finding | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt, identically made everywhere."""

    probe: str
    texts: ProbeTexts
    observed: tuple[Observed, ...]


def security(case: Case) -> Chapter:
    """Show what each runtime adds to, and takes away from, what the bare host allows."""
    return chapter(
        "security",
        sites=tuple(
            (site.folder, case.title(site), site.runtimes, _attempts(site), supply(case, site))
            for site in case.measured
        ),
        legend=DIFFERENCES,
    )


def _attempts(site: SiteCase) -> tuple[Attempt, ...]:
    findings = site.cells
    texts = {probe: finding.texts for (probe, _), finding in findings.items()}
    return tuple(
        Attempt(
            probe=probe,
            texts=texts[probe],
            observed=tuple(
                Observed(
                    runtime=runtime,
                    target=anchor("evidence", site.folder, probe, runtime),
                    state=state(findings.get((probe, runtime))),
                    difference=None
                    if runtime == CONTROL
                    else against_host(findings.get((probe, runtime)), findings.get((probe, CONTROL))),
                    finding=findings.get((probe, runtime)),
                )
                for runtime in site.runtimes
            ),
        )
        for probe in site.probes
        if texts[probe].group == GROUP
    )
