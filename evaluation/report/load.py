"""Everything the report shows, read from results on disk and decided anew."""

from __future__ import annotations

from evaluation.decide.case import chosen_runs, decided
from evaluation.decide.criteria import load_criteria
from evaluation.project import locate
from evaluation.report.source import Case, SiteCase
from evaluation.sites import list_sites, load_site

__all__ = ["load_case"]


def load_case(*, results: str, criteria: str, sites: str, runs: str) -> Case:
    """Read results, criteria and sites, and decide.

    Parameters
    ----------
    results, criteria, sites : str
        Paths; relative ones are meant from the project's folder.
    runs : str
        Names of runs, separated by spaces; empty for the newest of each site.

    Raises
    ------
    EvaluationError
        Something is missing or damaged; with what and where.
    """
    chosen_criteria = load_criteria(locate(criteria))
    folder = locate(sites)
    known = {site: load_site(site, folder) for site in list_sites(folder)}
    measured = []
    for run in chosen_runs(locate(results), runs):
        result = decided(run, chosen_criteria, known)
        measured.append(
            SiteCase(
                manifest=run.manifest,
                folder=f"{run.path.parent.name}/{run.path.name}",
                finished_at=run.finished_at,
                findings=result.findings,
                evidence=run.evidence(),
                outputs=run.outputs(),
                decision=result.decision,
                points=result.points,
            )
        )
    return Case(criteria=chosen_criteria, sites=known, measured=tuple(measured))
