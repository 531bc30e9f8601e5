"""From the files of a project to the case that the report shows: no container, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

from evaluation.decide.checklist import FILE, known_checklists
from evaluation.decide.confidence import circumstances, confidence
from evaluation.decide.costs import load_costs
from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.decide.farm import load_scaling
from evaluation.decide.findings import findings_of
from evaluation.decide.modes import modes_of
from evaluation.decide.prosandcons import pros_and_cons
from evaluation.decide.score import decide
from evaluation.decide.supply import load_advisories
from evaluation.decide.sweeps import sweeps_of
from evaluation.decide.together import AtSite, across_sites
from evaluation.errors import EvaluationError
from evaluation.imported import imported
from evaluation.inventory import load_inventory
from evaluation.ledger import ledgers
from evaluation.model import ACROSS, CONTROL, SWEEP, Finding, Observation, SiteDecision
from evaluation.project import locate
from evaluation.report import borrowing
from evaluation.report.origin import Origin, place_of, project_files, tool
from evaluation.report.source import Case, SiteCase
from evaluation.sites import Site, list_sites, load_site
from evaluation.store import Run, find_runs, measurements

__all__ = ["choose_runs", "load_case"]

_Loaded = TypeVar("_Loaded")


def load_case(
    *, results: str | Path, criteria: str | Path, sites: str | Path, runs: str | Sequence[str] = ""
) -> Case:
    """Read results, criteria and sites, and decide.

    Parameters
    ----------
    results, criteria, sites : str or Path
        The results folder, the criteria file, the folder of sites. Beside the latter, in the project's
        folder, are the table of advisories, the inventory, the cost model, the constants of scaling and the
        images with their ledgers, as far as there are any.
    runs : str or sequence of str, optional
        Which runs to show, as ``RUN``, ``SITE/RUN``, or ``SITE`` for its newest (a text lists them with
        commas). Without any: the newest finished run of each site.

    Raises
    ------
    EvaluationError
        There is no such run, or a file is faulty, cut off or changed.
    """
    folder, file = locate(sites), locate(criteria)
    project = folder.parent
    rules = load_criteria(file)
    known = {name: load_site(name, folder) for name in list_sites(folder)}
    there_are = find_runs(locate(results))
    chosen = choose_runs(there_are, borrowing.without(runs), where=str(results))
    lenders = borrowing.lenders(measurements(there_are), measurements(chosen), known)
    own = tuple(_site_case(run, rules, known, folder, lenders.get(run.manifest.site)) for run in chosen)
    there = {site.site for site in own}
    lent = (borrowing.case(known[name], run, rules) for name, run in lenders.items() if name not in there)
    every = (*own, *lent)
    measured = _together(every, rules, known) if every else ()
    # the reference machine and a test cluster are no centres: news only where their runs are shown
    shown = {name for name, site in known.items() if site.status != "test" and not site.label}
    shown |= {each.manifest.site for each in measured}
    swept = {site.site: sweeps_of(there_are, site.site) for site in measured}
    return Case(
        criteria=rules,
        sites={name: site for name, site in known.items() if name in shown},
        measured=measured,
        criteria_text=file.read_bytes().decode("utf-8"),  # as it is, with its own line ends
        advisories=_if_any(project / "advisories.yaml", load_advisories),
        inventory=_if_any(project / "inventory.yaml", load_inventory),
        sweeps={site: found.widest for site, found in swept.items() if found.widest},
        across={site: found.across for site, found in swept.items() if found.across},
        passed_over={site: found.passed_over for site, found in swept.items() if found.passed_over},
        scaling=_if_any(project / "scaling.yaml", load_scaling),
        costs=_if_any(project / "costs.yaml", partial(load_costs, sites=tuple(known))),
        ledgers=ledgers(project / "images"),
        origin=_origin(there_are, chosen, lenders.values(), measured, project),
    )


def _together(
    cases: Sequence[SiteCase], criteria: Criteria, sites: Mapping[str, Site]
) -> tuple[SiteCase, ...]:
    """Hold the sites' answers against each other, and say how good the evidence of each is.

    Neither examples nor what is borrowed is heard at other sites.
    """
    told = [
        AtSite(
            title=sites[case.site].title if case.site in sites else case.site,
            decision=case.decision,
            heard=not case.manifest.label and not case.borrowed_only,
        )
        for case in cases
    ]
    newest = date.fromisoformat(max(case.manifest.started_at for case in cases)[:10])
    decided = across_sites(told, criteria)
    return tuple(
        replace(case, decision=_weighed_up(replace(case, decision=found), criteria, sites, newest))
        for case, found in zip(cases, decided, strict=True)
    )


def _weighed_up(case: SiteCase, criteria: Criteria, sites: Mapping[str, Site], on: date) -> SiteDecision:
    """Add to every answer how good its evidence is, where the criteria declare that."""
    rule, limit = criteria.confidence, criteria.method.fact_age_months
    if rule is None:
        return case.decision
    site = sites.get(case.site)
    lender = site.borrows[0].lender if case.borrowed_only and site and site.borrows else ""
    found = circumstances(case.manifest, site, on=on, shortage=case.shortage, borrowed_from=lender)
    margin, months = criteria.method.score_tie_margin.value, limit.value if limit else None
    return replace(
        case.decision,
        use_cases=tuple(
            replace(each, confidence=confidence(each, found, rule, margin=margin, months=months))
            for each in case.decision.use_cases
        ),
    )


def _if_any(path: Path, load: Callable[[Path], _Loaded]) -> _Loaded | None:
    """Read a file, where there is one."""
    return load(path) if path.is_file() else None


def _origin(
    there_are: Iterable[Run],
    chosen: Sequence[Run],
    lenders: Iterable[Run],
    cases: Sequence[SiteCase],
    project: Path,
) -> Origin:
    """Say what was read, so that the same can be read again."""
    measured = tuple({run.path: run for run in (*chosen, *lenders)}.values())
    shown = {case.site for case in cases}
    swept = [
        run for run in there_are if run.path.parent.name in shown and run.manifest.profile in {SWEEP, ACROSS}
    ]
    calibrated = {path.parent for run in measured for path in run.path.parent.glob(f"*/{FILE}")}
    read = {
        *(place_of(run.path) for run in (*measured, *swept)),
        *(place_of(path) for path in calibrated),
        *(kept.place for case in cases for kept in case.imported),
    }
    return Origin(
        tool=tool(),
        runs=tuple(place_of(run.path) for run in chosen),
        read=tuple(sorted(read)),
        files=project_files(project),
    )


def choose_runs(runs: Sequence[Run], names: Sequence[str], *, where: str = "results") -> tuple[Run, ...]:
    """Pick the named runs, or the newest finished one of each site.

    A calibration is no measurement of a runtime and is never picked. A labelled run (the reference run
    that comes with the project) is left out where there are other measurements, unless it is asked for by
    name. A site without any finished run shows its newest.

    Raises
    ------
    EvaluationError
        There is no run, or none of a name.
    """
    if names:
        return _named(runs, names, where)
    runs = measurements(runs)
    if not runs:
        raise EvaluationError(
            "there are no results to report on", where=where, advice="measure first: make report"
        )
    return _newest([run for run in runs if not run.manifest.label] or runs)


def _newest(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Of each site the newest finished run, or its newest where none is finished.

    Sites where there was a runtime come first: the others have nothing to rank.
    """
    newest = {}
    for run in sorted(runs, key=lambda run: (run.complete, run.manifest.started_at)):
        newest[run.path.parent.name] = run
    return tuple(
        newest[site] for site in sorted(newest, key=lambda site: (_without_runtime(newest[site]), site))
    )


