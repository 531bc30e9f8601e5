"""Chapter 7: how it was measured and weighed, and what each probe asks."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.model import Finding
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.source import Case, SiteCase

__all__ = ["method"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What the bare host held against itself gave for one probe.

    ``floor`` is the largest relative difference in its interval: smaller ones are not claimed.
    """

    finding: Finding
    floor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """One constant of the method, with the reason for it."""

    name: str
    value: str
    reason: str
    source: str


def method(case: Case) -> Chapter:
    """Show the rules that were fixed before anything was measured."""
    return chapter(
        "method",
        sites=tuple((case.title(site), site.manifest, _noise(site)) for site in case.measured),
        constants=tuple(
            Constant(
                name=name.replace("_", " "),
                value=str(constant.value),
                reason=constant.reason,
                source=constant.source or "",
            )
            for name, constant in case.criteria.method
        ),
        catalogue=_catalogue(case),
    )


def _noise(site: SiteCase) -> tuple[Noise, ...]:
    return tuple(
        Noise(finding=finding, floor=max(finding.ratio.high, 1 / finding.ratio.low) - 1)
        for finding in site.noise
        if finding.ratio is not None and finding.ratio.low > 0
    )


def _catalogue(case: Case) -> tuple[tuple[str, Finding], ...]:
    probes = {finding.probe: finding for site in case.measured for finding in site.findings}
    order = dict.fromkeys(probe for site in case.measured for probe in site.probes)
    return tuple((anchor("probe", probe), probes[probe]) for probe in order)
