"""What can be told apart here, how it was measured and weighed, and what each probe asks."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.decide.calibration import MOST_BLOCKS, PLANNED, calibrate
from evaluation.decide.checklist import current
from evaluation.model import Finding
from evaluation.report.checklist_calibration import MARKS, Calibration, calibration
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.source import Case

__all__ = ["method"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """One constant of the method, with the reason for it."""

    name: str
    value: str
    reason: str
    source: str


def method(case: Case) -> Chapter:
    """Show what the site tells of itself, then the rules that were fixed before anything was measured."""
    return chapter(
        "method",
        sites=tuple(
            (case.title(site), site.manifest, calibrate(site.findings, case.criteria))
            for site in case.measured
        ),
        calibrations=_calibrations(case),
        marks=MARKS,
        planned=PLANNED,
        most=MOST_BLOCKS,
        confidence=case.criteria.method.confidence_level.value,
        constants=tuple(
            Constant(
                name=name.replace("_", " "),
                value=str(constant.value),
                reason=constant.reason,
                source=constant.source or "",
            )
            for name, constant in case.criteria.method
            if constant is not None
        ),
        catalogue=_catalogue(case),
    )


def _calibrations(case: Case) -> tuple[tuple[tuple[str, ...], Calibration], ...]:
    """Give each calibration once, with the sites whose attempts are published by it."""
    titles: dict[tuple[str, str, bool], list[str]] = {}
    found: dict[tuple[str, str, bool], Calibration] = {}
    for site in case.measured:
        for checklist in current(site.checklists):
            shown = calibration(checklist, site.site)
            key = (checklist.site, checklist.run, shown.own)
            titles.setdefault(key, []).append(case.title(site))
            found.setdefault(key, shown)
    return tuple((tuple(titles[key]), shown) for key, shown in found.items())


def _catalogue(case: Case) -> tuple[tuple[str, Finding], ...]:
    probes = {finding.probe: finding for site in case.measured for finding in site.findings}
    order = dict.fromkeys(probe for site in case.measured for probe in site.probes)
    return tuple((anchor("probe", probe), probes[probe]) for probe in order)
