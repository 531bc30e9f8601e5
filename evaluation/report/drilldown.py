"""The cells of a matrix, opened: what alike cells have in common is said once, then each has its transcript.

All sites stand together, probe by probe. Where a page would be too large they are packed
(`evaluation.report.packing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from evaluation import units
from evaluation.model import Evidence, Finding
from evaluation.report.evidence import Entry, Process
from evaluation.report.text import Excerpt, command, exit_words, visible
from evaluation.report.words import State, state

__all__ = ["Cell", "Shared", "more_told", "processes_told", "samples_told", "shared", "value_told"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell, opened: ``site`` is empty where there is only one. A ``problem`` is that of its evidence.

    ``own`` is the place of this cell in a shared one, if it has one. ``links`` are the processes that another
    cell shows. ``note`` with its ``tone`` stands beside the state.
    """

    target: str
    runtime: str
    finding: Finding
    text: str
    site: str = ""
    own: str = ""
    note: str = ""
    tone: str = ""
    links: tuple[tuple[str, str], ...] = ()
    problem: str = ""

    @property
    def name(self) -> str:
        """The runtime, and the site where there are several."""
        return f"{self.runtime} at {self.site}" if self.site else self.runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Cells of one probe that came to the same: the same state, in the same words."""

    cells: tuple[Cell, ...]

    @property
    def first(self) -> Cell:
        """Any one of them; what they have in common is taken from it."""
        return self.cells[0]

    @property
    def own(self) -> tuple[str, ...]:
        """The places of cells that share that of the first."""
        return tuple(cell.own for cell in self.cells if cell.own and cell.own != self.first.target)

    @property
    def state(self) -> State:
        """How they are shown."""
        return state(self.first.finding)

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Names of the runtimes, each time with the sites at which just these came to the same."""
        runtimes: dict[str, list[str]] = {}
        for cell in self.cells:
            runtimes.setdefault(cell.site, []).append(cell.runtime)
        listed: dict[str, list[str]] = {}
        for site, names in runtimes.items():
            listed.setdefault(", ".join(names), []).append(site)
        return tuple((names, ", ".join(sites)) for names, sites in listed.items())

    @property
    def text(self) -> str:
        """The transcripts, one after the other, each under its name."""
        return "\n\n".join(f"{cell.name}: {cell.text}" for cell in self.cells if cell.text)


def shared(cells: Iterable[Cell]) -> tuple[Shared, ...]:
    """Put cells of one probe together that have the same place, in the order of the first of each."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.target, []).append(cell)
    return tuple(Shared(cells=tuple(found)) for found in groups.values())


def processes_told(processes: Sequence[Process], where: Callable[[Evidence], str], *, full: bool) -> str:
    """Tell processes: how each ended, its command and what it printed.

    Parameters
    ----------
    processes : sequence of Process
        In the order in which they are told.
    where : callable
        Names the side on which a process ran, with what stands between it and how it ended.
    full : bool
        Whether its start, folder and costs are told too.
    """
    return "\n".join(line for process in processes for line in _told(process, where, full=full))


def _told(process: Process, where: Callable[[Evidence], str], *, full: bool) -> list[str]:
    e = process.evidence
    ended = exit_words(e.exit_status, timed_out=e.timed_out)
    first = (
        f"{where(e)}{ended} after {units.quantity(e.duration_s, 's')}, evidence {units.short_digest(e.id)}"
    )
    lines = [first]
    if full:
        costs = [
            f"{name} {units.quantity(value, unit)}"
            for name, value, unit in (("CPU", e.cpu_s, "s"), ("peak memory", e.max_rss_bytes, "B"))
            if value is not None
        ]
        lines.append("; ".join([f"started {units.moment(e.started_at)}", *costs]))
    if e.survivors:
        lines.append(f"left behind: {visible('; '.join(e.survivors))}")
    lines.append(f"$ {command(e.argv)}")
    for name, output, digest, size in (
        ("stdout", process.stdout, e.stdout, e.stdout_bytes),
        ("stderr", process.stderr, e.stderr, e.stderr_bytes),
    ):
        if size:
            lines += _printed(name, output, digest, size, titled=full or name == "stderr")
    return lines


def _printed(name: str, output: Excerpt, digest: str, size: int, *, titled: bool) -> list[str]:
    title = [f"{name}, {units.quantity(size, 'B')}:"] if titled else []
    if not output.omitted:
        return [*title, output.head.rstrip("\n")]
    left = (
        f"… {output.omitted:,} of {size:,} bytes of {name} left out, SHA-256 {units.short_digest(digest)} …"
    )
    return [*title, output.head, left, output.tail.rstrip("\n")]


def value_told(finding: Finding) -> str:
    """Tell what was measured, with its interval, and as times the bare host."""
    parts = []
    if finding.value:
        unit = finding.texts.unit
        parts.append(f"{units.quantity(finding.value.estimate, unit)} ({units.between(finding.value, unit)})")
    if finding.ratio:
        parts.append(
            f"{units.ratio(finding.ratio.estimate)} the bare host ({units.ratio_between(finding.ratio)})"
        )
    return ", ".join(parts)


def samples_told(finding: Finding, host: Sequence[float]) -> str:
    """List a cell's samples; those of the bare host beside them, unless its own cell has the same ones."""
    if not finding.samples:
        return ""
    unit = finding.texts.unit or "no unit"
    words = f"{units.count(len(finding.samples), 'sample')}, one per block, in {unit}"
    if not finding.control or tuple(finding.control) == tuple(host):
        if finding.control:
            words += " (the bare host's are in its own cell)"
        return f"{words}: " + ", ".join(f"{value:.4g}" for value in finding.samples)
    pairs = zip(finding.samples, finding.control, strict=True)
    words += "; in brackets the bare host in the same block"
    return f"{words}: " + ", ".join(f"{value:.4g} ({control:.4g})" for value, control in pairs)


def more_told(entry: Entry) -> str:
    """Count the processes that are in the results only."""
    if entry.more:
        return f"{units.count(entry.more, 'further process', 'further processes')} in the results"
    return "" if entry.processes else "No process was started for this cell."
