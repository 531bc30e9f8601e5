"""A farm of nodes like the one that was measured, simulated event by event: calculated, never measured.

Three things are shared and slow down with their users: the link to the storage or registry (all nodes), its
metadata server (all nodes), and the node itself (its own starts). Each is a station where everybody in it is
served at once, the more of them the slower [1]_: for the node its measured scalability law says how fast,
held at its value at the widest level that was measured, because beyond it the law is a guess.

References
----------
.. [1] L. Kleinrock, Queueing Systems, volume 2, Wiley 1976, 4.4 (processor sharing).
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import simpy

from evaluation.decide.farm import Farm
from evaluation.decide.scalability import Law
from evaluation.decide.sweeps import BURST, Sweep
from evaluation.model import CONTROL, Form

__all__ = ["Calculated", "Node", "Station", "burst_s", "calculate", "farm_s", "node_of"]

_BURSTS: Final = 20
"""Simulated bursts of one node, from which those of all nodes are drawn."""

_FILES: Final = frozenset({Form.SIF, Form.SHIFTER, Form.SQUASHFS})
_STORES: Final = frozenset({Form.DOCKER_STORE, Form.PODMAN_STORE})


class Station:
    """Serves all that are in it at once.

    Parameters
    ----------
    environment : simpy.Environment
        The clock, in seconds.
    rate : callable
        Work done per second with so many in it, all of them together.
    """

    def __init__(self, environment: simpy.Environment, rate: Callable[[int], float]) -> None:
        self._environment = environment
        self._rate = rate
        self._served = 0.0
        self._since = environment.now
        self._waiting: list[tuple[float, int, simpy.Event]] = []
        self._numbers = itertools.count()
        self._change = 0

    def serve(self, work: float) -> simpy.Event:
        """Enter with some work; the event comes when it is done."""
        self._advance()
        done = self._environment.event()
        # Everybody in it gets the same: what has been served to each so far says who is next.
        heapq.heappush(self._waiting, (self._served + work, next(self._numbers), done))
        self._plan()
        return done

    def _advance(self) -> None:
        if self._waiting:
            count = len(self._waiting)
            self._served += (self._environment.now - self._since) * self._rate(count) / count
        self._since = self._environment.now

    def _plan(self) -> None:
        """Wake up when the next one is done, unless somebody enters before."""
        self._change += 1
        if self._waiting:
            count = len(self._waiting)
            left = max(0.0, self._waiting[0][0] - self._served)
            wake = self._environment.timeout(left * count / self._rate(count), self._change)
            assert wake.callbacks is not None  # noqa: S101 - it has just been made
            wake.callbacks.append(self._leave)

    def _leave(self, wake: simpy.Event) -> None:
        if wake.value != self._change:
            return  # somebody entered meanwhile, and it was planned anew
        self._advance()
        finished = self._waiting[0][0]
        while self._waiting and self._waiting[0][0] <= finished * (1 + 1e-12):
            heapq.heappop(self._waiting)[2].succeed()
        self._plan()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One runtime on one node, as it was measured.

    ``spread`` is the standard deviation of the logarithm of a single start's seconds. ``unpack_s`` is what
    follows the transfer of an image into an engine's store, which every node does for itself.
    """

    runtime: str
    law: Law
    widest: int
    spread: float
    form: Form
    unpack_s: float

    def rate(self, at_once: int) -> float:
        """Starts per second with so many at once; beyond what was measured, as at its widest."""
        return float(self.law.throughput(min(at_once, self.widest)))

    def operations(self, farm: Farm) -> float:
        """Metadata operations of one start on shared storage."""
        if self.form in _STORES:
            return 0.0  # its image is on the node
        each = farm.operations_per_start
        return each.file if self.form in _FILES else each.directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculated:
    """One runtime's curves: seconds until every start of the farm is done, by number of nodes.

    ``error`` is how far the simulated burst of one node is from the measured one, relative to it; ``None``
    where no burst was measured.
    """

    runtime: str
    curves: tuple[tuple[float, tuple[tuple[int, float], ...]], ...]
    """For each share of nodes that hold the image, nodes and seconds."""
    error: float | None
    widest: int


