"""Levels in their order: how far each runtime may go is learnt, and an interrupted sweep goes on."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from evaluation.measure.crowdnotes import Notes
from evaluation.measure.launcher import now
from evaluation.measure.levels import Kind, Level, Pace
from evaluation.measure.measurement import arms_of
from evaluation.measure.progress import Progress
from evaluation.measure.session import Arm
from evaluation.model import CONTROL_AGAIN, DEFAULT_IMAGE, Observation
from evaluation.store import Manifest, Run

__all__ = ["Climb"]

VERSION: Final = 1
_MOST_S: Final = 8.0
_STEADY_SHARE: Final = 0.8
_OVERHEAD: Final = 1.5
"""A level takes so many times as long: the last containers have to end, and are looked for."""


@dataclass(slots=True, kw_only=True)
class Climb(ABC):
    """Takes the levels of one run, wherever that is.

    Parameters
    ----------
    run_of : Run
        Where the levels are kept.
    probes : sequence of str
        Of `PROBES`.
    pace : Pace
        How far, how often, for how long.
    """

    run_of: Run
    probes: Sequence[str]
    pace: Pace
    _highest: dict[tuple[str, str], int] = field(default_factory=dict)
    _why: dict[tuple[str, str], str] = field(default_factory=dict)
    _each_bytes: dict[tuple[str, str], float] = field(default_factory=dict)

    @abstractmethod
    def _plan(self, runtimes: Sequence[str]) -> Iterator[Level]:
        """Give all levels, in their order."""

    @abstractmethod
    def _take(self, level: Level, arm: Arm) -> None:
        """Take one level and keep it, where it may be taken."""

    @abstractmethod
    def _clear(self, arms: Sequence[Arm]) -> None:
        """Remove what sweeps that were killed have left."""

    def run(self) -> str:
        """Take every level that is not there yet; say in a sentence how it ended."""
        arms = {arm.id: arm for arm in self._arms()}
        self._clear(list(arms.values()))
        levels = list(self._plan(list(arms)))
        self._recall()
        done = self.run_of.turns_done()
        progress = Progress("sweep", len(levels), sum(level.turn.key in done for level in levels))
        began, left_out = time.monotonic(), 0
        for level in levels:
            if level.turn.key in done:
                continue
            if self._spent(time.monotonic() - began, level):
                left_out += 1
                continue
            progress.step(f"{level.runtime} · {level.width} at once · {level.kind}")
            self._take(level, arms[level.runtime])
        why = (
            f"the time given, {self.pace.budget_s:.0f} s, was spent before {left_out} levels"
            if left_out
            else ""
        )
        progress.end(why and f", {why}")
        return (why or "every level was taken") + "".join(
            f"; {runtime} stopped at {self._highest.get((probe, runtime), 0)}: {why}"
            for (probe, runtime), why in sorted(self._why.items())
        )

    @property
    def _level_s(self) -> float:
        """For how long containers are started in one level: of little time, all levels get some."""
        if not self.pace.budget_s:
            return _MOST_S
        count = sum(1 for _ in self._plan([arm.id for arm in self._arms()]))
        return min(_MOST_S, self.pace.budget_s / (_OVERHEAD * count))

    def _spent(self, spent_s: float, level: Level) -> bool:
        """Whether there is no time left for a level; of the time given some is kept for the cold bursts."""
        share = 1.0 if level.kind is Kind.COLD_BURST else _STEADY_SHARE
        return (
            bool(self.pace.budget_s) and level.kind is not Kind.CLIMB and spent_s > share * self.pace.budget_s
        )

    @property
    def _manifest(self) -> Manifest:
        return self.run_of.manifest

    def _arms(self) -> Iterator[Arm]:
        timed = {facts.id for facts in self._manifest.runtimes if facts.present and facts.timed}
        for arm in arms_of(self._manifest, DEFAULT_IMAGE):
            if arm.id in timed and arm.id != CONTROL_AGAIN and arm.reference and not arm.problem:
                yield arm

    def _recall(self) -> None:
        """Find out from an interrupted sweep how far each runtime may go."""
        found: dict[tuple[str, str, int, int], dict[str, object]] = {}
        for item in self.run_of.observations():
            if item.name in {"kind", "width", "stopped", "memory_used"}:
                key = item.probe, item.runtime, item.block, item.order
                found.setdefault(key, {})[item.name] = item.value
        for (probe, runtime, _, _), told in found.items():
            width, stopped, used = told.get("width"), told.get("stopped"), told.get("memory_used")
            if isinstance(width, int) and told.get("kind") == Kind.CLIMB:
                memory = used if isinstance(used, int) else 0
                self._learn(probe, runtime, width, str(stopped or ""), memory)

    def _learn(self, probe: str, runtime: str, width: int, stopped: str, memory_bytes: int) -> None:
        cell = probe, runtime
        if stopped:
            self._why.setdefault(cell, stopped)
            return
        self._highest[cell] = max(width, self._highest.get(cell, 0))
        # The least of all levels: what others on this host took meanwhile only adds to it.
        self._each_bytes[cell] = min(memory_bytes / width, self._each_bytes.get(cell, math.inf))

    def _width(self, level: Level) -> int:
        """At how many at once to take a level: where its runtime's climb ended before, a burst is smaller.

        0 where it is not to be taken at all.
        """
        cell = level.probe, level.runtime
        highest = self._highest.get(cell, 0)
        if cell not in self._why or level.width <= highest:
            return level.width
        return highest if level.kind.bursts else 0

    def _note(self, level: Level, arm: Arm, notes: Notes) -> None:
        """Keep one level for good."""
        observations, evidence = notes.written(self._first(level, arm))
        took_s = notes.taken.span_s if notes.taken else 0.0
        self.run_of.append(level.turn, observations, evidence, took_s=took_s)

    def _first(self, level: Level, arm: Arm) -> Observation:
        """Give the first observation of a level; all others are like it."""
        return Observation(
            probe=level.probe,
            probe_version=VERSION,
            runtime=level.runtime,
            block=level.repeat,
            order=level.place,
            name="kind",
            value=str(level.kind),
            unit="",
            repetition=0,
            warm_up=level.kind is Kind.CLIMB,
            evidence=(),
            image_digest=arm.image_digest,
            observed_at=now(),
        )
