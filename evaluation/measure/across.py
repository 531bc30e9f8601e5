"""Many containers at once across nodes: each level is split over pilot jobs, and its shares begin together.

Every share is a task of its own of the submission layer. The shares of a level meet at a port of the
submitting host: there each one's clock is compared with ours, and all are told the same instant to begin at.
So the times of all containers are put on one clock, ours, within a bound that is kept beside them.

A share that is lost with its pilot counts with all containers that it was to start, as failures with their
cause; the sweep then ends, for its nodes are no longer there. It is resumed by another call, and what
was taken, lost shares too, is never taken again.
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Final

from evaluation.manifest import JobFacts
from evaluation.measure.climb import Climb
from evaluation.measure.clocks import Offset, boot_id, offset_of
from evaluation.measure.crowd import Crowded, Launch
from evaluation.measure.crowdnotes import Notes
from evaluation.measure.launcher import Command
from evaluation.measure.levels import Kind, Level, plan_across
from evaluation.measure.meeting import Meeting, Seat
from evaluation.measure.session import Arm
from evaluation.measure.share import Order, Share, take_share
from evaluation.measure.submission import Executor, LostError
from evaluation.measure.sweeper import MOST, launches_of
from evaluation.model import Evidence, Observation

__all__ = ["Across", "Seated", "merged", "on_our_clock", "seated", "shares_of"]

_AHEAD_NS: Final = 500_000_000
_WARM_S: Final = 60.0
"""So long a pilot that runs may take to begin with its share."""
_LATE_S: Final = 5.0
"""So long after its connection's end what a share has given may be here; then it is lost."""
_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Seated:
    """A share that has come to the meeting; times in nanoseconds, on our clock."""

    index: int
    node: str
    job: str
    boot: str
    most: int
    reason: str
    clock: Offset
    same_clock: bool
    handed_over_s: float
    """From handing the task to the submission layer until it began."""
    width: int
    launches: int


def seated(told: dict[str, Any], seat: Seat, order: Order, submitted_ns: int) -> Seated:
    """Compare a share's clock with ours; where its kernel is ours, both are the same."""
    same = bool(told["boot"]) and told["boot"] == boot_id()
    clock = Offset(ns=0, bound_ns=0) if same else offset_of(seat.clock)
    return Seated(
        index=order.index,
        node=str(told["node"]),
        job=str(told["job"]),
        boot=str(told["boot"]) or str(told["node"]),
        most=int(told["most"]),
        reason=str(told["reason"]),
        clock=clock,
        same_clock=same,
        handed_over_s=(int(told["called_ns"]) - clock.ns - submitted_ns) / 1e9,
        width=order.width,
        launches=order.launches,
    )


def shares_of(whole: int, parts: int) -> tuple[int, ...]:
    """Split as evenly as can be."""
    each, over = divmod(whole, parts)
    return tuple(each + (number < over) for number in range(parts))


def on_our_clock(taken: Crowded, clock: Offset, since_ns: int) -> Crowded:
    """Put a share's times on our clock, in seconds since some instant of it."""
    ahead_s = (taken.began_ns - clock.ns - since_ns) / 1e9

    def moved(seconds: float | None) -> float | None:
        return None if seconds is None else seconds + ahead_s

    return replace(
        taken,
        began_ns=since_ns,
        span_s=taken.span_s + ahead_s,
        launches=tuple(
            replace(
                each,
                submitted_s=each.submitted_s + ahead_s,
                started_s=moved(each.started_s),
                first_output_s=moved(each.first_output_s),
                ended_s=each.ended_s + ahead_s,
            )
            for each in taken.launches
        ),
    )


def merged(
    shares: Sequence[tuple[Seated, Share]], wall_ns: int, lost: Sequence[str]
) -> tuple[Crowded, float | None]:
    """Give the level as a whole, and the CPU time of its engines' daemons, if every host could tell it.

    What a host tells of itself is counted once, however many nodes it pretends to be.
    """
    of: dict[str, list[Share]] = defaultdict(list)
    for seat, share in shares:
        of[seat.boot].append(share)
    stops = [share.taken.stopped for _, share in shares if share.taken.stopped]
    whole = Crowded(
        launches=tuple(launch for _, share in shares for launch in share.taken.launches),
        span_s=max((share.taken.span_s for _, share in shares), default=0.0),
        wall_ns=wall_ns,
        memory_used_bytes=sum(max(each.taken.memory_used_bytes for each in here) for here in of.values()),
        busy_s=sum(max(each.taken.busy_s for each in here) for here in of.values()),
        left=tuple(dict.fromkeys(what for _, share in shares for what in share.taken.left)),
        stopped=next(iter([*lost, *stops]), ""),
    )
    engines = [[each.engine_cpu_s for each in here if each.engine_cpu_s is not None] for here in of.values()]
    return whole, sum(map(max, engines)) if engines and all(engines) else None


