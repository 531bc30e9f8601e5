"""A simulated machine with a planted truth: commands that take equally long, and what disturbs them.

All times are logarithms. A run takes its turns one after the other; the machine's state at each turn is
drawn first, and then the arms get their turns, in randomised blocks or one arm after the other. So both
orders see the very same machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics import in_favour_needed, interval_ends

Values = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int, int], Values]

HOST, AGAIN, RUNTIME = range(3)


def normal(rng: np.random.Generator, runs: int, turns: int) -> Values:
    return rng.normal(scale=0.03, size=(runs, turns))


def drift(rng: np.random.Generator, runs: int, turns: int) -> Values:
    """A machine that gets slower or faster by 2 % in 20 turns, with a slow wave on top."""
    turn = np.arange(turns)
    slope = rng.choice((-0.001, 0.001), size=(runs, 1))
    wave = 0.05 * np.sin(2 * np.pi * (turn / 60 + rng.random((runs, 1))))
    values: Values = slope * turn + wave + rng.normal(scale=0.02, size=(runs, turns))
    return values


def bursts(rng: np.random.Generator, runs: int, turns: int) -> Values:
    """Another job comes by: for some 20 turns at a time, an eighth of all turns, 1.5 times slower."""
    dice, busy = rng.random((runs, turns)), rng.random(runs) < 1 / 8
    slow = np.empty((runs, turns))
    for turn in range(turns):
        busy = np.where(busy, dice[:, turn] > 1 / 20, dice[:, turn] < 1 / 140)
        slow[:, turn] = busy
    return 0.4 * slow + rng.normal(scale=0.02, size=(runs, turns))


def heavy_tails(rng: np.random.Generator, runs: int, turns: int) -> Values:
    """Student's t with 2 degrees of freedom: its variance is infinite."""
    values: Values = 0.02 * rng.standard_t(2, size=(runs, turns))
    return values


def bimodal(rng: np.random.Generator, runs: int, turns: int) -> Values:
    """Every second turn lands on a core or at a clock rate that is 8 % slower."""
    return 0.08 * (rng.random((runs, turns)) < 0.5) + rng.normal(scale=0.01, size=(runs, turns))


def skewed(rng: np.random.Generator, runs: int, turns: int) -> Values:
    """Nothing is faster than the best, and delays are exponential."""
    return rng.exponential(0.03, size=(runs, turns))


NOISES: dict[str, Noise] = {
    "normal": normal,
    "drift": drift,
    "bursts": bursts,
    "heavy tails": heavy_tails,
    "bimodal": bimodal,
    "skewed": skewed,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Log ratios of many runs of one kind, shape (runs, blocks): runtime to host, and host to itself."""

    runtime: Values
    again: Values


def taken(
    noise: str, runs: int, blocks: int, *, seed: int, scale: float = 1.0, in_blocks: bool = True
) -> Runs:
    """Measure the host, the host again and a runtime that does not differ from it."""
    rng = np.random.default_rng([seed, *noise.encode()])
    machine = scale * NOISES[noise](rng, runs, 3 * blocks)
    if in_blocks:
        turns = machine.reshape(runs, blocks, 3)
        order = np.argsort(rng.random(turns.shape), axis=2)
        arms = np.take_along_axis(turns, order, axis=2).transpose(0, 2, 1)
    else:
        arms = machine.reshape(runs, 3, blocks)
    return Runs(runtime=arms[:, RUNTIME] - arms[:, HOST], again=arms[:, AGAIN] - arms[:, HOST])


def covered(logs: Values, truth: float = 0.0) -> NDArray[np.bool_]:
    """Whether the 95 % interval of each run has the truth in it."""
    low, high = interval_ends(logs, confidence=0.95)
    inside: NDArray[np.bool_] = (low <= truth) & (truth <= high)
    return inside


def different(runs: Runs, *, level: float, floor: bool = True) -> NDArray[np.bool_]:
    """Whether the rule of `evaluation.statistics.compare` claims a difference, per run, at a level."""
    n = runs.runtime.shape[1]
    above, below = np.sum(runs.runtime > 0, axis=1), np.sum(runs.runtime < 0, axis=1)
    claimed = np.maximum(above, below) >= in_favour_needed(n, level=level)
    low, high = interval_ends(runs.again, confidence=0.95)
    beyond = np.abs(np.median(runs.runtime, axis=1)) > np.maximum(np.abs(low), np.abs(high))
    claims: NDArray[np.bool_] = claimed & beyond if floor else claimed
    return claims


def width(logs: Values) -> Values:
    """Half width of the interval that decides when to stop, on the log scale."""
    low, high = interval_ends(logs, confidence=0.99)
    return (high - low) / 2


def stopped(runs: Runs, looks: tuple[int, ...], most: int, target: float) -> NDArray[np.int64]:
    """After how many blocks each run stops: at the first look at which both intervals are narrow enough."""
    blocks = np.full(len(runs.runtime), most)
    for look in reversed(looks):
        widest = np.maximum(width(runs.runtime[:, :look]), width(runs.again[:, :look]))
        blocks[widest <= np.log1p(target)] = look
    return blocks
