"""Opening a run: alone on the host, prepared once, an interrupted one resumed, or a new one."""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from evaluation import __version__
from evaluation.errors import EvaluationError
from evaluation.images.holding import release
from evaluation.manifest import CheckFacts
from evaluation.measure.alone import alone
from evaluation.measure.audit import Audit
from evaluation.measure.host import host_facts
from evaluation.measure.hostchecks import require, told_together
from evaluation.measure.images import images_used, place_lists
from evaluation.measure.launcher import Launcher, now
from evaluation.measure.measurement import Measurement
from evaluation.measure.names import note_names
from evaluation.measure.plan import Plan, machine, planned
from evaluation.measure.preparation import Prepared, build_payload, prepare
from evaluation.measure.profiles import Profile, profile_named
from evaluation.measure.session import Bench
from evaluation.measure.submission.job import batch_facts
from evaluation.measure.user import User, measuring_user, ourselves
from evaluation.measure.variants import with_knobs
from evaluation.probes.batchsystem import batch_system
from evaluation.probes.jobgroups import remove_abandoned
from evaluation.scratch import labelled, scratch_directory
from evaluation.sites import Site
from evaluation.store import ImageFacts, Manifest, Run, RuntimeFacts, find_runs, require_results
from evaluation.terminal import visible

__all__ = ["Measurement", "measured_already", "open_measurement"]

_open: list[Measurement] = []


@atexit.register
def _close_former() -> None:
    """Close what this process has opened: a notebook's cell is run again, or its kernel ends."""
    while _open:
        _open.pop().close()


