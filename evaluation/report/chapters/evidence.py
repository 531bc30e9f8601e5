"""Chapter 4: every probe against every runtime, and each cell down to its processes."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from evaluation.decide.criteria import MeasuredCriterion
from evaluation.model import CONTROL, Finding, Outcome, ProbeTexts
from evaluation.report.evidence import Entry, entries
from evaluation.report.figures import RatioRow, ratio_plot, sample_strip
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.source import Case, SiteCase
from evaluation.report.words import LEGEND, State, state
from evaluation.units import ratio, ratio_between

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


def evidence(case: Case) -> Chapter:
    """Show what was found, and let every cell be opened."""
    return chapter(
        "evidence",
        sites=tuple(
            (site.folder, case.title(site), site.runtimes, _rows(case, site)) for site in case.measured
        ),
        legend=LEGEND,
        margin=case.criteria.method.indifference_margin.value,
    )


def _rows(case: Case, site: SiteCase) -> tuple[Row, ...]:
    findings = site.cells
    opened = entries(site, findings.values())
    return tuple(_row(case, site, probe, findings, opened) for probe in site.probes)


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
        _cell(site.folder, probe, runtime, findings.get((probe, runtime)), opened)
        for runtime in site.runtimes
    )
    return Row(
        probe=probe,
        texts=any_finding.texts,
        version=any_finding.probe_version,
        cells=cells,
        figure=_figure(case, site.folder, probe, any_finding.texts, cells),
        direction=""
        if criterion is None
        else f"{'lower' if criterion.direction == 'minimise' else 'higher'} is better",
    )


def _cell(
    folder: str,
    probe: str,
    runtime: str,
    finding: Finding | None,
    opened: dict[tuple[str, str], Entry],
) -> Cell:
    target = anchor("evidence", folder, probe, runtime)
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
        state=state(finding),
        finding=finding,
        entry=opened.get((probe, runtime)),
        strip=strip,
    )


def _figure(case: Case, folder: str, probe: str, texts: ProbeTexts, cells: tuple[Cell, ...]) -> Markup | None:
    shown = [cell for cell in cells if cell.runtime != CONTROL and cell.finding]
    rows = []
    for cell in shown:
        found = cell.finding.ratio if cell.finding and cell.finding.outcome is Outcome.MEASURED else None
        note = (
            f"{ratio(found.estimate)} ({ratio_between(found)}) {cell.state.word}"
            if found
            else cell.state.word
        )
        rows.append(RatioRow(label=cell.runtime, note=note, tone=cell.state.tone, ratio=found))
    if not any(row.ratio for row in rows):
        return None
    names = [name for name, row in case.criteria.criteria.items() if row.probe == probe]
    margin = case.criteria.margin(names[0]) if names else case.criteria.method.indifference_margin.value
    return ratio_plot(
        anchor("ratio", folder, probe),
        f"{probe}: ratio of {texts.unit or 'value'} to the bare host",
        rows,
        margin=margin,
    )
