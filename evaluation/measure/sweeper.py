"""Many containers at once: 1, 2, 4 ... of them, runtimes interleaved, until the host says stop.

A *level* is one runtime at one width: so many containers, one started as soon as another ends, as a batch
system fills its slots. First every runtime climbs, level by level, all of them in turn; the first distress of
the host ends a runtime's climb, and no wider level of it is tried. Then the levels that went well are taken
again in random order, and last comes the burst: all at once, with the image in memory and with nothing of it
there. The order follows from the run's seed; a level is a turn of the run, so a sweep that was interrupted
goes on where it was.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluation.marks import mark
from evaluation.measure.ceilings import ceiling, floor_bytes
from evaluation.measure.climb import Climb
from evaluation.measure.crowd import Crowd, Limits
from evaluation.measure.crowdnotes import Notes
from evaluation.measure.launcher import Command
from evaluation.measure.levels import PROBES, Kind, Level, plan
from evaluation.measure.session import Arm
from evaluation.measure.sweephost import NAMES, drop_caches, engine_cpu_s, remove_abandoned
from evaluation.measure.user import User
from evaluation.model import PAYLOAD, Bind, Task
from evaluation.payload.build import IMPORT_STORM, PROBE
from evaluation.probes.controlgroups import cpu_used_s

__all__ = ["MOST", "Sweep", "command_of", "launches_of", "limits_of"]

_LEAST: Final = 32
MOST: Final = 128
"""No level is made of more, if its width is smaller: a quick one would be of thousands."""
_ROUNDS: Final = 3
_LEAST_S: Final = 0.5
_TIMEOUT_S: Final = 60.0
_PRESSURE: Final = 0.1
_FAILED_SHARE: Final = 0.1
_LEAST_FAILURES: Final = 3


@dataclass(slots=True, kw_only=True)
class Sweep(Climb):
    """Takes the levels of one run on this host.

    Parameters
    ----------
    crowd : Crowd
        Starts the containers.
    payload : Path
        The folder of the program that runs in them.
    """

    crowd: Crowd
    payload: Path

    def _plan(self, runtimes: Sequence[str]) -> Iterator[Level]:
        return plan(self.probes, runtimes, self.pace.most, self.pace.repeats, self._manifest.seed)

    def _clear(self, arms: Sequence[Arm]) -> None:
        for arm in arms:
            remove_abandoned(self.crowd, arm.runtime)

    def _take(self, level: Level, arm: Arm) -> None:
        cell = level.probe, level.runtime
        if not (width := self._width(level)):
            return
        facts = next(each for each in self._manifest.runtimes if each.id == level.runtime)
        most = ceiling(facts, self._each_bytes.get(cell))
        if width > most.width:
            if level.kind is Kind.CLIMB:
                self._why[cell] = f"no more than {most.width} at once are safe here ({most.reason})"
                self._note(level, arm, Notes(width=width, stopped=self._why[cell]))
            return
        not_cold = drop_caches() if level.kind is Kind.COLD_BURST else ""
        before_s = engine_cpu_s(arm.runtime.engine_processes)
        launches = width if level.kind.bursts else launches_of(width)
        limits = limits_of(width, launches, self._level_s, burst=level.kind.bursts)
        command = command_of(level.probe, arm, self.payload, self.crowd.user)
        taken = self.crowd.run_level(command, arm.runtime, limits, width=width, launches=launches)
        engine_s = cpu_used_s(before_s, engine_cpu_s(arm.runtime.engine_processes))
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


def launches_of(width: int) -> int:
    """Tell how many containers a level of this width is made of, at least."""
    return max(_LEAST, _ROUNDS * width)


def limits_of(width: int, launches: int, most_s: float, *, burst: bool = False) -> Limits:
    """Tell where a level ends on this host."""
    return Limits(
        least_s=_LEAST_S,
        at_most=width if burst else max(MOST, launches),
        most_s=most_s,
        timeout_s=_TIMEOUT_S,
        floor_bytes=floor_bytes(),
        pressure=_PRESSURE,
        failures=max(_LEAST_FAILURES, int(_FAILED_SHARE * launches)),
    )


def command_of(probe: str, arm: Arm, payload: Path, user: User) -> Command:
    """Give what each container of a level runs; the names of all begin with a token of this level's."""
    runtime = arm.runtime
    bind = Bind(source=str(payload), target=PAYLOAD, read_only=runtime.read_only_binds)
    inside = runtime.sees(bind)
    starts = (f"{inside}/{PROBE}", "start")
    imports = ("python3", "-B", f"{inside}/{IMPORT_STORM}", "start")
    name = f"{NAMES}{mark()}-{secrets.token_hex(4)}"
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
