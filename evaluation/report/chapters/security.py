"""The security attempts, held against what a plain job on the bare host can do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from evaluation.imported import CANNOT_FAIL, SOURCE, Imported
from evaluation.model import CONTROL, Delta, Finding, Outcome, ProbeTexts, Severity
from evaluation.report.chapters.supply import Supply, supply
from evaluation.report.checklist import AREAS, FURTHER, area
from evaluation.report.drilldown import Cell as Opened
from evaluation.report.drilldown import Shared, more_told, processes_told, shared
from evaluation.report.evidence import Process, entries
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.places import Places, delta_of
from evaluation.report.sides import in_runtime, seen
from evaluation.report.source import Case, SiteCase
from evaluation.report.words import DIFFERENCES, SEVERITIES, VERDICTS, State, delta_state, state
from evaluation.units import short_digest

__all__ = ["security"]

FILTERED: Final = 20
"""Columns that the style sheet has a rule for; further ones are always shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One runtime; ``apart`` if it was weakened on purpose. ``number`` ties its cells to its switch."""

    number: int
    runtime: str
    mode: str
    apart: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one attempt came to in one runtime; without a finding there is no transcript to open."""

    column: Column
    target: str
    label: str
    state: State
    finding: Finding | None

    @property
    def difference(self) -> State | None:
        """How `delta` is shown."""
        return delta_state(self.delta) if self.delta else None

    @property
    def delta(self) -> Delta | None:
        """What the runtime changes; ``None`` for the bare host."""
        if self.column.runtime == CONTROL:
            return None
        return delta_of(self.finding) if self.finding else Delta.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt, identically made everywhere. ``changed``: some runtime adds it or takes it away."""

    probe: str
    target: str
    texts: ProbeTexts
    cells: tuple[Cell, ...]
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What one runtime changes for a plain batch job; ``adds`` by severity, in the order of `Severity`.

    What nobody has rated counts as high: it must not be missed.
    """

    column: Column
    adds: tuple[tuple[Severity, tuple[Cell, ...]], ...]
    takes: tuple[Cell, ...]
    same: int
    unknown: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One site's part of the chapter.

    ``without`` are runtimes in which nothing was attempted, by the reason, ``left_out`` attempts that were
    made nowhere, each with the reason.
    """

    folder: str
    title: str
    columns: tuple[Column, ...]
    without: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, tuple[str, ...]], ...]
    areas: tuple[tuple[str, tuple[Attempt, ...]], ...]
    summaries: tuple[Summary, ...]
    supply: Supply
    imported: tuple[Imported, ...]


def security(case: Case) -> Chapter:
    """Show what each runtime adds to, and takes away from, what the bare host allows."""
    places = Places(case)
    views = tuple(_view(case, site, places) for site in case.measured)
    return chapter(
        "security",
        views=views,
        opened=_opened(case, views, places),
        legend=DIFFERENCES,
        verdicts=VERDICTS,
        severities=SEVERITIES,
        filtered=FILTERED,
        cannot_fail=CANNOT_FAIL,
        cannot_fail_source=SOURCE,
    )


def _view(case: Case, site: SiteCase, places: Places) -> View:
    columns, without = _columns(site)
    every = (_attempt(site, probe, columns, places) for probe in site.attempts)
    # An older run knows nothing of an attempt that came later.
    attempts = tuple(one for one in every if any(cell.finding for cell in one.cells))
    order = (*AREAS, FURTHER)
    placed = sorted(attempts, key=lambda one: order.index(area(one.texts.checklist_id)))
    return View(
        folder=site.folder,
        title=case.title(site),
        columns=columns,
        without=without,
        left_out=_left_out(site),
        areas=tuple(
            (name, tuple(found))
            for name, found in groupby(placed, key=lambda one: area(one.texts.checklist_id))
        ),
        summaries=tuple(_summary(column, placed) for column in columns if column.runtime != CONTROL),
        supply=supply(case, site),
        imported=site.imported,
    )


def _left_out(site: SiteCase) -> tuple[tuple[str, tuple[str, ...]], ...]:
    numbers = {finding.probe: finding.texts.checklist_id for finding in site.findings}
    found = (
        (reason, tuple(f"{numbers[probe]} {probe.replace('_', ' ')}" for probe in probes if numbers[probe]))
        for reason, probes in site.left_out.items()
    )
    return tuple((reason, attempts) for reason, attempts in found if attempts)


def _columns(site: SiteCase) -> tuple[tuple[Column, ...], tuple[tuple[str, str], ...]]:
    """Give a column to each runtime in which anything was attempted, those set apart last."""
    attempted = {
        finding.runtime
        for finding in site.findings
        if finding.texts.checklist_id and finding.outcome is not Outcome.UNAVAILABLE
    }
    modes = {facts.id: facts.mode for facts in site.manifest.runtimes}
    apart = site.positive_controls
    shown = [runtime for runtime in site.runtimes if runtime in {CONTROL} | attempted]
    columns = tuple(
        Column(number=number, runtime=runtime, mode=modes.get(runtime, ""), apart=runtime in apart)
        for number, runtime in enumerate(sorted(shown, key=lambda runtime: runtime in apart))
    )
    reasons = {f.runtime: f.message for f in site.findings if f.texts.checklist_id} | dict(site.absent)
    without: dict[str, list[str]] = {}
    for runtime in site.runtimes:
        if runtime not in shown:
            without.setdefault(reasons.get(runtime, "no reason was recorded"), []).append(runtime)
    return columns, tuple((", ".join(runtimes), reason) for reason, runtimes in without.items())


def _attempt(site: SiteCase, probe: str, columns: Iterable[Column], places: Places) -> Attempt:
    texts = next(finding.texts for finding in site.findings if finding.probe == probe)
    label, found = f"{texts.checklist_id} {probe.replace('_', ' ')}", site.cells
    cells = tuple(
        _cell(found.get((probe, column.runtime)), column, places.cell(site, probe, column.runtime), label)
        for column in columns
    )
    return Attempt(
        probe=probe,
        target=anchor("attempt", probe),
        texts=texts,
        cells=cells,
        changed=any(cell.delta in {Delta.ADDED, Delta.TAKEN_AWAY} for cell in cells if not cell.column.apart),
    )


def _cell(finding: Finding | None, column: Column, target: str, label: str) -> Cell:
    return Cell(column=column, target=target, label=label, state=state(finding), finding=finding)


def _summary(column: Column, attempts: Iterable[Attempt]) -> Summary:
    by_delta: dict[Delta | None, list[tuple[Severity, Cell]]] = {}
    for one in attempts:
        cell = one.cells[column.number]
        by_delta.setdefault(cell.delta, []).append((one.texts.severity or Severity.HIGH, cell))
    return Summary(
        column=column,
        adds=tuple(
            (severity, tuple(cell for rated, cell in by_delta.get(Delta.ADDED, ()) if rated is severity))
            for severity in Severity
        ),
        takes=tuple(cell for _, cell in by_delta.get(Delta.TAKEN_AWAY, ())),
        same=len(by_delta.get(Delta.SAME, ())),
        unknown=tuple(cell for _, cell in by_delta.get(Delta.UNKNOWN, ())),
    )


def _opened(
    case: Case, views: Sequence[View], places: Places
) -> tuple[tuple[Attempt, tuple[Shared, ...]], ...]:
    """Open every cell, attempt by attempt, the sites together."""
    found: dict[str, list[Opened]] = {}
    attempts: dict[str, Attempt] = {}
    for site, view in zip(case.measured, views, strict=True):
        placed = [attempt for _, listed in view.areas for attempt in listed]
        attempts |= {one.probe: one for one in placed if one.probe not in attempts}
        name = case.title(site) if len(views) > 1 else ""
        for probe, cell in _opened_at(site, placed, name, places, sites=len(views)):
            found.setdefault(probe, []).append(cell)
    return tuple((one, shared(found.get(probe, ()))) for probe, one in attempts.items())


def _opened_at(
    site: SiteCase, attempts: Iterable[Attempt], name: str, places: Places, *, sites: int
) -> Iterator[tuple[str, Opened]]:
    """Open the cells of one site; each process is shown once, in the first cell that rests on it."""
    listed = [(one, cell, cell.finding) for one in attempts for cell in one.cells if cell.finding]
    read = entries(site, [finding for _, _, finding in listed], whole=True, sites=sites)
    commands = {facts.id: facts.command for facts in site.manifest.runtimes}
    shown: dict[str, str] = {}
    for one, cell, finding in listed:
        runtime, entry = cell.column.runtime, read[one.probe, cell.column.runtime]
        new = [process for process in entry.processes if process.evidence.id not in shown]
        recorded = seen(site.recorded.get((one.probe, runtime), ()), told=finding.message)
        parts = (_told(runtime, commands.get(runtime, ""), new, recorded), more_told(entry))
        yield (
            one.probe,
            Opened(
                target=cell.target,
                runtime=runtime,
                site=name,
                own=places.own(site, finding.probe, runtime),
                finding=finding,
                text="\n".join(part for part in parts if part),
                note=str(cell.delta) if cell.difference else "the control",
                tone=cell.difference.tone if cell.difference else "",
                links=tuple(
                    (short_digest(process.evidence.id), shown[process.evidence.id])
                    for process in entry.processes
                    if process.evidence.id in shown
                ),
                problem=entry.problem,
            ),
        )
        shown |= {process.evidence.id: cell.target for process in new}


def _told(runtime: str, client: str, processes: Sequence[Process], recorded: Sequence[str]) -> str:
    """Tell what ran inside, then what the verifier saw and started on the host."""
    inside = [process for process in processes if in_runtime(process.evidence, client)]
    on_host = [process for process in processes if not in_runtime(process.evidence, client)]
    here = "as a plain job" if runtime == CONTROL else "on the host, by the verifier"
    parts = (
        processes_told(inside, lambda _: "inside, ", full=False),
        f"{here if runtime != CONTROL else 'seen by the verifier'}: {'; '.join(recorded)}"
        if recorded
        else "",
        processes_told(on_host, lambda _: f"{here if runtime == CONTROL else 'on the host'}, ", full=False),
    )
    return "\n".join(part for part in parts if part)