def node_of(sweep: Sweep, probe: str, runtime: str) -> Node | None:
    """Take a runtime's node from its sweep; ``None`` without a law, or where its form is unknown.

    Also where the image goes into an engine's store, and nobody timed that.
    """
    found = sweep.fitted(probe, runtime)
    image = sweep.manifest.image
    forms = [form for form in image.forms if form.runtime == runtime] if image else []
    if found is None or not forms or forms[0].form not in {*Form}:
        return None
    single = [wait for cell in sweep.cells(probe, runtime)[:1] for each in cell.taken for wait in each.waits]
    form, unpack_s = Form(forms[0].form), forms[0].convert_s
    if form not in _STORES:
        unpack_s = 0.0
    if unpack_s is None:
        return None
    return Node(
        runtime=runtime,
        law=found.law,
        widest=found.widest,
        spread=float(np.std(np.log(single))) if len(single) > 1 else 0.0,
        form=form,
        unpack_s=unpack_s,
    )


def burst_s(node: Node, starts: int, seed: int) -> float:
    """Simulate so many starts at once on one node; give the seconds until the last is done."""
    environment = simpy.Environment()
    station = Station(environment, node.rate)
    drawn = np.random.default_rng(seed).lognormal(-(node.spread**2) / 2, node.spread, starts)
    for work in drawn:
        station.serve(float(work))
    environment.run()
    return float(environment.now)


def farm_s(node: Node, farm: Farm, nodes: int, cached: float, bursts: Sequence[float], seed: int) -> float:
    """Simulate a farm; give the seconds until every start on every node is done."""
    environment = simpy.Environment()
    most, each = farm.storage_bytes_per_s.value, farm.node_bytes_per_s.value
    link = Station(environment, lambda users: min(most, users * each))
    metadata = Station(environment, lambda _: farm.storage_operations_per_s.value)
    draw = np.random.default_rng(seed)
    held = math.floor(cached * nodes)
    starts = round(farm.starts_per_node.value)

    def live(number: int, burst: float) -> Generator[simpy.Event, Any, None]:
        if number >= held:
            yield link.serve(farm.image_bytes.value)
            if node.unpack_s:
                yield environment.timeout(node.unpack_s)
            if operations := node.operations(farm) * starts:
                yield metadata.serve(operations)
        yield environment.timeout(burst)

    for number in range(nodes):
        environment.process(live(number, float(draw.choice(bursts))))
    environment.run()
    return float(environment.now)


def calculate(sweep: Sweep, farm: Farm, probe: str) -> Iterator[Calculated]:
    """Calculate the farm for every runtime that has a law; the bare host has no image to bring."""
    seed = sweep.manifest.seed
    starts = round(farm.starts_per_node.value)
    for runtime in sweep.runtimes:
        if runtime == CONTROL or not (node := node_of(sweep, probe, runtime)):
            continue
        bursts = [burst_s(node, starts, seed + number) for number in range(_BURSTS)]
        curves = tuple(
            (share, tuple((count, farm_s(node, farm, count, share, bursts, seed)) for count in farm.nodes))
            for share in farm.cached
        )
        yield Calculated(
            runtime=runtime, curves=curves, error=error_of(sweep, probe, node), widest=node.widest
        )


def error_of(sweep: Sweep, probe: str, node: Node) -> float | None:
    """Hold the simulated burst against the measured one, of which the law knows nothing."""
    cells = sweep.cells(probe, node.runtime, BURST)
    if not cells:
        return None
    measured = float(np.median([each.span_s for each in cells[-1].taken]))
    simulated = float(
        np.median([burst_s(node, cells[-1].width, sweep.manifest.seed + n) for n in range(_BURSTS)])
    )
    return simulated / measured - 1 if measured else None
