"""The batch contract, runtime by engine, as real jobs showed it.

Before it, where several sites have measured: what they answer differently, and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from evaluation.decide.batchcontract import Difference, Measured, differences, unanswered
from evaluation.model import CONTROL, Finding, Outcome
from evaluation.report.markup import Chapter, chapter, listed
from evaluation.report.places import Places
from evaluation.report.source import Case, SiteCase
from evaluation.report.words import State, state

__all__ = ["batch"]

GROUP: Final = "batch"

CLAUSES: Final = {
    "batch_cpu_accounting": ("CPU charged", "its CPU time is in nobody's books"),
    "batch_memory_accounting": ("Memory charged", "its memory is in nobody's books"),
    "batch_memory_limit": ("Memory limit", "it takes more memory than its job asked for"),
    "batch_limit_inheritance": ("Ulimits", "the job's ulimits do not reach it"),
    "batch_kill_survival": ("Ends when killed", "it outlives the kill of its job"),
    "batch_daemon_survival": ("Daemons end", "a daemon in it outlives the job"),
    "batch_leftovers": ("Node left clean", "a killed job leaves something on the node"),
}
"""Per probe of the contract: its column, and what a failure means as a clause."""

MITIGATIONS: Final = {
    "batch_epilog": ("Epilog by label", "an epilog that removes containers by label", "it ends then"),
    "batch_job_cgroup": (
        "Below the job's cgroup",
        "--cgroup-parent with the job's control group",
        "limited and charged there; cgroupfs driver only",
    ),
    "batch_init": ("Init process", "--init", "for a payload that heeds SIGTERM"),
}
"""Per mitigation: its column, its name, and what it does where it works."""

ENGINES: Final = {"slurm": "Slurm", "gridengine": "Grid Engine"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one probe came to; without a target there is nothing to open."""

    label: str
    state: State
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One runtime at one site, and the sentence for whoever runs the batch system."""

    runtime: str
    sentence: str
    cells: tuple[Cell, ...]
    remedied: bool
    """Whether it breaks the contract, so that remedies matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One site's engine. ``absent``: runtimes of which nothing is known, by the reason."""

    title: str
    engine: str
    lead: str
    rows: tuple[Row, ...]
    absent: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A site whose answers are compared: its control groups, and which numbers it leaves open, by reason."""

    title: str
    groups: str
    unanswered: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """One question that sites answer differently for the same runtimes.

    Per site its answer, ``None`` where it has none, and what was seen there, in which version.
    """

    name: str
    runtimes: tuple[str, ...]
    answers: tuple[tuple[Cell | None, str], ...]
    why: str


def batch(case: Case) -> Chapter:
    """Show what each runtime keeps of the batch contract, by engine, from real jobs."""
    places = Places(case)
    tables = tuple(_table(case, site, places) for site in case.measured if _asked(site))
    runtimes = tuple(dict.fromkeys(row.runtime for table in tables for row in table.rows))
    sentences = {(index, row.runtime): row for index, table in enumerate(tables) for row in table.rows}
    labels = [*(label for label, _ in CLAUSES.values()), *(label for label, *_ in MITIGATIONS.values())]
    compared, differing = _differing(case, places)
    return chapter(
        "batch",
        several=len(case.measured) > 1,
        compared=compared,
        differing=differing,
        tables=tables,
        runtimes=runtimes,
        sentences=sentences,
        labels=labels,
        clauses=len(CLAUSES),
        control=CONTROL,
    )


def _differing(case: Case, places: Places) -> tuple[tuple[Compared, ...], tuple[Differing, ...]]:
    """Hold the sites' answers to the contract against each other; with the sites that give any."""
    titles = {case.title(site): site for site in case.measured}
    runs = tuple(
        Measured(site=title, manifest=site.manifest, findings=site.findings) for title, site in titles.items()
    )
    found, open_ = differences(runs), unanswered(runs)
    answering = {one.site for each in found for one in each.seen}
    shown = {title: site for title, site in titles.items() if title in answering}
    compared = tuple(
        Compared(title=title, groups=_groups(site), unanswered=tuple(open_[title].items()))
        for title, site in shown.items()
    )
    return compared, tuple(
        Differing(
            name=f"{each.texts.checklist_id} {each.probe.replace('_', ' ')}",
            runtimes=each.runtimes,
            answers=tuple(_answer(each, title, site, places) for title, site in shown.items()),
            why=each.why,
        )
        for each in found
    )


def _answer(difference: Difference, title: str, site: SiteCase, places: Places) -> tuple[Cell | None, str]:
    for one in difference.seen:
        if one.site == title:
            finding = one.finding
            target = places.cell(site, finding.probe, finding.runtime)
            return Cell(label=title, state=state(finding), target=target), _seen(finding, one.version)
    return None, ""


def _seen(finding: Finding, version: str) -> str:
    """What the finding says, with the runtime's version."""
    return f"{finding.message}; version {version}" if version else finding.message


