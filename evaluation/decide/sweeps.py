"""What a sweep has found: levels with their throughput and waiting times, failures, and how far one may go.

Read from the raw rows of a run, one for each container; nothing is averaged before it is here.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from evaluation.decide.scalability import LEAST_WIDTHS, Fit, fit
from evaluation.errors import EvaluationError
from evaluation.manifest import Manifest
from evaluation.model import ACROSS, CONTROL, SWEEP, Observation
from evaluation.store import Run

__all__ = ["CLIMB", "STEADY", "Cell", "Node", "Sweep", "Swept", "Taken", "read_sweep", "sweeps_of"]

CLIMB: Final = "climb"
STEADY: Final = "steady"
BURST: Final = "burst"
COLD_BURST: Final = "cold burst"
CONFIDENCE: Final = 0.95
_SHARES: Final = (0.5, 0.95, 0.99)
_ENOUGH_FOR: Final = {0.5: 3, 0.95: 20, 0.99: 100}
"""Of how many values a quantile is one of them, and not the largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node's share of a level that was spread over nodes; times in seconds.

    ``handed_over_s`` is from handing its task to the submission layer until it began; ``bound_s`` by how much
    its times may be off on the submitter's clock.
    """

    name: str
    width: int
    handed_over_s: float
    clock: str
    bound_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One level as it was taken, of one runtime; times in seconds.

    ``waits`` are from the submission to the end of each container that went well, ``starts`` to its first
    instruction. ``failed`` counts by cause. ``launched`` is the number of all, and every one of them is
    either in ``waits`` or in ``failed``.
    """

    probe: str
    runtime: str
    kind: str
    width: int
    repeat: int
    launched: int = 0
    span_s: float = 0.0
    waits: tuple[float, ...] = ()
    starts: tuple[float, ...] = ()
    outputs: tuple[float, ...] = ()
    failed: Counter[str] = field(default_factory=Counter)
    memory_bytes: int | None = None
    busy_s: float | None = None
    engine_cpu_s: float | None = None
    left: tuple[str, ...] = ()
    stopped: str = ""
    not_cold: str = ""
    nodes: tuple[Node, ...] = ()

    @property
    def throughput(self) -> float:
        """Containers that went well, per second."""
        return len(self.waits) / self.span_s if self.span_s else 0.0