def _without_runtime(run: Run) -> bool:
    return not any(facts.present for facts in run.manifest.runtimes if facts.id != CONTROL)


def _named(runs: Sequence[Run], names: Sequence[str], where: str) -> tuple[Run, ...]:
    by_name = {run.path.parent.name: run for run in _newest(measurements(runs))} | {
        name: run for run in runs for name in (run.path.name, f"{run.path.parent.name}/{run.path.name}")
    }
    unknown = [name for name in names if name not in by_name]
    if unknown:
        listed = ", ".join(f"{run.path.parent.name}/{run.path.name}" for run in runs) or "none"
        raise EvaluationError(
            f"there is no run {', '.join(unknown)}", where=where, advice=f"there are: {listed}"
        )
    return tuple({run.path: run for run in (by_name[name] for name in names)}.values())


def _site_case(
    run: Run,
    criteria: Criteria,
    sites: dict[str, Site],
    folder: Path,
    lender: Run | None,
) -> SiteCase:
    manifest, findings = run.manifest, findings_of(run, criteria)
    site = sites.get(manifest.site) or load_site(manifest.site, folder)
    findings = borrowing.added(findings, site, lender, criteria, manifest)
    families = {runtime.id: runtime.family for runtime in manifest.runtimes}
    unranked = {runtime.id for runtime in manifest.runtimes if not runtime.timed}
    decision = decide(
        findings, criteria, site, families=families, unranked=unranked, modes=modes_of(manifest)
    )
    return SiteCase(
        manifest=manifest,
        folder=f"{run.path.parent.name}/{run.path.name}",
        finished_at=run.finished_at,
        findings=findings,
        evidence=borrowing.evidence(lender) | run.evidence(),
        outputs=borrowing.outputs(lender) | run.outputs(),
        decision=decision,
        points=pros_and_cons(criteria, decision),
        recorded=_recorded(run, {"launch_cost", *_attempts(findings)}),
        residue=run.residue(),
        checklists=known_checklists(run.path.parent),
        imported=imported(run.path.parents[1], run.path.parent.name),
        archived=run.archived,
    )


def _attempts(findings: Sequence[Finding]) -> set[str]:
    return {finding.probe for finding in findings if finding.texts.checklist_id}


def _recorded(run: Run, probes: set[str]) -> dict[tuple[str, str], tuple[Observation, ...]]:
    found: dict[tuple[str, str], tuple[Observation, ...]] = {}
    for item in run.observations():
        if item.probe in probes:
            cell = item.probe, item.runtime
            found[cell] = (*found.get(cell, ()), item)
    return found
