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
import random
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from evaluation.errors import EvaluationError
from evaluation.measure.ceilings import ceiling, floor_bytes
from evaluation.measure.crowd import Crowd, Limits
from evaluation.measure.crowdnotes import Notes
from evaluation.measure.launcher import Command, now
from evaluation.measure.launcher_main import stat_of
from evaluation.measure.measurement import Measurement
from evaluation.measure.progress import Progress
from evaluation.measure.run import open_measurement
from evaluation.measure.session import Arm
from evaluation.model import CONTROL_AGAIN, DEFAULT_IMAGE, PAYLOAD, SWEEP, Bind, Observation, Task
from evaluation.payload.build import IMPORT_STORM, PROBE
from evaluation.sites import Site
from evaluation.store import Run, Turn

__all__ = ["NAMES", "PROBES", "Kind", "Level", "Sweep", "plan", "sweep", "widths"]

NAMES: Final = "container-evaluation-sweep-"
"""How the names of a sweep's containers begin; after it comes the id of the process that started them."""

PROBES: Final = {"start": "sweep_start", "import": "sweep_import"}
"""What the containers of a sweep do, and under which name it is kept."""

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
_COMPILER: Final = "It needs a C compiler; evaluation doctor says more."
_DROP: Final = Path("/proc/sys/vm/drop_caches")