@dataclass(slots=True, kw_only=True)
class Across(Climb):
    """Takes the levels of one run on nodes of a batch system.

    Parameters
    ----------
    executor : Executor
        Pilots, one for each node.
    meeting : Meeting
        Where their shares come to.
    nodes : int
        How many.
    user : str
        Who runs the containers.
    programs : mapping
        What runs in the containers, for every node the same.
    start_within_s : float
        How long the first share of each node may wait in the queue.
    ending : callable
        Tells of a job how it has ended.
    """

    executor: Executor
    meeting: Meeting
    nodes: int
    user: str
    programs: Mapping[str, str]
    start_within_s: float
    ending: Callable[[str], str]
    _met: int = 0
    """How many nodes have come together before: they need not wait in the queue again."""

    def _plan(self, runtimes: Sequence[str]) -> Iterator[Level]:
        return plan_across(
            self.probes, runtimes, self.pace.most, self.pace.repeats, self.nodes, self._manifest.seed
        )

    def _clear(self, arms: Sequence[Arm]) -> None:
        """Nothing to do here: each node does, when it makes ready."""

    def _take(self, level: Level, arm: Arm) -> None:
        cell = level.probe, level.runtime
        if not self._width(level):
            return
        orders = [
            Order(
                run=str(self.run_of.path),
                engine=self.executor.engine,
                user=self.user,
                probe=level.probe,
                runtime=level.runtime,
                index=index,
                width=width,
                launches=launches,
                at_most=max(launches, MOST // level.nodes),
                most_s=self._level_s,
                each_bytes=self._each_bytes.get(cell),
            )
            for index, (width, launches) in enumerate(
                zip(
                    shares_of(level.width, level.nodes),
                    shares_of(launches_of(level.width), level.nodes),
                    strict=True,
                )
            )
        ]
        submitted, futures = [], []
        for order in orders:
            submitted.append(time.monotonic_ns())
            futures.append(self.executor.submit(take_share, order, self.meeting.address))
        with contextlib.ExitStack() as stack:
            came = self._gathered(orders, submitted, futures, stack)
            self._met = max(self._met, level.nodes)
            if why := _unsafe(list(came)):
                for seat in came.values():
                    seat.say(go=False)
                if level.kind is Kind.CLIMB:
                    self._why[cell] = why
                    self._note(level, arm, Notes(width=level.width, stopped=why))
                return
            self._note_jobs(list(came))
            at_ns, wall_ns = time.monotonic_ns() + _AHEAD_NS, time.time_ns() + _AHEAD_NS
            first = {each.boot: each.index for each in reversed(came)}
            for each, seat in came.items():
                seat.say(go=True, at_ns=at_ns + each.clock.ns, first=first[each.boot] == each.index)
            back = {each.index: self._outcome(each, seat, futures[each.index]) for each, seat in came.items()}
        self._keep(level, arm, list(came), back, at_ns, wall_ns)

    def _gathered(
        self,
        orders: Sequence[Order],
        submitted: Sequence[int],
        futures: Sequence[Future[Any]],
        stack: contextlib.ExitStack,
    ) -> dict[Seated, Seat]:
        """Wait for all shares of a level; each holds its node until all have come."""
        came: dict[Seated, Seat] = {}
        patience_s = _WARM_S if self._met >= len(orders) else self.start_within_s
        give_up = time.monotonic() + patience_s
        while len(came) < len(orders):
            if seat := self.meeting.next(_LOOK_S):
                stack.callback(seat.close)
                with contextlib.suppress(EOFError):  # its future says why it went
                    seat.say(programs=self.programs)
                    told = seat.hear(give_up - time.monotonic())
                    index = int(told["index"])
                    came[seated(told, seat, orders[index], submitted[index])] = seat
            for future in futures:
                if future.done():
                    future.result()
            if time.monotonic() > give_up:
                known = [each.job for each in came]
                ended = [f"job {job} {self.ending(job)}" for job in self.executor.jobs() if job not in known]
                raise LostError(
                    f"only {len(came)} of {len(orders)} nodes came within {patience_s:.0f} s; "
                    + "; ".join(ended),
                    where=self.executor.engine,
                    advice="Nothing of this level was started. Run again to resume.",
                )
        return dict(sorted(came.items(), key=lambda item: item[0].index))

    def _note_jobs(self, came: Sequence[Seated]) -> None:
        """Name every job and its node in the manifest: whoever hides names goes by it."""
        manifest = self._manifest
        if manifest.batch is None:
            return
        known = manifest.batch.jobs
        jobs = [JobFacts(id=each.job, node=each.node) for each in came]
        if new := [job for job in jobs if job not in known]:
            batch = manifest.batch.model_copy(update={"jobs": (*known, *new)})
            self.run_of.write_manifest(manifest.model_copy(update={"batch": batch}))

    def _outcome(self, share: Seated, seat: Seat, future: Future[Any]) -> Share | str:
        """Wait for what a share gives, or for its loss: then say why."""
        lost_at = None
        while not future.done():
            if lost_at is None and seat.gone(_LOOK_S):
                lost_at = time.monotonic()
            if lost_at is not None:
                time.sleep(_LOOK_S)
                if time.monotonic() - lost_at > _LATE_S:
                    return f"lost with node {share.node}: job {share.job} ended: {self.ending(share.job)}"
        try:
            given = future.result()
        except LostError as error:
            return f"lost with node {share.node}: {error}"
        if not isinstance(given, Share):  # pragma: no cover - it was told to go
            raise TypeError(given)
        return given

    def _keep(
        self,
        level: Level,
        arm: Arm,
        came: Sequence[Seated],
        back: dict[int, Share | str],
        at_ns: int,
        wall_ns: int,
    ) -> None:
        """Put all times on our clock, and keep the level with every container of it."""
        ended_s = (time.monotonic_ns() - at_ns) / 1e9
        lost = {index: given for index, given in back.items() if isinstance(given, str)}
        given = [(each, share) for each in came if isinstance(share := back[each.index], Share)]
        since_ns = min((share.taken.began_ns - each.clock.ns for each, share in given), default=at_ns)
        shares = [
            (each, replace(share, taken=on_our_clock(share.taken, each.clock, since_ns)))
            for each, share in given
        ]
        whole, engine_s = merged(shares, wall_ns + since_ns - at_ns, list(lost.values()))
        notes = Notes(width=level.width, stopped=whole.stopped, engine_cpu_s=engine_s, taken=whole)
        first = self._first(level, arm)
        missing = sum(each.launches for each in came if each.index in lost)
        rows = [
            replace(row, value=len(whole.launches) + missing) if row.name == "launched" else row
            for row in notes.whole(first)
        ]
        rows += [row for each in came for row in _of_the_node(each, first)]
        evidence: list[tuple[Evidence, bytes, bytes]] = []
        number = 0
        parts: list[tuple[Crowded, Command | None]] = [(share.taken, share.command) for _, share in shares]
        parts += [
            (_nothing_known(each, lost[each.index], ended_s), None) for each in came if each.index in lost
        ]
        for taken, command in parts:
            more, kept = Notes(width=level.width, taken=taken, command=command).containers(first, number)
            rows += more
            evidence += kept
            number += len(taken.launches)
        if level.kind is Kind.CLIMB:
            self._learn(level.probe, level.runtime, level.width, whole.stopped, whole.memory_used_bytes)
        self.run_of.append(level.turn, rows, evidence, took_s=whole.span_s)
        if lost:
            raise LostError(
                "; ".join(lost.values()),
                where=self.executor.engine,
                advice="Its containers count as lost, and are not started again. Run again to resume.",
            )


def _unsafe(came: Sequence[Seated]) -> str:
    """Say why a level must not be started: a machine may be several of its nodes."""
    for boot in {each.boot for each in came}:
        here = [each for each in came if each.boot == boot]
        least = min(here, key=lambda each: each.most)
        if sum(each.width for each in here) > least.most:
            return f"no more than {least.most} at once are safe on {least.node} ({least.reason})"
    return ""


def _nothing_known(share: Seated, why: str, ended_s: float) -> Crowded:
    """Give the containers of a share that was lost: handed over with it, and gone by when we knew."""
    lost = Launch(
        submitted_s=0.0,
        started_s=None,
        first_output_s=None,
        ended_s=ended_s,
        exit_status=None,
        cause=why,
        node=share.node,
    )
    return Crowded(
        launches=(lost,) * share.launches, span_s=0.0, wall_ns=0, memory_used_bytes=0, busy_s=0.0, left=()
    )


def _of_the_node(share: Seated, first: Observation) -> Iterator[Observation]:
    """What is kept of a share itself."""
    kept: tuple[tuple[str, int | float | str, str], ...] = (
        ("share_node", share.node, ""),
        ("share_job", share.job, ""),
        ("share_width", share.width, "1"),
        ("share_handed_over", round(share.handed_over_s, 6), "s"),
        ("share_clock", "ours: the same kernel" if share.same_clock else "its own, compared with ours", ""),
        ("share_clock_offset", share.clock.ns / 1e9, "s"),
        ("share_clock_bound", share.clock.bound_ns / 1e9, "s"),
    )
    for name, value, unit in kept:
        yield replace(first, name=name, value=value, unit=unit, repetition=share.index)