def _groups(site: SiteCase) -> str:
    """What was seen of the host's control groups before anything was measured; earlier runs do not say."""
    return next((check.sentence for check in site.manifest.checks if check.what == "control groups"), "")


def _asked(site: SiteCase) -> bool:
    """Whether anything was asked inside real jobs there."""
    return any(
        finding.texts.group == GROUP and finding.outcome is not Outcome.UNAVAILABLE
        for finding in site.findings
    )


def _table(case: Case, site: SiteCase, places: Places) -> Table:
    known = case.sites.get(site.site)
    engine = ENGINES.get(known.batch.engine if known else "", "the batch system")
    found = {runtime: _found(site, runtime) for runtime in site.runtimes}
    answered = {runtime: seen for runtime, seen in found.items() if _evident(seen)}
    return Table(
        title=case.title(site),
        engine=engine,
        lead=_lead(answered),
        rows=tuple(
            Row(
                runtime=runtime,
                sentence=_sentence(runtime, seen),
                cells=_cells(site, runtime, seen, places),
                remedied=bool(_failed(seen)),
            )
            for runtime, seen in answered.items()
        ),
        absent=_by_reason(
            {
                runtime: next(iter(seen.values())).message
                for runtime, seen in found.items()
                if seen and runtime not in answered
            }
        ),
    )


def _by_reason(absent: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    reasons = dict.fromkeys(absent.values())
    return tuple(
        (", ".join(runtime for runtime, why in absent.items() if why == reason), reason) for reason in reasons
    )


def _found(site: SiteCase, runtime: str) -> dict[str, Finding]:
    every = site.cells
    return {probe: every[probe, runtime] for probe in (*CLAUSES, *MITIGATIONS) if (probe, runtime) in every}


def _evident(seen: Mapping[str, Finding]) -> bool:
    return any(finding.outcome is not Outcome.UNAVAILABLE for finding in seen.values())


def _failed(seen: Mapping[str, Finding]) -> list[str]:
    return [probe for probe in CLAUSES if probe in seen and seen[probe].outcome is Outcome.FAILS]


def _keeps_all(seen: Mapping[str, Finding]) -> bool:
    return all(probe in seen and seen[probe].outcome is Outcome.HOLDS for probe in CLAUSES)


def _lead(found: Mapping[str, Mapping[str, Finding]]) -> str:
    """Say in one sentence what a batch manager can do."""
    others = {runtime: seen for runtime, seen in found.items() if runtime != CONTROL}
    plain = [runtime for runtime, seen in others.items() if _keeps_all(seen)]
    escaping = [runtime for runtime, seen in others.items() if _failed(seen)]
    parts = []
    if plain:
        parts.append(f"{listed(plain)} can run as plain jobs do")
    if escaping:
        parts.append(f"{listed(escaping)} {'breaks' if len(escaping) == 1 else 'break'} what a job promises")
    unknown = [runtime for runtime in others if runtime not in {*plain, *escaping}]
    if unknown:
        parts.append(f"of {listed(unknown)} not enough was seen to say so")
    return f"{'; '.join(parts)}." if parts else "only the bare host was tried."


def _sentence(runtime: str, seen: Mapping[str, Finding]) -> str:
    """Say what a batch manager has to know of one runtime: what escapes, what helps, what is not known."""
    failed = _failed(seen)
    unknown = [
        _within(CLAUSES[probe][0])
        for probe in CLAUSES
        if _came_to(seen, probe) not in {Outcome.HOLDS, Outcome.FAILS}
    ]
    if failed:
        escapes = listed([CLAUSES[probe][1] for probe in failed])
        told = [f"{escapes[0].upper()}{escapes[1:]}."]
        helps = [
            f"{name} ({does})"
            for probe, (_, name, does) in MITIGATIONS.items()
            if _came_to(seen, probe) is Outcome.HOLDS
        ]
        idle = [
            name for probe, (_, name, _does) in MITIGATIONS.items() if _came_to(seen, probe) is Outcome.FAILS
        ]
        told += [f"Helps: {', '.join(helps)}."] if helps else []
        told += [f"Does not help: {', '.join(idle)}."] if idle else []
    elif unknown:
        told = ["Nothing was seen to escape."]
    elif runtime == CONTROL:
        told = ["The control: a plain job is limited, charged and ended."]
    else:
        told = ["Limited, charged and ended like a plain job: nothing is needed."]
    return " ".join([*told, *([f"Not known: {', '.join(unknown)}."] if unknown else [])])


def _within(label: str) -> str:
    """A column's label inside a sentence."""
    return label if label[:2].isupper() else f"{label[0].lower()}{label[1:]}"


def _came_to(seen: Mapping[str, Finding], probe: str) -> Outcome | None:
    return seen[probe].outcome if probe in seen else None


def _cells(site: SiteCase, runtime: str, seen: Mapping[str, Finding], places: Places) -> tuple[Cell, ...]:
    return tuple(
        Cell(
            label=label,
            state=state(seen.get(probe)),
            target=places.cell(site, probe, runtime),
        )
        for probe, (label, *_) in {**CLAUSES, **MITIGATIONS}.items()
    )