class Kind(StrEnum):
    """How the containers of a level come."""

    CLIMB = "climb"
    """As at every level, for the first time: it finds out how far one may go."""
    STEADY = "steady"
    """One is started as soon as another ends."""
    BURST = "burst"
    """All of them at once, the image in memory."""
    COLD_BURST = "cold burst"
    """All of them at once, nothing of any image in memory."""

    @property
    def bursts(self) -> bool:
        """Whether all are started at once, and none after them."""
        return self in {Kind.BURST, Kind.COLD_BURST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One runtime at one width, for the so-manieth time."""

    probe: str
    runtime: str
    width: int
    kind: Kind
    repeat: int

    @property
    def turn(self) -> Turn:
        """Its place in the run."""
        kind = self.kind.replace(" ", "-")
        return Turn(probe=f"{self.probe}-{kind}-{self.width}", runtime=self.runtime, block=self.repeat)

    @property
    def place(self) -> int:
        """A number of its own among the levels of its runtime and repeat; when it was taken, its rows say."""
        return self.width * len(Kind) + list(Kind).index(self.kind)


def widths(most: int) -> tuple[int, ...]:
    """1, 2, 4 ... and last the most itself."""
    if most < 1:
        raise EvaluationError(f"{most} at once are none", where="--max", advice="Give 1 or more.")
    return (*(1 << power for power in range(most.bit_length()) if 1 << power < most), most)


def plan(
    probes: Sequence[str], runtimes: Sequence[str], most: int, repeats: int, seed: int
) -> Iterator[Level]:
    """Give the levels in their order: the climb, the repeats, the bursts; all of it follows from the seed."""
    order = random.Random(f"{seed}/sweep")  # noqa: S311 - a seeded order that anybody can repeat
    steps = widths(most)

    def shuffled(levels: list[Level]) -> list[Level]:
        order.shuffle(levels)
        return levels

    def every(kind: Kind, repeat: int, steps: Sequence[int]) -> list[Level]:
        return [
            Level(probe=probe, runtime=runtime, width=width, kind=kind, repeat=repeat)
            for probe in probes
            for width in steps
            for runtime in runtimes
        ]

    for width in steps:
        yield from shuffled(every(Kind.CLIMB, 0, [width]))
    for repeat in range(1, repeats + 1):
        yield from shuffled(every(Kind.STEADY, repeat, steps) + every(Kind.BURST, repeat, steps[-1:]))
    for repeat in range(1, repeats + 1):  # last: they put every image out of memory
        yield from shuffled(every(Kind.COLD_BURST, repeat, steps[-1:]))


@dataclass(slots=True)
class Sweep:
    """Takes the levels of one run.

    Parameters
    ----------
    measurement : Measurement
        The open run, with its forms of the image.
    crowd : Crowd
        Starts the containers.
    probes : sequence of str
        Of `PROBES`.
    most : int
        The widest level.
    repeats : int
        How often each level is taken after the climb.
    budget_s : float
        After so many seconds no further level is begun; 0 for no end.
    """

    measurement: Measurement
    crowd: Crowd
    probes: Sequence[str]
    most: int
    repeats: int
    budget_s: float = 0.0
    _highest: dict[tuple[str, str], int] = field(default_factory=dict)
    _why: dict[tuple[str, str], str] = field(default_factory=dict)
    _each_bytes: dict[tuple[str, str], float] = field(default_factory=dict)

    def run(self) -> str:
        """Take every level that is not there yet; say in a sentence how it ended."""
        arms = {arm.id: arm for arm in self._arms()}
        for arm in arms.values():
            remove_abandoned(self.crowd, arm)
        levels = list(plan(self.probes, list(arms), self.most, self.repeats, self._seed))
        self._recall()
        done = self.measurement.run.turns_done()
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
        why = f"the time given, {self.budget_s:.0f} s, was spent before {left_out} levels" if left_out else ""
        progress.end(why and f", {why}")
        return (why or "every level was taken") + "".join(
            f"; {runtime} stopped at {self._highest.get((probe, runtime), 0)}: {why}"
            for (probe, runtime), why in sorted(self._why.items())
        )

    @property
    def _level_s(self) -> float:
        """For how long containers are started in one level: of little time, all levels get some."""
        if not self.budget_s:
            return _MOST_S
        count = sum(
            1 for _ in plan(self.probes, [arm.id for arm in self._arms()], self.most, self.repeats, 0)
        )
        return min(_MOST_S, self.budget_s / (_OVERHEAD * count))

    def _spent(self, spent_s: float, level: Level) -> bool:
        """Whether there is no time left for a level; of the time given some is kept for the cold bursts."""
        share = 1.0 if level.kind is Kind.COLD_BURST else _STEADY_SHARE
        return bool(self.budget_s) and level.kind is not Kind.CLIMB and spent_s > share * self.budget_s

    @property
    def _seed(self) -> int:
        return self.measurement.manifest.seed

    def _arms(self) -> Iterator[Arm]:
        timed = {facts.id for facts in self.measurement.manifest.runtimes if facts.present and facts.timed}
        for arm in self.measurement.arms(DEFAULT_IMAGE):
            if arm.id in timed and arm.id != CONTROL_AGAIN and arm.reference and not arm.problem:
                yield arm

    def _recall(self) -> None:
        """Find out from an interrupted sweep how far each runtime may go."""
        found: dict[tuple[str, str, int, int], dict[str, object]] = {}
        for item in self.measurement.run.observations():
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
        self.measurement.run.append(level.turn, observations, evidence, took_s=took_s)

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


def drop_caches() -> str:
    """Have the kernel forget what it holds of files; why it could not, or nothing where it could."""
    if os.getuid() != 0:
        return "only root can empty the page cache: the image was still in memory"
    os.sync()
    try:
        _DROP.write_text("3\n")
    except OSError as error:
        return f"the page cache could not be emptied ({error.strerror}): the image was still in memory"
    return ""


def engine_cpu_s(names: Sequence[str]) -> float:
    """CPU time that an engine's daemons, and their children that have ended, used so far."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*") if names else ():
        name, fields = stat_of(int(path.name))
        if name in names:
            with suppress(IndexError, ValueError):
                ticks += sum(map(int, fields[11:15]))  # proc_pid_stat(5): utime, stime, cutime, cstime
    return ticks / os.sysconf("SC_CLK_TCK")


def remove_abandoned(crowd: Crowd, arm: Arm) -> tuple[str, ...]:
    """Remove the containers of sweeps that were killed with everything below them; name them."""
    listing = arm.runtime.listing()
    if not listing:
        return ()
    said = crowd.run(Command(argv=listing, env=crowd.user.env), timeout_s=30.0).stdout.decode(
        errors="replace"
    )
    removed = []
    for name in said.split():
        owner = name.removeprefix(NAMES).partition("-")[0] if name.startswith(NAMES) else ""
        if owner.isdigit() and not Path("/proc", owner).exists():
            for argv in arm.runtime.cleanup(Task(image="", argv=(), name=name)):
                crowd.run(Command(argv=argv, env=crowd.user.env), timeout_s=60.0)
            removed.append(name)
    return tuple(removed)


def sweep(
    site: Site,
    *,
    results: Path,
    images: Path,
    runtimes: Sequence[str] = (),
    most: int = 32,
    probes: Sequence[str] = ("start",),
    repeats: int = 3,
    budget_s: float = 0.0,
    user: str = "",
    fresh: bool = False,
) -> tuple[Run, str]:
    """Sweep this host, in a run of its own; an interrupted sweep of the same runtimes is gone on with.

    Parameters
    ----------
    site : Site
        Where we are.
    results, images : Path
        Folders of the results and of the images' recipes.
    runtimes : sequence of str, optional
        Only these, and the bare host; by default all that are here and ranked.
    most : int
        How many containers at once at most.
    probes : sequence of str
        What they do; of `PROBES`.
    repeats : int
        How often each level is taken after the climb.
    budget_s : float
        After so many seconds no further level is begun, but for the climb; 0 for no end.

    Returns
    -------
    Run
        The complete run.
    str
        In a sentence, how it ended.

    Raises
    ------
    EvaluationError
        Another measurement is under way; or a runtime or the image is not to be had.
    """
    widths(most)
    with open_measurement(
        site,
        profile=SWEEP,
        results=results,
        images=images,
        runtimes=runtimes,
        user=user,
        ladder=[DEFAULT_IMAGE],
        fresh=fresh,
    ) as measurement:
        if not (measurement.bench.payload / PROBE).exists():
            raise EvaluationError("the payload could not be built here", where="sweep", advice=_COMPILER)
        with Crowd(measurement.bench.launcher.user) as crowd:
            said = Sweep(
                measurement=measurement,
                crowd=crowd,
                probes=[PROBES[probe] for probe in probes],
                most=most,
                repeats=repeats,
                budget_s=budget_s,
            ).run()
    run = measurement.run  # it is complete only now: its last line says what was left on the machine
    run.finish(now())
    return run, said
