"""From a run on disk to its findings and its decision: what ``make report`` does again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluation.decide.assess import assess
from evaluation.decide.criteria import Criteria
from evaluation.decide.prosandcons import Point, pros_and_cons
from evaluation.decide.score import decide
from evaluation.errors import EvaluationError
from evaluation.model import Finding, SiteDecision
from evaluation.probes.registry import discover, group_of
from evaluation.sites import Site
from evaluation.store import Run, find_runs

__all__ = ["REFERENCE", "DecidedRun", "chosen_runs", "decided", "findings_of"]

REFERENCE = "reference"
"""The folder of the committed reference run: a report leaves it out when it has runs of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedRun:
    """A run with everything that was derived from it."""

    run: Run
    findings: tuple[Finding, ...]
    decision: SiteDecision
    points: tuple[Point, ...]


def findings_of(run: Run, criteria: Criteria) -> tuple[Finding, ...]:
    """Assess a run, and write its findings beside it where that is permitted."""
    run.verify()
    manifest = run.manifest
    findings = assess(
        run.observations(),
        site=manifest.site,
        run=manifest.run,
        absent={facts.id: facts.reason for facts in manifest.runtimes if not facts.present},
        image_digest=manifest.image.digest if manifest.image else "",
        probes={probe.id: (group_of(probe.id), probe) for probe in discover().values()},
        criteria=criteria,
        unavailable=manifest.unavailable,
        present=[facts.id for facts in manifest.runtimes if facts.present],
    )
    try:
        run.write_findings(findings)
    except OSError:
        return findings  # a read-only copy of the results is as good to read from
    return findings


def decided(run: Run, criteria: Criteria, sites: Mapping[str, Site]) -> DecidedRun:
    """Assess a run and decide from it.

    Raises
    ------
    EvaluationError
        The run's files are damaged, or its site is not described in ``sites/``.
    """
    manifest = run.manifest
    site = sites.get(manifest.site)
    if site is None:
        raise EvaluationError(
            f"the run is of a site {manifest.site!r} that has no file",
            where=str(run.path),
            advice=f"Describe it in sites/{manifest.site}.yaml; sites/local.yaml is a model.",
        )
    findings = findings_of(run, criteria)
    families = {facts.id: facts.family for facts in manifest.runtimes}
    decision = decide(findings, criteria, site, families=families)
    return DecidedRun(run=run, findings=findings, decision=decision, points=pros_and_cons(criteria, decision))


def chosen_runs(results: Path, names: str = "") -> tuple[Run, ...]:
    """Choose the runs of a report: those named, or the newest of each site.

    Without names a complete run is preferred to an interrupted one, and the reference run is left out
    as soon as there is another.

    Parameters
    ----------
    results : Path
        The folder of the results.
    names : str
        Run names, separated by spaces or commas; ``reference`` is the committed run.

    Raises
    ------
    EvaluationError
        There is no run, or none of a name.
    """
    runs = find_runs(results)
    if wanted := names.replace(",", " ").split():
        by_name = {run.path.name: run for run in runs}
        by_name.update((REFERENCE, run) for run in runs if run.path.parent.name == REFERENCE)
        if unknown := [name for name in wanted if name not in by_name]:
            raise EvaluationError(
                f"there is no run {', '.join(unknown)}",
                where=str(results),
                advice=f"There are: {', '.join(by_name) or 'none'}.",
            )
        return tuple(by_name[name] for name in wanted)
    newest: dict[str, Run] = {}
    for run in runs:
        site = run.path.parent.name
        if site not in newest or run.complete or not newest[site].complete:
            newest[site] = run
    own = {site: run for site, run in newest.items() if site != REFERENCE}
    chosen = tuple((own or newest).values())
    if not chosen:
        raise EvaluationError(
            "there are no results to report on",
            where=str(results),
            advice="Measure first: make report, or evaluation run.",
        )
    return chosen
