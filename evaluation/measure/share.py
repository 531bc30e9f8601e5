"""What one node does for a sweep across nodes: its share of a level, begun when the others begin theirs."""

from __future__ import annotations

import base64
import contextlib
import os
import platform
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evaluation.errors import EvaluationError
from evaluation.measure.alone import alone
from evaluation.measure.ceilings import ceiling
from evaluation.measure.clocks import boot_id
from evaluation.measure.crowd import Crowd, Crowded
from evaluation.measure.launcher import Command, LauncherGoneError
from evaluation.measure.measurement import arms_of
from evaluation.measure.meeting import Address, Seat, attend, watched
from evaluation.measure.run import open_measurement
from evaluation.measure.submission.job import current_job
from evaluation.measure.sweeper import command_of, limits_of
from evaluation.measure.sweephost import engine_cpu_s, remove_abandoned
from evaluation.measure.user import measuring_user
from evaluation.model import ACROSS, DEFAULT_IMAGE
from evaluation.payload.build import IMPORT_STORM, PROBE
from evaluation.probes.controlgroups import cpu_used_s
from evaluation.scratch import scratch_directory
from evaluation.sites import Site
from evaluation.store import Run

__all__ = ["Begun", "Order", "Share", "begin_run", "take_share"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a node is asked for; ``index`` tells the shares of a level apart."""

    run: str
    """The folder of the run, in which everything is written down that was found out and prepared."""
    engine: str
    user: str
    probe: str
    runtime: str
    index: int
    width: int
    launches: int
    at_most: int
    most_s: float
    each_bytes: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that levels can be added to, and the programs that run in its containers, built once for all."""

    run: str
    programs: dict[str, str]
    """By name, in base64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What came of it, its times on the node's own clock."""

    taken: Crowded
    command: Command
    engine_cpu_s: float | None


def begin_run(
    site: Site,
    results: str,
    images: str,
    runtimes: tuple[str, ...],
    user: str,
    fresh: bool,  # noqa: FBT001 - work is submitted with its arguments in a row
) -> Begun:
    """Find out on a node what is there, make images ready, and begin the run or resume it.

    Nothing is measured yet. Nodes are taken to be alike, and to see the measuring user's cache of images.
    """
    measurement = open_measurement(
        site,
        profile=ACROSS,
        results=Path(results),
        images=Path(images),
        runtimes=runtimes,
        user=user,
        ladder=[DEFAULT_IMAGE],
        fresh=fresh,
    )
    try:
        payload = measurement.bench.payload
        programs = {
            name: base64.b64encode((payload / name).read_bytes()).decode("ascii")
            for name in (PROBE, IMPORT_STORM)
            if (payload / name).exists()
        }
    finally:
        measurement.close()
    return Begun(run=str(measurement.run.path), programs=programs)


def take_share(order: Order, address: Address) -> Share | None:
    """Come to the meeting, make ready, and run the share from the instant on that is told there.

    When whoever submitted it is gone, everything is ended. ``None`` where the level is not to be taken.
    """
    called_ns = time.monotonic_ns()
    manifest = Run(Path(order.run)).manifest
    job = current_job(order.engine)
    facts = next(each for each in manifest.runtimes if each.id == order.runtime)
    arm = next(each for each in arms_of(manifest, DEFAULT_IMAGE) if each.id == order.runtime)
    user = measuring_user(order.user, bare_host=False)
    with contextlib.ExitStack() as stack:
        seat = stack.enter_context(attend(address))
        scratch = stack.enter_context(scratch_directory(bound=True))
        payload = scratch / "payload"
        payload.mkdir(mode=0o755)
        for name, program in _told(seat)["programs"].items():
            (payload / name).write_bytes(base64.b64decode(program))
            (payload / name).chmod(0o755)
        crowd = stack.enter_context(Crowd(user))
        remove_abandoned(crowd, arm.runtime)
        command = command_of(order.probe, arm, payload, user)
        most = ceiling(facts, order.each_bytes)
        seat.say(
            index=order.index,
            node=job.node if job else platform.node(),
            job=job.id if job else "",
            boot=boot_id(),
            called_ns=called_ns,
            most=most.width,
            reason=most.reason,
        )
        told = _told(seat)
        if not told["go"]:
            return None
        if told["first"]:  # of the nodes that are this machine: one holds it for all
            stack.enter_context(alone())
        limits = replace(limits_of(order.width, order.launches, order.most_s), at_most=order.at_most)
        before_s = engine_cpu_s(arm.runtime.engine_processes)
        with watched(seat, crowd.close):
            time.sleep(max(0.0, (told["at_ns"] - time.monotonic_ns()) / 1e9))
            try:
                taken = crowd.run_level(
                    command, arm.runtime, limits, width=order.width, launches=order.launches
                )
            except LauncherGoneError:
                raise EvaluationError(
                    "whoever submitted this is gone", where=f"job of {os.getpid()}"
                ) from None
        engine_s = cpu_used_s(before_s, engine_cpu_s(arm.runtime.engine_processes))
    named = tuple(replace(launch, node=job.node if job else platform.node()) for launch in taken.launches)
    return Share(taken=replace(taken, launches=named), command=command, engine_cpu_s=engine_s)


def _told(seat: Seat) -> dict[str, Any]:
    try:
        return seat.order()
    except EOFError:
        raise EvaluationError("whoever submitted this is gone", where="sweep") from None
