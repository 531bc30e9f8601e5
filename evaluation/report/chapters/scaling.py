"""Many containers at once: how many a second, when it breaks, and what follows for a farm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from evaluation import units
from evaluation.decide.extrapolation import Calculated, calculate
from evaluation.decide.farm import Scaling
from evaluation.decide.scalability import Fit
from evaluation.decide.sweeps import BURST, COLD_BURST, Cell, Sweep
from evaluation.model import CONTROL
from evaluation.report.crowding import advice, broken, bursts, knee, left_behind
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.panels import Axes, Curve, axes_of, panel
from evaluation.report.source import Case
from evaluation.report.spreading import Spread, spread

__all__ = ["scaling"]

TITLES: Final = {
    "sweep_start": "Starting a program that ends at once",
    "sweep_import": "Starting Python and importing its library",
}
_SHARES: Final = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One runtime: what to do, what broke, and the figures of its widest level."""

    runtime: str
    advice: str
    knee: str
    broken: str
    failed: int
    launched: int
    enough: Cell | None
    widest: Cell
    waits: tuple[float | None, ...]
    cells: tuple[tuple[Cell, tuple[float | None, ...]], ...]
    bursts: tuple[float | None, float | None]
    throughput: Markup
    latency: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One probe of one sweep."""

    title: str
    lead: str
    rows: tuple[Row, ...]
    farm: tuple[tuple[Calculated, Markup], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Across:
    """One site's sweep across nodes."""

    sweep: Sweep
    rows: tuple[Spread, ...]
    remark: str
    broken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One site's sweep."""

    title: str
    site: str
    sweep: Sweep | None
    parts: tuple[Part, ...]
    not_cold: str
    residue: str
    across: Across | None
    passed_over: tuple[str, ...]


def scaling(case: Case) -> Chapter:
    """Say for every measured site what its widest sweep found."""
    return chapter(
        "scaling",
        sites=tuple(
            _swept(
                case.title(site),
                site.site,
                case.sweeps.get(site.site),
                case.scaling,
                case.across.get(site.site),
                case.passed_over.get(site.site, ()),
            )
            for site in case.measured
        ),
        scaling=case.scaling,
    )


def _swept(
    title: str,
    site: str,
    sweep: Sweep | None,
    scaling: Scaling | None,
    across: Sweep | None,
    passed_over: tuple[str, ...],
) -> Swept:
    parts = tuple(_part(sweep, probe, scaling, f"{site}-{probe}") for probe in sweep.probes) if sweep else ()
    levels = sweep.levels if sweep else ()
    return Swept(
        title=title,
        site=site,
        sweep=sweep,
        parts=parts,
        not_cold=next((level.not_cold for level in levels if level.not_cold), ""),
        residue=left_behind(sweep) if sweep else "",
        across=_across(across) if across else None,
        passed_over=passed_over,
    )


def _across(sweep: Sweep) -> Across:
    """Give a sweep across nodes: function, on a test cluster, and not how hardware scales."""
    batch = sweep.manifest.batch
    stops = {f"{each.runtime}: {each.stopped}": None for each in sweep.levels if each.stopped}
    left = {f"{each.runtime}: {what}": None for each in sweep.levels for what in each.left}
    broken = f"Stopped: {'; '.join(stops)}." if stops else "Nothing stopped it."
    return Across(
        sweep=sweep,
        rows=tuple(spread(sweep)),
        remark=batch.remark if batch else "",
        broken=f"{broken} " + (f"Left behind: {'; '.join(left)}." if left else "Nothing was left behind."),
    )


def _part(sweep: Sweep, probe: str, scaling: Scaling | None, name: str) -> Part:
    runtimes = [runtime for runtime in sweep.runtimes if sweep.cells(probe, runtime)]
    cells = {runtime: sweep.cells(probe, runtime) for runtime in runtimes}
    every = [cell for each in cells.values() for cell in each]
    rates = axes_of([(cell.width, value) for cell in every for value in cell.throughputs if value], "1/s")
    waits = axes_of(
        [(cell.width, wait) for cell in every for share in _SHARES if (wait := cell.wait_s(share))], "s"
    )
    share = scaling.enough.share if scaling else 0.95
    rows = tuple(
        _row(sweep, probe, runtime, cells[runtime], (rates, waits), share, anchor(name, runtime))
        for runtime in runtimes
    )
    return Part(
        title=TITLES.get(probe, probe),
        lead=_lead(sweep, rows),
        rows=rows,
        farm=tuple(_farm(sweep, probe, scaling, name)) if scaling else (),
    )


