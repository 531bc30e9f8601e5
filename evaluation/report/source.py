"""What the report is made from: everything it shows, and nothing it could measure or decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from evaluation.blocks import shortage_told
from evaluation.decide.checklist import Checklist
from evaluation.decide.costs import Costs
from evaluation.decide.criteria import Criteria
from evaluation.decide.farm import Scaling
from evaluation.decide.prosandcons import Point
from evaluation.decide.supply import Advisories
from evaluation.decide.sweeps import Sweep
from evaluation.errors import EvaluationError
from evaluation.imported import Imported
from evaluation.inventory import Inventory
from evaluation.ledger import Build
from evaluation.manifest import ArchivedFacts
from evaluation.model import (
    CONTROL,
    CONTROL_AGAIN,
    CheckState,
    Evidence,
    Finding,
    Observation,
    Outcome,
    Role,
    SiteDecision,
    UseCaseDecision,
)
from evaluation.report.origin import Origin
from evaluation.sites import Offer, Site
from evaluation.store import Manifest, RuntimeFacts

__all__ = ["Case", "SiteCase"]

_GROUPS: Final = ("performance", "operations", "security", "batch")


@dataclass(frozen=True, kw_only=True)
class SiteCase:
    """One measured site: a run, what was decided from it, and the points for and against.

    ``folder`` is the run's folder in the results, ``site/run``. ``finished_at`` is empty for a run
    that did not finish. ``evidence`` is by id, ``outputs`` by SHA-256. ``recorded`` holds, by probe and
    runtime, what was recorded of the checklist's attempts and of the whole launch. ``checklists`` are the
    calibrations by which they are published here, the site's own first and newest first.
    """

    manifest: Manifest
    folder: str
    finished_at: str
    findings: tuple[Finding, ...]
    evidence: Mapping[str, Evidence]
    outputs: Mapping[str, bytes]
    decision: SiteDecision
    points: tuple[Point, ...] = ()
    recorded: Mapping[tuple[str, str], tuple[Observation, ...]] = field(default_factory=dict)
    residue: tuple[str, ...] | None = None
    """What measuring left on the machine; ``None`` where nobody looked."""
    checklists: tuple[Checklist, ...] = ()
    imported: tuple[Imported, ...] = ()
    """Results of other tools that are kept for this site."""
    borrowed_only: bool = False
    """The site has measured nothing: its findings are another's, and say so."""
    archived: ArchivedFacts | None = None
    """What was hidden before the run left its site; ``None`` where it came in no archive."""

    @property
    def site(self) -> str:
        """The site's id."""
        return self.manifest.site

    @property
    def cells(self) -> dict[tuple[str, str], Finding]:
        """Findings by probe and runtime, the second control arm left out."""
        return {(f.probe, f.runtime): f for f in self.findings if f.runtime != CONTROL_AGAIN}

    @property
    def noise(self) -> tuple[Finding, ...]:
        """What the bare host against itself gave: the noise floor of each measured probe."""
        return tuple(f for f in self.findings if f.runtime == CONTROL_AGAIN and f.ratio is not None)

    @property
    def shortage(self) -> str:
        """Say that the machine was short of processors while it timed; empty where it was not."""
        timed = [f for f in self.findings if f.runtime == CONTROL and f.pressed and not f.borrowed]
        worst = max(timed, key=lambda finding: finding.pressed / len(finding.blocks), default=None)
        return shortage_told(worst.pressed, len(worst.blocks)) if worst else ""

    @cached_property
    def runtimes(self) -> tuple[str, ...]:
        """Every runtime's id, the bare host first, then in the order of the manifest."""
        listed = [runtime.id for runtime in self.manifest.runtimes]
        found = [finding.runtime for finding in self.findings]
        every = dict.fromkeys([CONTROL, *listed, *found])
        return tuple(runtime for runtime in every if runtime != CONTROL_AGAIN)

    @property
    def unranked(self) -> tuple[RuntimeFacts, ...]:
        """Runtimes that were not asked everything, and so are not in the scores."""
        return tuple(facts for facts in self.manifest.runtimes if not facts.timed)

    @property
    def impaired(self) -> tuple[RuntimeFacts, ...]:
        """Alternatives that ran in a way that no centre would run them."""
        return tuple(
            facts
            for facts in self.manifest.runtimes
            if facts.present and facts.impairment and facts.role is Role.ALTERNATIVE
        )

    @property
    def conditions(self) -> tuple[str, ...]:
        """Under what conditions it was measured, each a sentence with what it means for the figures."""
        return self._checked(CheckState.CONDITION)

    @property
    def lost(self) -> tuple[str, ...]:
        """What this host could not do before anything was measured."""
        return self._checked(CheckState.LOST)

    def _checked(self, state: CheckState) -> tuple[str, ...]:
        told = (f"{check.sentence}; {check.costs}" for check in self.manifest.checks if check.state is state)
        return tuple(each[:1].upper() + each[1:] for each in told)

    @property
    def families(self) -> dict[str, str]:
        """Family by runtime id."""
        return {facts.id: facts.family for facts in self.manifest.runtimes}

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """The bare host, and every runtime that the scores speak of."""
        aside = {facts.id for facts in self.unranked}
        return tuple(runtime for runtime in self.runtimes if runtime not in aside)

    @property
    def probes(self) -> tuple[str, ...]:
        """Every probe's id: by group, then by checklist id, then by name."""
        texts = {finding.probe: finding.texts for finding in self.findings}
        groups = (*_GROUPS, *sorted({text.group for text in texts.values()} - {*_GROUPS}))
        return tuple(sorted(texts, key=lambda p: (groups.index(texts[p].group), texts[p].checklist_id, p)))

    @property
    def left_out(self) -> dict[str, tuple[str, ...]]:
        """Probes that this run could put to no runtime, by the reason: a profile, an image not built."""
        tried = {f.probe for f in self.findings if f.outcome is not Outcome.UNAVAILABLE}
        out: dict[str, tuple[str, ...]] = {}
        cells = self.cells
        for probe in self.probes:
            if probe not in tried and (finding := cells.get((probe, CONTROL))):
                out[finding.message] = (*out.get(finding.message, ()), probe)
        return out

    @property
    def tried(self) -> tuple[str, ...]:
        """The other probes, in the same order."""
        out = {probe for probes in self.left_out.values() for probe in probes}
        return tuple(probe for probe in self.probes if probe not in out)

    @property
    def attempts(self) -> tuple[str, ...]:
        """Those of the tried probes that are attempts of the security checklist."""
        listed = {finding.probe for finding in self.findings if finding.texts.checklist_id}
        return tuple(probe for probe in self.tried if probe in listed)

    @property
    def positive_controls(self) -> tuple[str, ...]:
        """Runtimes that were weakened on purpose; they are no alternatives."""
        return tuple(facts.id for facts in self.manifest.runtimes if facts.role is Role.POSITIVE_CONTROL)

    @property
    def measured(self) -> tuple[str, ...]:
        """Ranked runtimes, the bare host left out, about which this run has any evidence."""
        shown = {finding.runtime for finding in self.findings if finding.outcome.is_evidence}
        return tuple(runtime for runtime in self.ranked if runtime in shown and runtime != CONTROL)

    def first(self, decision: UseCaseDecision) -> str:
        """Name who is recommended, or say why nobody is, as a clause."""
        if decision.winner or self.measured:
            return decision.winner or "no clear winner"
        return "nothing to rank: only the bare host was measured"

    @property
    def absent(self) -> tuple[tuple[str, str], ...]:
        """Runtimes that would be ranked, but of which this run has no evidence, each with the reason."""
        reasons = {finding.runtime: finding.message for finding in self.findings}
        reasons |= {runtime.id: runtime.reason for runtime in self.manifest.runtimes if runtime.reason}
        return tuple(
            (runtime, reasons.get(runtime) or "no reason was recorded")
            for runtime in self.ranked
            if runtime not in {CONTROL, *self.measured}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything the report shows.

    ``sites`` has every known site by id, measured or not; ``measured`` those that have a run.
    ``advisories`` is the table in the project's folder, if there is one.
    ``criteria_text`` is the criteria file as it was read, where there is one.
    ``sweeps`` has each site's widest sweep, ``across`` its newest across nodes, ``passed_over`` a sentence
    for each of its runs that says that it is one, and is not. ``scaling`` is what the calculated farm takes
    for granted.
    """

    criteria: Criteria
    sites: Mapping[str, Site]
    measured: tuple[SiteCase, ...]
    advisories: Advisories | None = None
    criteria_text: str = ""
    inventory: Inventory | None = None
    """The collaboration's packages, where the project has the file."""
    sweeps: Mapping[str, Sweep] = field(default_factory=dict)
    across: Mapping[str, Sweep] = field(default_factory=dict)
    passed_over: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scaling: Scaling | None = None
    costs: Costs | None = None
    """The cost model, if the project has one."""
    ledgers: Mapping[str, tuple[Build, ...]] = field(default_factory=dict)
    """What was built of each image, the oldest first."""
    origin: Origin | None = None
    """From which files all of this was read; ``None`` for a case that was made up."""

    def __post_init__(self) -> None:
        if not self.measured:
            raise EvaluationError(
                "there is no run to report on",
                advice="measure first (make report), or name a folder of results that has a run",
            )

    def offers(self, site: SiteCase) -> tuple[Offer, ...]:
        """What a measured site has for its users, as its file says."""
        known = self.sites.get(site.site)
        return known.offers if known else ()

    def title(self, site: SiteCase) -> str:
        """Name a measured site; with its run where one site has several."""
        name = self.sites[site.site].title if site.site in self.sites else site.site
        shared = [other for other in self.measured if other.site == site.site]
        return f"{name}, run {site.manifest.run}" if len(shared) > 1 else name
