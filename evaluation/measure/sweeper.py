"""Many containers at once: 1, 2, 4 ... of them, runtimes interleaved, until the host says stop.

A *level* is one runtime at one width: so many containers, one started as soon as another ends, as a batch
system fills its slots. First every runtime climbs, level by level, all of them in turn; the first distress of
the host ends a runtime's climb, and no wider level of it is tried. Then the levels that went well are taken
again in random order, and last comes the burst: all at once, with the image in memory and with nothing of it
there. The order follows from the run's seed; a level is a turn of the run, so a sweep that was interrupted
goes on where it was.
"""

from __future__ import annotations

import math
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from evaluation.measure.ceilings import ceiling, floor_bytes
from evaluation.measure.crowd import Crowd, Limits
from evaluation.measure.crowdnotes import Notes
from evaluation.measure.launcher import Command, now
from evaluation.measure.levels import PROBES, Kind, Level, Pace, plan
from evaluation.measure.measurement import Measurement
from evaluation.measure.progress import Progress
from evaluation.measure.session import Arm
from evaluation.measure.sweephost import NAMES, drop_caches, engine_cpu_s, remove_abandoned
from evaluation.model import CONTROL_AGAIN, DEFAULT_IMAGE, PAYLOAD, Bind, Observation, Task
from evaluation.payload.build import IMPORT_STORM, PROBE
from evaluation.store import Run

__all__ = ["Sweep"]

VERSION: Final = 1
_LEAST: Final = 32
_MOST: Final = 128
_ROUNDS: Final = 3
_LEAST_S: Final = 0.5
_MOST_S: Final = 8.0
_TIMEOUT_S: Final = 60.0
_PRESSURE: Final = 0.1
_FAILED_SHARE: Final = 0.1
_LEAST_FAILURES: Final = 3
_STEADY_SHARE: Final = 0.8
_OVERHEAD: Final = 1.5
"""A level takes so many times as long: the last containers have to end, and are looked for."""


@dataclass(slots=True)
class Sweep:
    """Takes the levels of one run.

    Parameters
    ----------
    measurement : Measurement
        An open run: its runtimes, and their forms of the image.
    run_of : Run
        Where the levels are kept.
    crowd : Crowd
        Starts the containers.
    probes : sequence of str
        Of `PROBES`.
    pace : Pace
        How far, how often, for how long.
    """

    measurement: Measurement
    run_of: Run
    crowd: Crowd
    probes: Sequence[str]
    pace: Pace
    _highest: dict[tuple[str, str], int] = field(default_factory=dict)
    _why: dict[tuple[str, str], str] = field(default_factory=dict)
    _each_bytes: dict[tuple[str, str], float] = field(default_factory=dict)

    def run(self) -> str:
        """Take every level that is not there yet; say in a sentence how it ended."""
        arms = {arm.id: arm for arm in self._arms()}
        for arm in arms.values():
            remove_abandoned(self.crowd, arm.runtime)
        levels = list(plan(self.probes, list(arms), self.pace.most, self.pace.repeats, self._seed))
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
        count = sum(
            1
            for _ in plan(self.probes, [arm.id for arm in self._arms()], self.pace.most, self.pace.repeats, 0)
        )
        return min(_MOST_S, self.pace.budget_s / (_OVERHEAD * count))

    def _spent(self, spent_s: float, level: Level) -> bool:
        """Whether there is no time left for a level; of the time given some is kept for the cold bursts."""
        share = 1.0 if level.kind is Kind.COLD_BURST else _STEADY_SHARE
        return (
            bool(self.pace.budget_s) and level.kind is not Kind.CLIMB and spent_s > share * self.pace.budget_s
        )

    @property
    def _seed(self) -> int:
        return self.run_of.manifest.seed

    def _arms(self) -> Iterator[Arm]:
        timed = {facts.id for facts in self.measurement.manifest.runtimes if facts.present and facts.timed}
        for arm in self.measurement.arms(DEFAULT_IMAGE):
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

    def _take(self, level: Level, arm: Arm) -> bool:
        """Take one level; whether it was taken."""
        cell = level.probe, level.runtime
        if not (width := self._width(level)):
            return False
        facts = next(each for each in self.measurement.manifest.runtimes if each.id == level.runtime)
        most = ceiling(facts, arm.runtime.form, self._each_bytes.get(cell))
        if width > most.width:
            if level.kind is Kind.CLIMB:
                self._why[cell] = f"no more than {most.width} at once are safe here ({most.reason})"
                self._note(level, arm, Notes(width=width, stopped=self._why[cell]))
            return False
        not_cold = drop_caches() if level.kind is Kind.COLD_BURST else ""
        engine_s = engine_cpu_s(arm.runtime.engine_processes)
        launches = width if level.kind.bursts else max(_LEAST, _ROUNDS * width)
        limits = Limits(
            least_s=_LEAST_S,
            at_most=width if level.kind.bursts else max(_MOST, launches),
            most_s=self._level_s,
            timeout_s=_TIMEOUT_S,
            floor_bytes=floor_bytes(),
            pressure=_PRESSURE,
            failures=max(_LEAST_FAILURES, int(_FAILED_SHARE * launches)),
        )
        command = self._command(level.probe, arm)
        taken = self.crowd.run_level(command, arm.runtime, limits, width=width, launches=launches)
        engine_s = engine_cpu_s(arm.runtime.engine_processes) - engine_s
        if level.kind is Kind.CLIMB:
            self._learn(*cell, width, taken.stopped, taken.memory_used_bytes)
        self._note(
            level,
            arm,
            Notes(
                width=width,
                stopped=taken.stopped,
                not_cold=not_cold,
                engine_cpu_s=engine_s,
                taken=taken,
                command=command,
            ),
        )
        return True

    def _note(self, level: Level, arm: Arm, notes: Notes) -> None:
        """Keep one level for good."""
        first = Observation(
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
        observations, evidence = notes.written(first)
        took_s = notes.taken.span_s if notes.taken else 0.0
        self.run_of.append(level.turn, observations, evidence, took_s=took_s)

    def _command(self, probe: str, arm: Arm) -> Command:
        """What each container of a level runs."""
        runtime, user = arm.runtime, self.crowd.user
        bind = Bind(
            source=str(self.measurement.bench.payload), target=PAYLOAD, read_only=runtime.read_only_binds
        )
        inside = runtime.sees(bind)
        starts = (f"{inside}/{PROBE}", "start")
        imports = ("python3", "-B", f"{inside}/{IMPORT_STORM}", "start")
        name = f"{NAMES}{os.getpid()}-{secrets.token_hex(4)}"
        argv = imports if probe == PROBES["import"] else starts
        task = Task(image=arm.reference, argv=argv, binds=(bind,), name=name)
        return Command(
            argv=runtime.argv(task),
            env=user.env,
            cleanup=runtime.cleanup(task),
            listing=runtime.listing(),
            listed=name,
            accountable=not runtime.has_engine,
        )