def open_measurement(
    site: Site,
    *,
    profile: str = "quick",
    results: Path,
    images: Path,
    run: str = "",
    runtimes: Sequence[str] = (),
    fresh: bool = False,
    seed: int | None = None,
    user: str = "",
    blocks: int = 0,
    ladder: Sequence[str] = (),
    knobs: Collection[str] = (),
) -> Measurement:
    """Open a run: the one named, one that was interrupted and still fits, or a new one.

    What this process had opened before is closed.

    Parameters
    ----------
    site : Site
        Where we are.
    profile : str
        How much to measure.
    results, images : Path
        Folders of the results and of the images' recipes.
    run : str, optional
        Go on with this run, with what was prepared for it.
    runtimes : sequence of str, optional
        Only these, by id; ``none`` for the bare host alone. By default all that are here.
    fresh : bool
        Do not resume an interrupted run.
    seed : int, optional
        Of the order of turns; drawn when not given.
    user : str, optional
        Who runs the containers, when we are root.
    blocks : int, optional
        So many blocks of a paired probe, whatever the profile says.
    ladder : sequence of str, optional
        The images to make ready, by name; by default the quick ones and what is built already.
    knobs : collection of str, optional
        Add an arm for every knob of these runtimes, or these single arms; see `with_knobs`.

    Raises
    ------
    EvaluationError
        Another measurement is under way on this host; or there is no such site, profile or run.
    """
    wanted = profile_named(profile)
    require_results(results, site.id)
    _close_former()
    who = _who(site, user, runtimes)
    with Launcher(who) as launcher:
        checks = require(launcher)
    with contextlib.ExitStack() as stack:
        stack.enter_context(alone())
        if os.getuid() == 0:
            remove_abandoned()
        audit = stack.enter_context(Audit(who))
        launcher = stack.enter_context(Launcher(audit.user))
        audit.begin(launcher)
        scratch = stack.enter_context(scratch_directory(bound=True))
        payload, problem = scratch / "payload", ""
        payload.mkdir(mode=0o755)
        try:
            build_payload(payload)
        except EvaluationError as error:
            problem = f"{error.what}. {error.advice}" if error.advice else error.what
        if run:
            opened = _named(results / site.id, run, problem)
            wanted = profile_named(opened.manifest.profile)
            place_lists(opened.manifest.images, images, launcher, payload)
        else:
            plan = planned(site, wanted.name, runtimes, images, ladder, launcher, knobs)
            prepared = prepare(
                site, launcher, images, payload, problem, plan.everything, plan.found, plan.images
            )
            prepared = with_knobs(prepared, knobs, launcher, payload)
            found = None if fresh else _interrupted(results, site, plan, prepared)
            opened = found or _new(site, wanted, results, prepared, plan, seed)
        stack.enter_context(opened.held())
        opened.reopen()
        note_names(opened, launcher.user)
        stack.callback(release)
        images_used(opened.manifest, launcher)
        _note_job(opened, site)
        told = (*launcher.user.altered, *filter(None, [labelled(scratch)]))
        _note_conditions(opened, told, checks)
        if blocks:
            wanted = replace(wanted, blocks=blocks, enough=blocks, repeats=blocks // 4)
        audit.follow(opened, launcher)
        batch = batch_system(site.batch, os.environ)
        verifier = stack.enter_context(Launcher(ourselves()))
        bench = Bench(launcher=launcher, verifier=verifier, payload=payload, scratch=scratch, batch=batch)
        _open.append(Measurement(opened, wanted, bench, stack.pop_all()))
        return _open[-1]


def measured_already(
    site: Site,
    profile: str,
    runtimes: str,
    results: Path,
    user: str = "",
    *,
    images: Path,
    ladder: Sequence[str] = (),
) -> Run | None:
    """Find the newest complete run that is what would be measured now; see `evaluation.measure.plan`."""
    with Launcher(_who(site, user, runtimes.split())) as launcher:
        plan = planned(site, profile, runtimes.split(), images, ladder, launcher)
    for run in reversed(find_runs(results, site.id)):
        manifest = _readable(run) if run.complete else None
        if manifest and plan.covered_by(manifest, launcher.user.cache):
            return run
    return None


def _who(site: Site, user: str, runtimes: Sequence[str]) -> User:
    return measuring_user(user or site.measure_as or "", bare_host=tuple(runtimes) == ("none",))


def _named(folder: Path, name: str, problem: str) -> Run:
    """Find the run of a name, as long as it can be resumed here and now."""
    runs = {run.path.name: run for run in find_runs(folder.parent, folder.name)}
    if name not in runs:
        raise EvaluationError(
            f"there is no run {name!r}",
            where=str(folder),
            advice=f"There are: {', '.join(runs) or 'none'}.",
        )
    run = runs[name]
    manifest = run.manifest
    if manifest.tool_version != __version__:
        what = f"it was begun with version {manifest.tool_version} of this tool, and this is {__version__}"
    elif machine(manifest.host) != machine(host_facts()):
        what = "it was begun on another machine, or this one has changed since"
    elif problem and not manifest.unavailable:
        what = f"the payload could be built when it was begun, and cannot now: {problem}"
    else:
        return run
    raise EvaluationError(what, where=str(run.path), advice="Begin a new run: evaluation run --fresh.")


def _interrupted(results: Path, site: Site, plan: Plan, prepared: Prepared) -> Run | None:
    """Find the newest run that was interrupted and had the same plan, and for which the same was prepared."""
    ready = _ready(prepared.runtimes, (prepared.image, *prepared.ladder), prepared.unavailable)
    for run in reversed(find_runs(results, site.id)):
        manifest = None if run.complete else _readable(run)
        if (
            manifest
            and manifest.plan == plan.digest
            and _ready(manifest.runtimes, manifest.images.values(), manifest.unavailable) == ready
        ):
            print(visible(f"resuming the interrupted run {run.path}"), flush=True)  # noqa: T201
            return run
    return None


def _ready(
    runtimes: Iterable[RuntimeFacts], images: Iterable[ImageFacts | None], unavailable: Iterable[str]
) -> tuple[object, ...]:
    """What preparing came to: only like turns stand in one run."""
    present = [
        (facts.id, facts.version, facts.options, facts.engine_options, facts.timed)
        for facts in runtimes
        if facts.present
    ]
    return present, sorted(facts.digest for facts in images if facts), sorted(unavailable)


def _readable(run: Run) -> Manifest | None:
    """Read a manifest; one that is damaged is no reason not to measure, but is said."""
    try:
        return run.manifest
    except EvaluationError as error:
        print(visible(f"passed over: {error}"), flush=True)  # noqa: T201
        return None


def _new(
    site: Site,
    profile: Profile,
    results: Path,
    prepared: Prepared,
    plan: Plan,
    seed: int | None,
) -> Run:
    began = datetime.now(UTC)  # to the millisecond, so that names sort as the runs were begun
    return Run.create(
        results,
        Manifest(
            site=site.id,
            run=f"{began:%Y%m%dT%H%M%SZ}-{began.microsecond // 1000:03}-{profile.name}",
            profile=profile.name,
            seed=secrets.randbits(32) if seed is None else seed,
            plan=plan.digest,
            wanted=dict(plan.images),
            tool_version=__version__,
            started_at=now(),
            label=site.label or "",
            measured_as="an unprivileged user",
            as_root=os.getuid() == 0,
            host=host_facts(),
            runtimes=prepared.runtimes,
            image=prepared.image,
            ladder=prepared.ladder,
            programs=plan.programs,
            batch=batch_facts(site.batch),
            unavailable=dict(prepared.unavailable),
        ),
    )


def _note_conditions(run: Run, told: Sequence[str], checks: Sequence[CheckFacts]) -> None:
    """Note what is to be known of the environment and this host; a run that is resumed may have another."""
    manifest = run.manifest
    noted = manifest.model_copy(
        update={
            "environment": tuple(dict.fromkeys((*manifest.environment, *told))),
            "checks": told_together(manifest.checks, checks),
        }
    )
    if noted != manifest:
        run.write_manifest(noted)


def _note_job(run: Run, site: Site) -> None:
    """Note that a run is resumed in another job."""
    manifest, now_in = run.manifest, batch_facts(site.batch)
    known = manifest.batch.jobs if manifest.batch else ()
    if now_in and not set(now_in.jobs) <= set(known):
        batch = now_in.model_copy(update={"jobs": (*known, *now_in.jobs)})
        run.write_manifest(manifest.model_copy(update={"batch": batch}))
