"""Chapter 10: the security attempts, held against what a plain job on the bare host can do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from evaluation.imported import CANNOT_FAIL, SOURCE, Imported
from evaluation.model import CONTROL, Delta, Finding, Outcome, ProbeTexts, Severity
from evaluation.report.chapters.supply import Supply, supply
from evaluation.report.checklist import AREAS, FURTHER, area
from evaluation.report.evidence import Entry, Process, entries
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.sides import in_runtime, seen
from evaluation.report.source import Case, SiteCase
from evaluation.report.words import DIFFERENCES, SEVERITIES, VERDICTS, State, delta_state, state

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
        return (self.finding and self.finding.delta) or Delta.UNKNOWN


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
class Transcript:
    """Both sides of one cell. A process that another cell shows already is named in ``elsewhere``."""

    cell: Cell
    entry: Entry
    inside: tuple[Process, ...]
    on_host: tuple[Process, ...]
    seen: tuple[str, ...]
    elsewhere: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One site's part of the chapter.

    ``without`` are runtimes in which nothing was attempted, ``left_out`` attempts that were made nowhere:
    each with the reason.
    """

    folder: str
    title: str
    columns: tuple[Column, ...]
    without: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, tuple[str, ...]], ...]
    areas: tuple[tuple[str, tuple[Attempt, ...]], ...]
    summaries: tuple[Summary, ...]
    transcripts: dict[str, tuple[Transcript, ...]]
    supply: Supply
    imported: tuple[Imported, ...]


def security(case: Case) -> Chapter:
    """Show what each runtime adds to, and takes away from, what the bare host allows."""
    return chapter(
        "security",
        views=tuple(_view(case, site) for site in case.measured),
        legend=DIFFERENCES,
        verdicts=VERDICTS,
        severities=SEVERITIES,
        filtered=FILTERED,
        cannot_fail=CANNOT_FAIL,
        cannot_fail_source=SOURCE,
    )


def _view(case: Case, site: SiteCase) -> View:
    columns, without = _columns(site)
    every = (_attempt(site, probe, columns) for probe in site.attempts)
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
        transcripts=_transcripts(site, placed),
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
    return columns, tuple(
        (runtime, reasons.get(runtime, "no reason was recorded"))
        for runtime in site.runtimes
        if runtime not in shown
    )


def _attempt(site: SiteCase, probe: str, columns: Iterable[Column]) -> Attempt:
    texts = next(finding.texts for finding in site.findings if finding.probe == probe)
    label, found = f"{texts.checklist_id} {probe.replace('_', ' ')}", site.cells
    cells = tuple(_cell(site, found, probe, column, label) for column in columns)
    return Attempt(
        probe=probe,
        target=anchor("attempt", site.folder, probe),
        texts=texts,
        cells=cells,
        changed=any(cell.delta in {Delta.ADDED, Delta.TAKEN_AWAY} for cell in cells if not cell.column.apart),
    )


def _cell(
    site: SiteCase, cells: dict[tuple[str, str], Finding], probe: str, column: Column, label: str
) -> Cell:
    finding = cells.get((probe, column.runtime))
    return Cell(
        column=column,
        target=anchor("evidence", site.folder, probe, column.runtime),
        label=label,
        state=state(finding),
        finding=finding,
    )


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


def _transcripts(site: SiteCase, attempts: Iterable[Attempt]) -> dict[str, tuple[Transcript, ...]]:
    """Open every cell; each process is shown once, in the first cell that rests on it."""
    listed = [(one, cell, cell.finding) for one in attempts for cell in one.cells]
    opened = entries(site, [finding for _, _, finding in listed if finding], whole=True)
    commands = {facts.id: facts.command for facts in site.manifest.runtimes}
    shown: dict[str, str] = {}
    made: dict[str, list[Transcript]] = {}
    for one, cell, finding in listed:
        if finding is None:
            continue
        entry = opened[one.probe, cell.column.runtime]
        new = [process for process in entry.processes if process.evidence.id not in shown]
        elsewhere = tuple(
            (process.evidence.id, shown[process.evidence.id])
            for process in entry.processes
            if process.evidence.id in shown
        )
        shown |= {process.evidence.id: cell.target for process in new}
        command = commands.get(cell.column.runtime, "")
        made.setdefault(one.probe, []).append(
            Transcript(
                cell=cell,
                entry=entry,
                inside=tuple(process for process in new if in_runtime(process.evidence, command)),
                on_host=tuple(process for process in new if not in_runtime(process.evidence, command)),
                seen=seen(site.recorded.get((one.probe, cell.column.runtime), ()), told=finding.message),
                elsewhere=elsewhere,
            )
        )
    return {probe: tuple(found) for probe, found in made.items()}
