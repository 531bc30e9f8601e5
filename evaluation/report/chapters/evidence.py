"""Every probe against every runtime, and each cell down to its processes."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from evaluation.decide.criteria import MeasuredCriterion
from evaluation.model import CONTROL, Finding, ProbeTexts
from evaluation.report.drilldown import Cell as Opened
from evaluation.report.drilldown import Shared, more_told, processes_told, samples_told, shared, value_told
from evaluation.report.evidence import Entry, entries
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.performance import START_UP, by_value, margin_of, ratio_figure, start_up_figure
from evaluation.report.places import Places
from evaluation.report.source import Case, SiteCase
from evaluation.report.words import BORROWED_LEGEND, LEGEND, NOT_ASKED, State, state

__all__ = ["evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One probe for one runtime."""

    target: str
    runtime: str
    state: State
    finding: Finding | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One probe with its texts, its cells and, where ratios were measured, its figure."""

    probe: str
    texts: ProbeTexts
    version: int
    cells: tuple[Cell, ...]
    figure: Markup | None
    direction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartUp:
    """One probe of start-up with its figure in seconds; its rows are in the figure's order."""

    probe: str
    texts: ProbeTexts
    figure: Markup
    rows: tuple[tuple[Finding, State], ...]


def evidence(case: Case) -> Chapter:
    """Show what was found, and let every cell be opened."""
    places = Places(case)
    rows = {site.folder: _rows(case, site, places) for site in case.measured}
    return chapter(
        "evidence",
        sites=tuple(
            (
                site.folder,
                case.title(site),
                site.runtimes,
                _start_ups(site),
                rows[site.folder],
                {
                    reason: tuple((probe, places.probe(site, probe)) for probe in probes)
                    for reason, probes in site.left_out.items()
                },
            )
            for site in case.measured
        ),
        opened=_opened(case, rows, places),
        legend=BORROWED_LEGEND if any(f.borrowed for s in case.measured for f in s.findings) else LEGEND,
        margin=case.criteria.method.indifference_margin.value,
    )


def _rows(case: Case, site: SiteCase, places: Places) -> tuple[Row, ...]:
    """Every probe but the security attempts, which have a chapter of their own."""
    attempts = {*site.attempts}
    findings = {cell: finding for cell, finding in site.cells.items() if cell[0] not in attempts}
    return tuple(_row(case, site, probe, findings, places) for probe in site.tried if probe not in attempts)


def _row(
    case: Case,
    site: SiteCase,
    probe: str,
    findings: dict[tuple[str, str], Finding],
    places: Places,
) -> Row:
    any_finding = next(finding for (name, _), finding in findings.items() if name == probe)
    criterion = next(
        (
            row
            for row in case.criteria.criteria.values()
            if row.probe == probe and isinstance(row, MeasuredCriterion)
        ),
        None,
    )
    cells = tuple(
        _cell(site, places.cell(site, probe, runtime), runtime, findings.get((probe, runtime)))
        for runtime in site.runtimes
    )
    return Row(
        probe=probe,
        texts=any_finding.texts,
        version=any_finding.probe_version,
        cells=cells,
        figure=_figure(case, site.folder, probe, cells),
        direction=""
        if criterion is None
        else f"{'lower' if criterion.direction == 'minimise' else 'higher'} is better",
    )


def _cell(site: SiteCase, target: str, runtime: str, finding: Finding | None) -> Cell:
    return Cell(
        target=target,
        runtime=runtime,
        state=state(finding) if finding or runtime in site.ranked else NOT_ASKED,
        finding=finding,
    )


def _opened(
    case: Case, rows: dict[str, tuple[Row, ...]], places: Places
) -> tuple[tuple[str, ProbeTexts, tuple[Shared, ...]], ...]:
    """Open every cell, probe by probe, the sites together."""
    several = len(case.measured) > 1
    found: dict[str, list[Opened]] = {}
    texts: dict[str, ProbeTexts] = {}
    for site in case.measured:
        here = [(row, cell, cell.finding) for row in rows[site.folder] for cell in row.cells if cell.finding]
        read = entries(site, [finding for _, _, finding in here], sites=len(case.measured))
        for row, cell, finding in here:
            entry = read[finding.probe, finding.runtime]
            texts[row.probe] = row.texts
            found.setdefault(row.probe, []).append(
                Opened(
                    target=cell.target,
                    runtime=cell.runtime,
                    site=case.title(site) if several else "",
                    own=places.own(site, finding.probe, cell.runtime),
                    finding=finding,
                    text=_told(site, finding, entry),
                    problem=entry.problem,
                )
            )
    return tuple((probe, texts[probe], shared(cells)) for probe, cells in found.items())


def _told(site: SiteCase, finding: Finding, entry: Entry) -> str:
    host = site.cells.get((finding.probe, CONTROL))
    parts = (
        value_told(finding),
        processes_told(entry.processes, lambda _: "", full=True),
        samples_told(finding, host.samples if host and host is not finding else ()),
        more_told(entry),
    )
    return "\n".join(part for part in parts if part)


def _figure(case: Case, folder: str, probe: str, cells: tuple[Cell, ...]) -> Markup | None:
    shown = [cell.finding for cell in cells if cell.runtime != CONTROL and cell.finding]
    margin = margin_of(case.criteria, probe)
    return ratio_figure(anchor("ratio", folder, probe), probe, shown, margin=margin)


def _start_ups(site: SiteCase) -> tuple[StartUp, ...]:
    cells = site.cells
    drawn = []
    for probe in START_UP:
        found = [cells[probe, runtime] for runtime in site.runtimes if (probe, runtime) in cells]
        figure = start_up_figure(anchor("value", site.folder, probe), probe, found) if found else None
        if figure:
            rows = tuple((finding, state(finding)) for finding in by_value(found))
            drawn.append(StartUp(probe=probe, texts=found[0].texts, figure=figure, rows=rows))
    return tuple(drawn)
