"""Which blocks count: a block that was taken while the machine was short of CPUs is kept, but set aside.

A whole block or nothing, decided by the kernel's pressure figure right after the bare host's turn and
never by what was measured: to drop single slow values would choose the answer. Both wings ask here.

A block is set aside because another is taken in its place. Where time ran out before that, and fewer than
`MINIMUM_BLOCKS` others are left, all of the probe's blocks count, and are said to have been taken so
(``docs/decisions/0015-blocks-of-a-busy-machine.md``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evaluation.model import CONTROL, Observation
from evaluation.statistics import MINIMUM_BLOCKS

__all__ = [
    "PRESSURE",
    "SET_ASIDE",
    "SHORT_OF_CPUS",
    "counted",
    "marked",
    "pressed",
    "set_aside",
    "shortage",
    "shortage_told",
]

PRESSURE = "cpu_pressure"
"""Name of an observation of the bare host: for which share of the last 10 s some task waited for a CPU."""

SHORT_OF_CPUS = 0.2
"""Beyond this share the machine is short of CPUs: a process that should run is kept waiting so often that
times are those of the queue."""

SET_ASIDE = "set_aside"
"""Name of an observation of the bare host that sets its block of this probe aside, for every arm."""


def set_aside(observations: Iterable[Observation]) -> Mapping[str, frozenset[int]]:
    """Blocks that were set aside, per probe, and do not count."""
    every = tuple(observations)
    taken = _taken(every)
    return {
        probe: frozenset(blocks)
        for probe, blocks in _blocks(filter(_is_mark, every)).items()
        if len(taken.get(probe, set()) - blocks) >= MINIMUM_BLOCKS
    }


def marked(observations: Iterable[Observation]) -> Mapping[str, int]:
    """How many blocks of each probe were set aside when they were taken, whether they count or not."""
    return {probe: len(blocks) for probe, blocks in _blocks(filter(_is_mark, observations)).items()}


def counted(observations: Iterable[Observation]) -> tuple[Observation, ...]:
    """Keep the observations of the blocks that count, of all arms, in their order."""
    every = tuple(observations)
    aside = set_aside(every)
    return tuple(item for item in every if item.block not in aside.get(item.probe, ()))


def pressed(observations: Iterable[Observation]) -> Mapping[str, frozenset[int]]:
    """Blocks that count although the machine was short of CPUs, per probe."""
    short = (
        item
        for item in counted(observations)
        if _is_mark(item) or (item.name == PRESSURE and _share(item) > SHORT_OF_CPUS)
    )
    return {probe: frozenset(blocks) for probe, blocks in _blocks(short).items()}


def shortage(observations: Iterable[Observation]) -> str:
    """Say of a run, in a sentence, that the machine was short of processors; empty where it was not."""
    every = counted(observations)
    taken = _taken(every)
    under = {probe: len(blocks) for probe, blocks in pressed(every).items()}
    worst = max(under, key=lambda probe: under[probe] / len(taken[probe]), default="")
    return shortage_told(under[worst], len(taken[worst])) if worst else ""


def shortage_told(under: int, taken: int) -> str:
    """Say how many of the blocks were taken while the machine was short of processors, and what to do."""
    those = f"all {taken}" if under == taken else f"up to {under} of {taken}"
    return (
        f"The machine was short of processors in {those} blocks, so the times include waiting. "
        "Measure again when it is quiet (make report FRESH=1)."
    )


def _taken(observations: Iterable[Observation]) -> dict[str, set[int]]:
    """Blocks of each probe that are no warm-up, by the bare host's turns."""
    return _blocks(item for item in observations if item.runtime == CONTROL and not item.warm_up)


def _blocks(observations: Iterable[Observation]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for item in observations:
        found.setdefault(item.probe, set()).add(item.block)
    return found


def _is_mark(item: Observation) -> bool:
    return item.name == SET_ASIDE and item.value is True


def _share(item: Observation) -> float:
    return float(item.value) if isinstance(item.value, int | float) else 0.0
