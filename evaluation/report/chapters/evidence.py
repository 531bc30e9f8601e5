"""Chapter 5: every probe against every runtime, and each cell down to its processes."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from evaluation.decide.criteria import MeasuredCriterion
from evaluation.model import CONTROL, Finding, ProbeTexts
from evaluation.report.evidence import Entry, entries
from evaluation.report.figures import sample_strip
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.performance import START_UP, by_value, margin_of, ratio_figure, start_up_figure
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
    entry: Entry | None
    strip: Markup | None


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
    return chapter(
        "evidence",
        sites=tuple(
            (site.folder, case.title(site), site.runtimes, _start_ups(site), _rows(case, site), site.left_out)
            for site in case.measured
        ),
        legend=BORROWED_LEGEND if any(f.borrowed for s in case.measured for f in s.findings) else LEGEND,
        margin=case.criteria.method.indifference_margin.value,
    )


def _rows(case: Case, site: SiteCase) -> tuple[Row, ...]:
    """Every probe but the security attempts, which have a chapter of their own."""
    attempts = {*site.attempts}
    findings = {cell: finding for cell, finding in site.cells.items() if cell[0] not in attempts}
    opened = entries(site, findings.values())
    return tuple(_row(case, site, probe, findings, opened) for probe in site.tried if probe not in attempts)


def _row(
    case: Case,
    site: SiteCase,
    probe: str,
    findings: dict[tuple[str, str], Finding],
    opened: dict[tuple[str, str], Entry],
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
        _cell(site, probe, runtime, findings.get((probe, runtime)), opened) for runtime in site.runtimes
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


def _cell(
    site: SiteCase,
    probe: str,
    runtime: str,
    finding: Finding | None,
    opened: dict[tuple[str, str], Entry],
) -> Cell:
    target = anchor("evidence", site.folder, probe, runtime)
    strip = None
    if finding is not None and finding.samples:
        strip = sample_strip(
            f"{target}-strip",
            f"Samples of {runtime} above, of the bare host below",
            finding.samples,
            finding.control,
        )
    return Cell(
        target=target,
        runtime=runtime,
        state=state(finding) if finding or runtime in site.ranked else NOT_ASKED,
        finding=finding,
        entry=opened.get((probe, runtime)),
        strip=strip,
    )


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
