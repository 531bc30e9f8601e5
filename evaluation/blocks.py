"""Which blocks count: a block that was taken while the machine was short of CPUs is kept, but set aside.

A whole block or nothing, decided by the kernel's pressure figure right after the bare host's turn and
never by what was measured: to drop single slow values would choose the answer. Both wings ask here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evaluation.model import Observation

__all__ = ["PRESSURE", "SET_ASIDE", "counted", "set_aside"]

PRESSURE = "cpu_pressure"
"""Name of an observation of the bare host: for which share of the last 10 s some task waited for a CPU."""

SET_ASIDE = "set_aside"
"""Name of an observation of the bare host that sets its block of this probe aside, for every arm."""


def set_aside(observations: Iterable[Observation]) -> Mapping[str, frozenset[int]]:
    """Blocks that were set aside, per probe."""
    blocks: dict[str, set[int]] = {}
    for item in observations:
        if item.name == SET_ASIDE and item.value is True:
            blocks.setdefault(item.probe, set()).add(item.block)
    return {probe: frozenset(numbers) for probe, numbers in blocks.items()}


def counted(observations: Iterable[Observation]) -> tuple[Observation, ...]:
    """Keep the observations of the blocks that count, of all arms, in their order."""
    every = tuple(observations)
    aside = set_aside(every)
    return tuple(item for item in every if item.block not in aside.get(item.probe, ()))
