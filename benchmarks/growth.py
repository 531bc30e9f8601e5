"""How measuring grows with runtimes, probes and blocks: what each turn costs besides what it measures.

A small run of the bare host through the real session, launcher and store, into a folder that is thrown
away. Further runtimes and probes are the same ones under further names: what they would do themselves is
their own cost, and not asked here.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.record import CONFIDENCE, Part, Row, of_interval
from evaluation.measure.launcher import Launcher
from evaluation.measure.schedule import plan_turns
from evaluation.measure.session import Arm, Bench, TurnSession, work_directory
from evaluation.measure.user import ourselves
from evaluation.probes.base import Probe
from evaluation.probes.registry import find
from evaluation.runtimes import known_runtimes
from evaluation.statistics import median_interval, paired_ratio
from evaluation.store import Run

__all__ = ["growth"]

REPEATS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much a run measures."""

    name: str
    arms: int
    probes: int
    blocks: int


SMALLEST = Size(name="2 arms, 1 probe, 8 blocks", arms=2, probes=1, blocks=8)
SIZES = (
    SMALLEST,
    Size(name="8 arms", arms=8, probes=1, blocks=8),
    Size(name="4 probes", arms=2, probes=4, blocks=8),
    Size(name="64 blocks", arms=2, probes=1, blocks=64),
)


@dataclass(slots=True, kw_only=True)
class Spent:
    """Seconds spent on a run's turns, by what they went into."""

    turns: int = 0
    payload: float = 0.0
    session: float = 0.0
    store: float = 0.0
    look: float = 0.0

    @property
    def overhead(self) -> float:
        """Seconds per turn besides the payload."""
        return (self.session + self.store) / self.turns


def growth(scratch: Path, *, repeats: int = REPEATS) -> Part:
    """Take small runs of several sizes in random order, and see what a turn costs in each."""
    order = random.Random(repeats)  # noqa: S311 - an order that anybody can repeat is the purpose
    spent: dict[Size, list[Spent]] = {size: [] for size in SIZES}
    with Launcher(replace(ourselves(), env={"PATH": "/usr/bin:/bin"})) as launcher:
        bench = Bench(launcher=launcher, verifier=launcher, payload=scratch, scratch=scratch)
        for repeat in range(repeats):
            for size in order.sample(SIZES, len(SIZES)):
                folder = scratch / f"{repeat}-{SIZES.index(size)}"
                folder.mkdir()
                spent[size].append(_take(bench, Run(folder), size, repeat))
    return _part(spent)


def _take(bench: Bench, run: Run, size: Size, seed: int) -> Spent:
    host = known_runtimes()["host"]
    names = ("host", "host-again", *(f"host-{number}" for number in range(3, size.arms + 1)))
    arms = {name: Arm(id=name, runtime=host, reference="", image_digest="") for name in names}
    start = find("cold_start")
    probes: Mapping[str, Probe] = {
        f"cold_start_{number}": replace(start, id=f"cold_start_{number}") for number in range(size.probes)
    }
    spent = Spent()
    others = dict.fromkeys(probes, names[2:])
    for item in plan_turns(dict.fromkeys(probes, "paired"), others, names[:2], size.blocks, seed):
        began = time.monotonic()
        with work_directory(bench) as work:
            session = TurnSession(
                bench=bench,
                arm=arms[item.turn.runtime],
                probe=probes[item.turn.probe],
                block=item.turn.block,
                order=item.order,
                work=work,
                warm_up=item.warm_up,
            )
            session.probe.observe(session)
            bench.launcher.sweep()
        measured = time.monotonic()
        run.append(item.turn, session.witnessed(), session.evidence(), took_s=measured - began)
        payload = sum(evidence.duration_s for evidence, _, _ in session.evidence())
        spent.turns += 1
        spent.payload += payload
        spent.session += measured - began - payload
        spent.store += time.monotonic() - measured
    began = time.monotonic()
    run.observations()
    spent.look = time.monotonic() - began
    return spent


def _part(spent: Mapping[Size, list[Spent]]) -> Part:
    smallest = spent[SMALLEST]
    overhead = {size: [each.overhead for each in runs] for size, runs in spent.items()}
    rows = [
        _per_turn("launch, session and sweep, per turn", [each.session / each.turns for each in smallest]),
        _per_turn("store with fsync, per turn", [each.store / each.turns for each in smallest]),
        Row(
            name="turns per second, payload included",
            unit="1/s",
            estimate=statistics.median(
                each.turns / (each.payload + each.session + each.store) for each in smallest
            ),
            remark="of /bin/true on the bare host: the most that can be had",
        ),
    ]
    rows += [
        of_interval(
            f"{size.name} / {SMALLEST.name}",
            paired_ratio(taken, overhead[SMALLEST], confidence=CONFIDENCE),
            "1",
            "cost per turn; 1 is: it grows with the number of turns alone",
        )
        for size, taken in overhead.items()
        if size != SMALLEST
    ]
    longest = max(spent, key=lambda size: size.blocks)
    rows.append(
        _per_turn("reading the run at a look, per turn", [each.look / each.turns for each in spent[longest]])
    )
    return Part(
        name="growth",
        title="How measuring grows",
        answer="A run takes arms x probes x (blocks + 1) turns, each its payload and what stands here.",
        rows=tuple(rows),
        raw={f"overhead per turn, {size.name}": taken for size, taken in overhead.items()},
    )


def _per_turn(name: str, taken: list[float]) -> Row:
    return of_interval(name, median_interval(taken, confidence=CONFIDENCE), "s")