def _lead(sweep: Sweep, rows: Sequence[Row]) -> str:
    """One sentence a batch manager can act on: the limit for each runtime, and what nothing broke."""
    limits = [
        f"{row.runtime} {row.enough.width}" + (" (or more, not tried)" if row.enough is row.widest else "")
        for row in rows
        if row.enough and row.runtime != CONTROL
    ]
    if not limits:
        return "No container runtime was swept."
    return (
        f"Let a node like this one ({units.count(sweep.manifest.host.cores, 'core')}) start so many at once: "
        f"{', '.join(limits)}. Beyond that no more are started in a second, they only wait longer."
    )


def _row(
    sweep: Sweep,
    probe: str,
    runtime: str,
    cells: Sequence[Cell],
    axes: tuple[Axes, Axes],
    share: float,
    name: str,
) -> Row:
    found = sweep.fitted(probe, runtime)
    quantiles = {cell.width: tuple(cell.wait_s(each) for each in _SHARES) for cell in cells}
    spans = bursts(sweep, probe, runtime)
    said = knee(found)
    return Row(
        runtime=runtime,
        advice=advice(sweep, probe, runtime, share),
        knee=said,
        broken=broken(sweep, probe, runtime),
        failed=sweep.failed(probe, runtime).total(),
        launched=sweep.launched(probe, runtime),
        enough=sweep.enough(probe, runtime, share),
        widest=cells[-1],
        waits=quantiles[cells[-1].width],
        cells=tuple((cell, quantiles[cell.width]) for cell in cells),
        bursts=(spans.get(BURST), spans.get(COLD_BURST)),
        throughput=_throughput(f"rate-{name}", runtime, cells, found, axes[0], said),
        latency=_latency(f"wait-{name}", runtime, cells, quantiles, axes[1]),
    )


def _throughput(
    name: str, runtime: str, cells: Sequence[Cell], found: Fit | None, axes: Axes, said: str
) -> Markup:
    curves = [Curve(css="fit", points=tuple((n, x) for n, x, _, _ in found.curve))] if found else []
    within = found is not None and found.reached
    words = "; ".join(f"{cell.width} at once: {units.decimal(cell.throughput)} per second" for cell in cells)
    return panel(
        name,
        f"{runtime}: containers per second",
        axes,
        f"{words}. {said}",
        across="containers at once",
        curves=curves,
        dots=[(cell.width, value) for cell in cells for value in cell.throughputs if value],
        ribbon=[(n, low, high) for n, _, low, high in found.curve] if found else (),
        marks=[("knee", found.law.knee)] if found and within else (),
    )


def _latency(
    name: str,
    runtime: str,
    cells: Sequence[Cell],
    quantiles: dict[int, tuple[float | None, ...]],
    axes: Axes,
) -> Markup:
    lines = [
        Curve(
            css=css,
            points=tuple((cell.width, wait) for cell in cells if (wait := quantiles[cell.width][index])),
        )
        for index, css in enumerate(("p50", "p95", "p99"))
    ]
    words = "; ".join(
        f"{cell.width} at once: "
        + ", ".join(units.quantity(wait, "s") for wait in quantiles[cell.width] if wait is not None)
        for cell in cells
    )
    return panel(
        name,
        f"{runtime}: seconds from submission to end (50, 95 and 99 %)",
        axes,
        words,
        across="containers at once",
        curves=lines,
    )


def _farm(sweep: Sweep, probe: str, scaling: Scaling, name: str) -> Iterator[tuple[Calculated, Markup]]:
    found = list(calculate(sweep, scaling.farm, probe))
    points = [(count, seconds) for each in found for _, curve in each.curves for count, seconds in curve]
    if not points:
        return
    axes = axes_of([(float(count), seconds) for count, seconds in points], "s")
    for each in found:
        words = "; ".join(
            f"image on {share:.0%} of the nodes: "
            + ", ".join(f"{count} nodes {units.quantity(seconds, 's')}" for count, seconds in curve)
            for share, curve in each.curves
        )
        curves = [
            Curve(css=f"calculated c{index}", points=tuple((float(n), s) for n, s in curve))
            for index, (_, curve) in enumerate(each.curves)
        ]
        yield (
            each,
            panel(
                anchor("farm", name, each.runtime),
                f"{each.runtime}: calculated seconds until all have started",
                axes,
                words,
                across="nodes (calculated)",
                curves=curves,
            ),
        )