@dataclass(frozen=True, kw_only=True)
class Cell:
    """All that was taken of one runtime at one width, the climb left out where there is anything else."""

    width: int
    taken: tuple[Taken, ...]

    @cached_property
    def throughputs(self) -> tuple[float, ...]:
        """Containers per second, of each repeat."""
        return tuple(each.throughput for each in self.taken)

    @property
    def throughput(self) -> float:
        """Their median."""
        return float(np.median(self.throughputs))

    @property
    def launched(self) -> int:
        """How many containers there were."""
        return sum(each.launched for each in self.taken)

    @property
    def failed(self) -> Counter[str]:
        """How many of them failed, by cause."""
        return sum((each.failed for each in self.taken), Counter())

    @property
    def cpu_each_s(self) -> float | None:
        """Seconds of processor time that the whole host worked for each, if every level tells it."""
        return self._each([each.busy_s for each in self.taken])

    @property
    def engine_each_s(self) -> float | None:
        """Seconds of processor time that the engine's daemons worked for each, if every level tells it."""
        return self._each([each.engine_cpu_s for each in self.taken])

    @property
    def memory_bytes(self) -> int | None:
        """By how much the host's available memory fell at most, if every level tells it."""
        known = [each.memory_bytes for each in self.taken if each.memory_bytes is not None]
        return max(known) if len(known) == len(self.taken) else None

    def _each(self, seconds: Sequence[float | None]) -> float | None:
        known = [each for each in seconds if each is not None]
        return sum(known) / max(1, self.launched) if len(known) == len(seconds) else None

    def wait_s(self, share: float) -> float | None:
        """Quantile of the seconds from submission to end; ``None`` where too few were measured for it."""
        return quantile([wait for each in self.taken for wait in each.waits], share)

    def start_s(self, share: float) -> float | None:
        """Quantile of the seconds from submission to the first instruction inside."""
        return quantile([start for each in self.taken for start in each.starts], share)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One run that started many containers at once."""

    manifest: Manifest
    folder: str
    levels: tuple[Taken, ...]
    residue: tuple[str, ...] | None

    @property
    def probes(self) -> tuple[str, ...]:
        """What the containers did."""
        return tuple(dict.fromkeys(level.probe for level in self.levels))

    @property
    def runtimes(self) -> tuple[str, ...]:
        """The runtimes that were swept, the bare host first."""
        found = {level.runtime for level in self.levels}
        listed = [facts.id for facts in self.manifest.runtimes if facts.id in found]
        return tuple(sorted(listed, key=lambda id_: id_ != CONTROL))

    @property
    def widest(self) -> int:
        """The widest level that was taken of any runtime."""
        return max((level.width for level in self.levels if level.launched), default=0)

    def cells(self, probe: str, runtime: str, kind: str = STEADY) -> tuple[Cell, ...]:
        """Give what was taken, by width; a width that only the climb has seen stands with that."""
        found: dict[int, dict[str, list[Taken]]] = defaultdict(lambda: defaultdict(list))
        for level in self.levels:
            if (level.probe, level.runtime) == (probe, runtime) and level.launched:
                found[level.width][level.kind].append(level)
        cells = []
        for width in sorted(found):
            taken = found[width].get(kind) or (found[width].get(CLIMB, []) if kind == STEADY else [])
            if taken:
                cells.append(Cell(width=width, taken=tuple(taken)))
        return tuple(cells)

    def stopped(self, probe: str, runtime: str) -> tuple[int, str] | None:
        """At which width a runtime's climb ended before its time, and why."""
        ends = [
            (level.width, level.stopped)
            for level in self.levels
            if (level.probe, level.runtime) == (probe, runtime) and level.stopped
        ]
        return min(ends, default=None)

    def failed(self, probe: str, runtime: str) -> Counter[str]:
        """All failures of a runtime, by cause."""
        return sum((level.failed for level in self._of(probe, runtime)), Counter())

    def launched(self, probe: str, runtime: str) -> int:
        """All containers of a runtime."""
        return sum(level.launched for level in self._of(probe, runtime))

    def left(self, probe: str, runtime: str) -> tuple[str, ...]:
        """What was still there some seconds after a level."""
        return tuple(dict.fromkeys(what for level in self._of(probe, runtime) for what in level.left))

    def fitted(self, probe: str, runtime: str) -> Fit | None:
        """The scalability law of a runtime; ``None`` where too few widths were measured for one."""
        points = [
            (cell.width, value)
            for cell in self.cells(probe, runtime)
            for value in cell.throughputs
            if value > 0
        ]
        if len({width for width, _ in points}) < LEAST_WIDTHS:
            return None
        widths, values = zip(*points, strict=True)
        return fit(widths, values, confidence=CONFIDENCE, seed=self.manifest.seed)

    def enough(self, probe: str, runtime: str, share: float) -> Cell | None:
        """The smallest width that gives this share of the highest rate: more at once only wait."""
        cells = self.cells(probe, runtime)
        best = max((cell.throughput for cell in cells), default=0.0)
        return next((cell for cell in cells if cell.throughput >= share * best > 0), None)

    def _of(self, probe: str, runtime: str) -> Iterator[Taken]:
        return (level for level in self.levels if (level.probe, level.runtime) == (probe, runtime))


def quantile(values: Sequence[float], share: float) -> float | None:
    """Give the value that this share does not exceed (nearest rank); ``None`` for too few values."""
    if len(values) < _ENOUGH_FOR.get(share, 1):
        return None
    return sorted(values)[math.ceil(share * len(values)) - 1]


def read_sweep(run: Run) -> Sweep:
    """Read a sweep from its run, finished or not.

    Raises
    ------
    EvaluationError
        A file of it is damaged, or what it holds is no sweep.
    """
    run.verify()
    manifest = run.manifest
    turns: dict[tuple[str, str, int, int], list[Observation]] = defaultdict(list)
    for item in run.observations():
        turns[item.probe, item.runtime, item.block, item.order].append(item)
    try:
        levels = tuple(_taken(rows) for rows in turns.values())
        sound = all(_is_level(level, manifest) for level in levels)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        sound = False
    if not sound:
        raise EvaluationError(
            "what it holds is no sweep, although its profile says so",
            where=str(run.path),
            advice="Ask who gave it to you, or remove it.",
        )
    return Sweep(
        manifest=manifest,
        folder=f"{run.path.parent.name}/{run.path.name}",
        levels=levels,
        residue=run.residue(),
    )


