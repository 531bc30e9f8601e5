"""What the report is made from: everything it shows, and nothing it could measure or decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from evaluation.decide.criteria import Criteria
from evaluation.errors import EvaluationError
from evaluation.model import CONTROL, CONTROL_AGAIN, Evidence, Finding, SiteDecision
from evaluation.sites import Site

__all__ = ["Case", "MeasuredRun", "Point", "SiteCase"]

_GROUPS: Final = ("performance", "operations", "security")


class MeasuredRun(Protocol):
    """One run in the store."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What was measured, where and with what, as the run wrote it down."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the run found."""

    def evidence(self, evidence_id: str) -> Evidence:
        """Return one process that was started."""

    def blob(self, sha256: str) -> bytes:
        """Return stored output."""


class Point(Protocol):
    """One pro or con of a runtime in a use case, derived from one finding."""

    @property
    def use_case(self) -> str:
        """The use case for which it counts."""

    @property
    def runtime(self) -> str:
        """The runtime it is about."""

    @property
    def probe(self) -> str:
        """The probe whose finding it comes from."""

    @property
    def favourable(self) -> bool:
        """Whether it speaks for the runtime."""

    @property
    def text(self) -> str:
        """The point in words, with effect size and interval."""

    @property
    def weight(self) -> float:
        """What it is worth in this use case; the points are sorted by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteCase:
    """One measured site: the run, what was decided from it, and the points for and against."""

    run: MeasuredRun
    decision: SiteDecision
    points: tuple[Point, ...] = ()

    @property
    def site(self) -> str:
        """The site's id."""
        return self.decision.site

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The run's manifest."""
        return self.run.manifest

    @property
    def findings(self) -> dict[tuple[str, str], Finding]:
        """Findings by probe and runtime, the second control arm left out."""
        return {(f.probe, f.runtime): f for f in self.run.findings if f.runtime != CONTROL_AGAIN}

    @property
    def noise(self) -> tuple[Finding, ...]:
        """What the bare host against itself gave: the noise floor of each measured probe."""
        return tuple(f for f in self.run.findings if f.runtime == CONTROL_AGAIN and f.ratio is not None)

    @property
    def runtimes(self) -> tuple[str, ...]:
        """Every runtime's id, the bare host first, then in the order of the manifest."""
        listed = [str(row["id"]) for row in self.manifest.get("runtimes", ())]
        found = [finding.runtime for finding in self.run.findings]
        every = dict.fromkeys([CONTROL, *listed, *found])
        return tuple(runtime for runtime in every if runtime != CONTROL_AGAIN)

    @property
    def probes(self) -> tuple[str, ...]:
        """Every probe's id: by group, then by checklist id, then by name."""
        texts = {finding.probe: finding.texts for finding in self.run.findings}
        groups = (*_GROUPS, *sorted({text.group for text in texts.values()} - {*_GROUPS}))
        return tuple(
            sorted(texts, key=lambda p: (groups.index(texts[p].group), texts[p].checklist_id, p))
        )

    @property
    def measured(self) -> tuple[str, ...]:
        """Runtimes, the bare host left out, about which this run has any evidence."""
        shown = {f.runtime for f in self.run.findings if f.outcome.is_evidence}
        return tuple(runtime for runtime in self.runtimes if runtime in shown and runtime != CONTROL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything the report shows.

    ``sites`` has every known site by id, measured or not; ``measured`` the ones that have a run.
    """

    criteria: Criteria
    sites: Mapping[str, Site]
    measured: tuple[SiteCase, ...]
    tool_version: str = ""

    def __post_init__(self) -> None:
        if not self.measured:
            raise EvaluationError(
                "there is no run to report on",
                advice="measure first (make report), or name a folder of results that has a run",
            )

    def site_title(self, site: str) -> str:
        """Return the name of a site, or its id where it has no file."""
        return self.sites[site].title if site in self.sites else site
