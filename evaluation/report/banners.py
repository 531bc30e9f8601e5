"""Warnings that stand above the answers: what keeps a run from being a full measurement of one's own site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from evaluation.model import Outcome
from evaluation.report.source import Case, SiteCase
from evaluation.store import RuntimeFacts

__all__ = ["Banner", "banners"]

_NOT_PLANTED: Final = "not_planted"
"""The name under which an attempt records why it had nothing of root's to try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """A warning that stands above everything else."""

    title: str
    text: str


def banners(case: Case, site: SiteCase) -> tuple[Banner, ...]:
    """Say what keeps this run from being a full measurement of the reader's own site."""
    found = []
    if site.borrowed_only:
        found.append(
            Banner(
                title="Nothing was measured at this site",
                text="All evidence here is borrowed from another site, by this site's own declaration, until "
                "it measures itself. The intervals are wider for that, and no knock-out is settled by it.",
            )
        )
    if site.manifest.label:
        found.append(
            Banner(
                title="Reference run, not your site",
                text=f"These results came with the project: {site.manifest.label}. "
                "They show what a report looks like. Measure your own machines before you decide.",
            )
        )
    if failed := site.manifest.failed:
        told = "; ".join(f"{step}: {why}" for step, why in failed.items())
        found.append(
            Banner(
                title="Not everything was measured",
                text="Some steps of the measurement failed; what they would have shown counts as "
                f"unknown. {told}",
            )
        )
    if not site.finished_at:
        found.append(
            Banner(
                title="Incomplete run",
                text="The run stopped before its end. What is missing counts as unknown, "
                "from worst to best; run it again and it resumes where it stopped.",
            )
        )
    if site.measured and (untried := _untried(case, site)):
        told = "; ".join(f"{', '.join(attempts)}: {why}" for why, attempts in untried.items())
        found.append(
            Banner(
                title="What would knock a runtime out could not be tried",
                text=f"Until it is, nothing can be recommended where it knocks out. {told}.",
            )
        )
    if site.conditions:
        text = f"{'. '.join(site.conditions)}."
        found.append(Banner(title="Conditions of this measurement", text=text))
    found += [_impaired(facts, ranked=facts.id in site.ranked) for facts in site.impaired]
    if site.shortage:
        found.append(Banner(title="Measured on a busy machine", text=site.shortage))
    if problem := site.manifest.payload_problem:
        text = f"Nothing is known about any runtime: {problem}"
        found.append(Banner(title="The measuring program could not be built", text=text))
    elif not site.measured:
        found.append(
            Banner(
                title="Only the bare host was measured",
                text="No container runtime could be used here, so there is nothing to rank. What the host "
                "itself came to stands under The evidence and Security attempts.",
            )
        )
    return tuple(found)


def _untried(case: Case, site: SiteCase) -> dict[str, tuple[str, ...]]:
    """Attempts that knock out and were not made, because no canary could be planted: by the reason."""
    vetoes = [veto for use_case in case.criteria.use_cases.values() for veto in use_case.knock_outs]
    found: dict[str, tuple[str, ...]] = {}
    for probe in dict.fromkeys(case.criteria.criteria[veto.criterion].probe for veto in vetoes):
        for runtime in site.ranked:
            finding = site.cells.get((probe, runtime))
            if finding is None or finding.outcome is not Outcome.INERT or finding.borrowed:
                continue
            name = f"{finding.texts.checklist_id} {probe}"
            for item in site.recorded.get((probe, runtime), ()):
                if item.name == _NOT_PLANTED and name not in (known := found.get(str(item.value), ())):
                    found[str(item.value)] = (*known, name)
    return found


def _impaired(facts: RuntimeFacts, *, ranked: bool) -> Banner:
    """Say that a runtime ran in a way that no centre would run it, and what became of it."""
    what = (
        "It is ranked because it was asked for by name; its figures say nothing of a centre's."
        if ranked
        else f"It was neither timed nor ranked. Fix that and measure again, or ask for it by "
        f"name: RUNTIMES={facts.id}."
    )
    return Banner(title=f"No centre would run {facts.id} as it runs here", text=f"{facts.impairment}. {what}")
