"""Sweeping this host, in a run of its own or beside one that is open; and sweeping across nodes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from evaluation.errors import EvaluationError
from evaluation.manifest import NO_PAYLOAD
from evaluation.measure.across import Across
from evaluation.measure.audit import Audit
from evaluation.measure.crowd import Crowd
from evaluation.measure.launcher import now
from evaluation.measure.levels import PACES, PROBES, Pace, widths
from evaluation.measure.measurement import Measurement
from evaluation.measure.meeting import Meeting
from evaluation.measure.names import note_names
from evaluation.measure.run import open_measurement
from evaluation.measure.share import begin_run
from evaluation.measure.submission import open_executor, queue_of
from evaluation.measure.sweeper import Sweep
from evaluation.measure.user import ourselves
from evaluation.model import DEFAULT_IMAGE, SWEEP
from evaluation.payload.build import PROBE
from evaluation.sites import Site
from evaluation.store import Run, find_runs

__all__ = ["sweep", "sweep_across", "sweep_of"]

_ENDING_S: Final = 10.0


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
    """Sweep this host, in a run of its own; an interrupted sweep of the same runtimes is resumed.

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
        Another measurement is under way; or a runtime or the image is missing.
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
        pace = Pace(most=most, repeats=repeats, budget_s=budget_s)
        said = _swept(measurement, measurement.run, pace, [PROBES[probe] for probe in probes])
    run = measurement.run  # it is complete only now: its last line says what was left on the machine
    run.finish(now())
    return run, said


def sweep_of(measurement: Measurement) -> tuple[Run | None, str]:
    """Sweep the runtimes of an open run, in a run of its own beside it, as far as its profile allows.

    What was swept for it before, whole or in part, is kept. Without the payload nothing is swept.
    """
    made = measurement.manifest
    if not (measurement.bench.payload / PROBE).exists():
        return None, f"nothing was swept: {made.payload_problem or NO_PAYLOAD}"
    pace = PACES.get(made.profile, PACES["quick"])
    plan_ = hashlib.sha256(f"{made.plan}/{SWEEP}/{made.run}".encode()).hexdigest()
    results = measurement.run.path.parents[1]
    known = [run for run in find_runs(results, made.site) if run.manifest.plan == plan_]
    run = (
        known[-1]
        if known
        else Run.create(
            results,
            made.model_copy(
                update={
                    "run": f"{made.run}-{SWEEP}",
                    "profile": SWEEP,
                    "plan": plan_,
                    "started_at": now(),
                    "ladder": (),
                }
            ),
        )
    )
    if run.complete:
        return run, "it was swept already"
    bench = measurement.bench
    with run.held(), Audit(bench.launcher.user) as audit:
        run.reopen()
        note_names(run, bench.launcher.user)
        audit.begin(bench.launcher)
        audit.follow(run, bench.launcher)
        said = _swept(measurement, run, pace, [PROBES["start"]])
    run.finish(now())
    return run, said


def sweep_across(
    site: Site,
    *,
    nodes: int,
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
    """Sweep so many nodes of a site's batch system at once, in a run of its own; resumed like another.

    One node finds out what is there and makes the images ready. Parameters are those of `sweep`.

    Raises
    ------
    EvaluationError
        The site has no batch system that we submit to, or fewer nodes; or as `sweep`.
    LostError
        A job was lost. What was taken is kept.
    """
    batch, widest = site.batch, widths(most)[-1]
    if not batch.submits or nodes > batch.nodes:
        there_are = f"may use {batch.nodes} nodes" if batch.submits else "submits to no batch system"
        raise EvaluationError(
            f"{nodes} nodes are asked for, and the site {site.id} {there_are}",
            where="--nodes",
            advice=f"See 'batch' in sites/{site.id}.yaml; docs/batch.md says what each line is for.",
        )
    if batch.submit_by != "parsl":
        raise EvaluationError(
            f"the nodes of {site.id} cannot connect to this host (submit_by: {batch.submit_by}), and the "
            "shares of a level meet here",
            where="--nodes",
            advice="Sweep one node: leave --nodes out. Or name an 'address' that nodes reach, and submit by "
            "parsl: docs/batch.md.",
        )
    results.mkdir(parents=True, exist_ok=True)
    who = user or site.measure_as or ""
    with (
        open_executor(site, shared=results, nodes=nodes) as executor,
        queue_of(batch, ourselves()) as queue,
        Meeting(batch.address) as meeting,
    ):
        begun = executor.submit(
            begin_run, site, str(results), str(images), tuple(runtimes), who, fresh
        ).result()
        run = Run(Path(begun.run))
        if PROBE not in begun.programs:
            raise EvaluationError(run.manifest.payload_problem or NO_PAYLOAD, where="sweep")
        with run.held():
            run.reopen()
            said = Across(
                run_of=run,
                probes=[PROBES[probe] for probe in probes],
                pace=Pace(most=widest, repeats=repeats, budget_s=budget_s),
                executor=executor,
                meeting=meeting,
                nodes=nodes,
                user=who,
                programs=begun.programs,
                start_within_s=batch.start_within_s,
                ending=partial(queue.ending, within_s=_ENDING_S),
            ).run()
            run.finish(now())
    return run, said


def _swept(measurement: Measurement, run: Run, pace: Pace, probes: Sequence[str]) -> str:
    if not (measurement.bench.payload / PROBE).exists():
        raise EvaluationError(measurement.manifest.payload_problem or NO_PAYLOAD, where="sweep")
    with Crowd(measurement.bench.launcher.user) as crowd:
        payload = measurement.bench.payload
        return Sweep(run_of=run, crowd=crowd, payload=payload, probes=probes, pace=pace).run()
