"""The levels of a sweep, and their order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from evaluation.errors import EvaluationError
from evaluation.store import Turn

__all__ = ["PACES", "PROBES", "Kind", "Level", "Pace", "plan", "plan_across", "widths"]

PROBES: Final = {"start": "sweep_start", "import": "sweep_import"}
"""What the containers of a sweep do, and under which name it is kept."""


_WIDEST: Final = 1 << 20


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
    nodes: int = 0
    """Spread over so many nodes of a batch system; 0 where it is taken on the host that we are on."""

    @property
    def turn(self) -> Turn:
        """Its place in the run."""
        kind = self.kind.replace(" ", "-") + (f"-{self.nodes}-nodes" if self.nodes else "")
        return Turn(probe=f"{self.probe}-{kind}-{self.width}", runtime=self.runtime, block=self.repeat)

    @property
    def place(self) -> int:
        """A number of its own among the levels of its runtime and repeat; when it was taken, its rows say."""
        return (self.nodes * _WIDEST + self.width) * len(Kind) + list(Kind).index(self.kind)


def widths(most: int) -> tuple[int, ...]:
    """1, 2, 4 ... and last the most itself."""
    if most < 1:
        raise EvaluationError("must be at least 1", where="--max")
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


def plan_across(
    probes: Sequence[str], runtimes: Sequence[str], most: int, repeats: int, nodes: int, seed: int
) -> Iterator[Level]:
    """Give the levels of a sweep across nodes: each width on one of them, and spread over all.

    No width is smaller than the number of nodes. The climb comes first, then the repeats in random order.
    """
    order = random.Random(f"{seed}/across")  # noqa: S311 - a seeded order that anybody can repeat
    steps = [width for width in widths(most) if width >= nodes]
    if not steps:
        raise EvaluationError(f"must be at least {nodes}, as many as there are nodes", where="--max")

    def every(kind: Kind, repeat: int, steps: Sequence[int]) -> list[Level]:
        levels = [
            Level(probe=probe, runtime=runtime, width=width, kind=kind, repeat=repeat, nodes=spread)
            for probe in probes
            for width in steps
            for runtime in runtimes
            for spread in dict.fromkeys((1, nodes))
        ]
        order.shuffle(levels)
        return levels

    for width in steps:
        yield from every(Kind.CLIMB, 0, [width])
    for repeat in range(1, repeats + 1):
        yield from every(Kind.STEADY, repeat, steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How far and for how long: at most so many at once, each level so often, so many seconds (0: no end)."""

    most: int
    repeats: int
    budget_s: float = 0.0


PACES: Final = {
    "trial": Pace(most=4, repeats=1, budget_s=10.0),
    "quick": Pace(most=8, repeats=2, budget_s=50.0),
    "full": Pace(most=64, repeats=4, budget_s=1800.0),
}
"""How far a run of each profile sweeps."""