def _is_level(level: Taken, manifest: Manifest) -> bool:
    """Whether a level can be one: of a runtime that was there, and in figures that can be drawn."""
    times = (*level.waits, *level.starts, *level.outputs, level.span_s)
    return (
        level.runtime in {facts.id for facts in manifest.runtimes}
        and level.width > 0
        and all(math.isfinite(each) and each >= 0 for each in times)
        and (level.span_s > 0 or not level.launched)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a site's sweeps come to: one that went farthest, the newest across nodes, and what is none."""

    widest: Sweep | None = None
    across: Sweep | None = None
    passed_over: tuple[str, ...] = ()
    """A sentence for each run that cannot be read as the sweep that it says it is."""


def sweeps_of(runs: Sequence[Run], site: str) -> Swept:
    """Read all sweeps of a site; of equally wide ones the newest counts. One that is damaged costs itself."""
    found: dict[str, list[Sweep]] = {SWEEP: [], ACROSS: []}
    passed_over = []
    for run in runs:
        if run.path.parent.name == site and run.manifest.profile in found:
            try:
                sweep = read_sweep(run)
            except EvaluationError as error:
                name = f"{run.path.parent.name}/{run.path.name}"
                file = Path(error.where).name
                what = error.what if file == run.path.name else f"{file} {error.what}"
                passed_over.append(f"The run {name} was passed over: {what}.")
            else:
                found[sweep.manifest.profile] += [sweep] if sweep.levels else []
    return Swept(
        widest=max(
            found[SWEEP],
            key=lambda sweep: (
                max(level.width for level in sweep.levels),
                len({level.runtime for level in sweep.levels}),
                sweep.manifest.started_at,
            ),
            default=None,
        ),
        across=max(found[ACROSS], key=lambda sweep: sweep.manifest.started_at, default=None),
        passed_over=tuple(passed_over),
    )


def _taken(rows: Sequence[Observation]) -> Taken:
    whole = {item.name: item.value for item in rows if item.name not in _EACH}
    share: dict[int, dict[str, Any]] = defaultdict(dict)
    for item in rows:
        if item.name.startswith(_SHARE):
            share[item.repetition][item.name.removeprefix(_SHARE)] = item.value
    each: dict[int, dict[str, Observation]] = defaultdict(dict)
    for item in rows:
        if item.name in _EACH:
            each[item.repetition][item.name] = item
    well = [row for row in each.values() if "cause" not in row]

    def since(name: str) -> tuple[float, ...]:
        return tuple(
            float(row[name].value or 0) - float(row["submitted"].value or 0) for row in well if name in row
        )

    def known(name: str) -> float | None:
        value = whole.get(name)
        return float(value) if isinstance(value, int | float) else None

    memory = known("memory_used")
    first = rows[0]
    return Taken(
        probe=first.probe,
        runtime=first.runtime,
        kind=str(whole.get("kind")),
        width=int(known("width") or 0),
        repeat=first.block,
        launched=len(each),
        span_s=known("span") or 0.0,
        waits=since("ended"),
        starts=since("started"),
        outputs=since("first_output"),
        failed=Counter(str(row["cause"].value) for row in each.values() if "cause" in row),
        memory_bytes=None if memory is None else int(memory),
        busy_s=known("busy"),
        engine_cpu_s=known("engine_cpu"),
        left=tuple(str(item.value) for item in rows if item.name == "left"),
        stopped=str(whole.get("stopped") or ""),
        not_cold=str(whole.get("not_cold") or ""),
        nodes=tuple(
            Node(
                name=str(each["node"]),
                width=int(each["width"]),
                handed_over_s=float(each["handed_over"]),
                clock=str(each["clock"]),
                bound_s=float(each["clock_bound"]),
            )
            for _, each in sorted(share.items())
        ),
    )


_EACH: Final = frozenset({"submitted", "started", "first_output", "ended", "cause", "node"})
_SHARE: Final = "share_"
