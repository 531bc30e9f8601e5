"""In which order the turns are taken: randomised blocks, from a seed.

In one block every arm of a probe runs once, in random order. Blocks follow each other, and the probes
within a block are shuffled too, so that a slow drift of the machine falls on all arms alike. On a loaded
machine one runtime after the other showed 32-48 % difference between a command and itself, interleaved
blocks 0-1 %.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evaluation.store import Turn

__all__ = ["Again", "PlannedTurn", "plan_turns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTurn:
    """A turn and its place in its block."""

    turn: Turn
    order: int
    warm_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """So many turns in all, in these arms and the first control."""

    turns: int
    arms: Sequence[str]


def plan_turns(
    repeats: Mapping[str, str],
    arms: Mapping[str, Sequence[str]],
    controls: Sequence[str],
    blocks: int,
    seed: int,
    again: Mapping[str, Again] | None = None,
) -> Iterator[PlannedTurn]:
    """Yield every turn of a group of probes, in order.

    Parameters
    ----------
    repeats : mapping
        Probe id to ``"paired"`` (once per block, after one warm-up block) or ``"once"``.
    arms : mapping
        Per probe the runtimes that are asked, without the controls.
    controls : sequence of str
        The control arms: the first one runs for every probe, the others for paired ones.
    blocks : int
        Counted blocks of a paired probe; block 0 is the warm-up and comes on top.
    seed : int
        The order follows from it alone, so a run that is resumed goes on in the same order.
    again : mapping, optional
        Per probe that is asked once of most: how often in all it is asked, and of which arms.
    """
    further = again or {}
    last = max([blocks, *(more.turns - 1 for more in further.values())])
    for block in range(last + 1):
        # Not for secrets: a seeded order that anybody can repeat is the purpose.
        shuffled = random.Random(f"{seed}/{block}")  # noqa: S311
        probes = [
            probe
            for probe, repeat in sorted(repeats.items())
            if block == 0
            or (repeat == "paired" and block <= blocks)
            or (repeat != "paired" and probe in further and block < further[probe].turns)
        ]
        shuffled.shuffle(probes)
        for probe in probes:
            paired = repeats[probe] == "paired"
            asked = arms[probe] if paired or block == 0 else further[probe].arms
            order = [*(controls if paired else controls[:1]), *asked]
            shuffled.shuffle(order)
            for place, arm in enumerate(order):
                yield PlannedTurn(
                    turn=Turn(probe=probe, runtime=arm, block=block),
                    order=place,
                    warm_up=paired and block == 0,
                )
