"""Sites that borrow: which run they borrow from, and the case of one that has measured nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from evaluation.decide.batchcontract import control_groups
from evaluation.decide.borrowing import with_borrowed
from evaluation.decide.criteria import Criteria
from evaluation.decide.findings import findings_of
from evaluation.decide.modes import modes_of
from evaluation.decide.score import decide
from evaluation.manifest import HostFacts, Manifest
from evaluation.model import Evidence, Finding
from evaluation.report.source import SiteCase
from evaluation.sites import Site
from evaluation.store import Run

__all__ = ["added", "case", "evidence", "lenders", "outputs", "without"]

_MARK: Final = "borrowed-from-"
"""How the run of a site is named that has measured nothing and borrows its evidence."""


def without(names: str | Sequence[str]) -> list[str]:
    """Take the names of runs apart, and leave out those that are no runs but only borrow."""
    texts = [names] if isinstance(names, str) else names
    every = [name for text in texts for name in text.replace(",", " ").split()]
    return [name for name in every if _MARK not in name]


def lenders(runs: Sequence[Run], chosen: Sequence[Run], sites: Mapping[str, Site]) -> dict[str, Run]:
    """Find for every site that borrows the run that it borrows from: the shown one, or the newest finished.

    Parameters
    ----------
    runs, chosen : sequence of Run
        All measurements there are, and those that the report shows.
    sites : mapping of str to Site
        Every site by id.

    Returns
    -------
    dict of str to Run
        By the borrower's id; a site whose lender has measured nothing is not there.
    """
    found = {}
    for name, site in sites.items():
        if site.borrows:
            shown, every = (
                [run for run in some if run.complete and run.manifest.site == site.borrows[0].lender]
                for some in (chosen, runs)
            )
            if lent := shown or every:
                found[name] = max(lent, key=lambda run: run.manifest.started_at)
    return found


def added(
    own: Sequence[Finding], site: Site, lender: Run | None, criteria: Criteria, manifest: Manifest
) -> tuple[Finding, ...]:
    """Add to a measured site's findings what it borrows, for the runtimes that it has."""
    present = [runtime.id for runtime in manifest.runtimes if runtime.present]
    lent = findings_of(lender, criteria) if lender else ()
    return with_borrowed(
        own,
        lent,
        site,
        criteria,
        run=manifest.run,
        present=present,
        control_groups=control_groups(manifest),
    )


def evidence(lender: Run | None) -> dict[str, Evidence]:
    """Give what the borrowed cells open."""
    return lender.evidence() if lender else {}


def outputs(lender: Run | None) -> dict[str, bytes]:
    """Give what was printed there."""
    return lender.outputs() if lender else {}


def case(site: Site, lender: Run, criteria: Criteria) -> SiteCase:
    """Make the case of a site that has measured nothing itself: every finding of it says whose it is."""
    facts = lender.manifest
    name = f"{_MARK}{facts.site}-{facts.run}"
    findings = with_borrowed((), findings_of(lender, criteria), site, criteria, run=name)
    texts = dict.fromkeys(HostFacts.model_fields, "not measured")
    manifest = Manifest(
        site=site.id,
        run=name,
        profile="borrowed",
        seed=facts.seed,
        plan="",
        tool_version=facts.tool_version,
        started_at=facts.started_at,
        measured_as=f"nobody here: all of it is from {facts.site}, run {facts.run}",
        as_root=facts.as_root,
        host=HostFacts.model_validate({**texts, "cores": 0, "memory_bytes": 0}),
        runtimes=facts.runtimes,
    )
    families = {runtime.id: runtime.family for runtime in manifest.runtimes}
    unranked = {runtime.id for runtime in manifest.runtimes if not runtime.timed}
    return SiteCase(
        manifest=manifest,
        folder=f"{site.id}/{name}",
        finished_at=lender.finished_at,
        findings=findings,
        evidence=lender.evidence(),
        outputs=lender.outputs(),
        decision=decide(
            findings, criteria, site, families=families, unranked=unranked, modes=modes_of(facts)
        ),
        borrowed_only=True,
    )
