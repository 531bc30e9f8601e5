"""Opening a run: alone on the host, prepared once, an interrupted one gone on with, or a new one."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from evaluation import __version__
from evaluation.errors import EvaluationError
from evaluation.images.recipe import load_recipe
from evaluation.measure.alone import alone
from evaluation.measure.audit import Audit
from evaluation.measure.discovery import discover
from evaluation.measure.host import host_facts
from evaluation.measure.images import wanted_images
from evaluation.measure.launcher import Command, Launcher, now
from evaluation.measure.measurement import Measurement
from evaluation.measure.packages import installed_programs
from evaluation.measure.preparation import Prepared, build_payload, chosen, prepare
from evaluation.measure.profiles import Profile, profile_named
from evaluation.measure.session import Bench
from evaluation.measure.submission.job import batch_facts
from evaluation.measure.user import User, measuring_user
from evaluation.measure.variants import with_knobs
from evaluation.probes.batchsystem import batch_system
from evaluation.probes.jobgroups import remove_abandoned
from evaluation.probes.registry import discover as discover_probes
from evaluation.scratch import scratch_directory
from evaluation.sites import Site
from evaluation.store import HostFacts, Manifest, Run, RuntimeFacts, find_runs

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
        Do not go on with an interrupted run.
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
        Another measurement is under way on this host; or the site, profile or run is not to be had.
    """
    wanted = profile_named(profile)
    _close_former()
    with contextlib.ExitStack() as stack:
        stack.enter_context(alone())
        if os.getuid() == 0:
            remove_abandoned()
        audit = stack.enter_context(Audit(_who(site, user, runtimes)))
        launcher = stack.enter_context(Launcher(audit.user))
        audit.begin(launcher)
        scratch = stack.enter_context(scratch_directory())
        scratch.chmod(0o755)
        payload, problem = scratch / "payload", ""
        payload.mkdir(mode=0o755)
        _require_reach(payload, launcher)
        try:
            build_payload(payload)
        except EvaluationError as error:
            problem = str(error)
        if run:
            opened = _named(results / site.id, run, problem)
            wanted = profile_named(opened.manifest.profile)
        else:
            prepared = with_knobs(
                prepare(site, launcher, images, payload, problem, runtimes, ladder), knobs, launcher, payload
            )
            plan = _plan(site, wanted, prepared)
            found = None if fresh else _interrupted(results, site, plan)
            opened = found or _new(site, wanted, results, prepared, plan, seed, launcher)
        stack.enter_context(opened.held())
        opened.reopen()
        _note_job(opened, site)
        if blocks:
            wanted = replace(wanted, blocks=blocks, enough=blocks, repeats=blocks // 4)
        audit.follow(opened, launcher)
        batch = batch_system(site.batch, os.environ)
        bench = Bench(launcher=launcher, payload=payload, scratch=scratch, batch=batch)
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
    """Find the newest complete run that would come out the same: same tool, runtimes, profile and images."""
    with Launcher(_who(site, user, runtimes.split())) as launcher:
        found = chosen(discover(site, launcher), runtimes.split())
        wanted = wanted_images(images, launcher, ladder)
    recipes = {name: load_recipe(images, name).sha256 for name in wanted}
    here = _measured(item.facts for item in found)
    for run in reversed(find_runs(results, site.id)):
        manifest = _readable(run)
        if run.complete and manifest:
            then = _measured(manifest.runtimes)
            had = {name: facts.recipe_sha256 for name, facts in manifest.images.items()}
            same_images = not had or all(had.get(name) == sha256 for name, sha256 in recipes.items())
            same_tool = (manifest.tool_version, manifest.profile) == (__version__, profile)
            if same_tool and then == here and same_images:
                return run
    return None


def _measured(runtimes: Iterable[RuntimeFacts]) -> set[tuple[str, str, bool]]:
    """Which runtimes take part, in which versions, and which of them in everything."""
    return {(facts.id, facts.version, facts.timed) for facts in runtimes if facts.present}


def _who(site: Site, user: str, runtimes: Sequence[str]) -> User:
    return measuring_user(user or site.measure_as or "", bare_host=tuple(runtimes) == ("none",))


def _require_reach(payload: Path, launcher: Launcher) -> None:
    """Refuse a temporary folder that is closed to the measuring user: every single turn would fail."""
    command = Command(argv=("test", "-x", str(payload)), env=launcher.user.env)
    if not launcher.run(command, timeout_s=30.0).ok:
        raise EvaluationError(
            f"{launcher.user.name} cannot reach {payload.parent}",
            where="temporary folder",
            advice="Set TMPDIR to a folder that everybody may enter, such as /tmp.",
        )


def _named(folder: Path, name: str, problem: str) -> Run:
    """Find the run of a name, as long as it can be gone on with here and now."""
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
    elif _machine(manifest.host) != _machine(host_facts()):
        what = "it was begun on another machine, or this one has changed since"
    elif problem and not manifest.unavailable:
        what = f"the payload could be built when it was begun, and cannot now: {problem}"
    else:
        return run
    raise EvaluationError(what, where=str(run.path), advice="Begin a new run: evaluation run --fresh.")


def _interrupted(results: Path, site: Site, plan: str) -> Run | None:
    """Find the newest run that was interrupted and had the same plan."""
    for run in reversed(find_runs(results, site.id)):
        manifest = None if run.complete else _readable(run)
        if manifest and manifest.plan == plan:
            print(f"going on with the interrupted run {run.path}", flush=True)  # noqa: T201
            return run
    return None


def _readable(run: Run) -> Manifest | None:
    """Read a manifest; one that is damaged is no reason not to measure, but is said."""
    try:
        return run.manifest
    except EvaluationError as error:
        print(f"passed over: {error}", flush=True)  # noqa: T201
        return None


def _new(
    site: Site,
    profile: Profile,
    results: Path,
    prepared: Prepared,
    plan: str,
    seed: int | None,
    launcher: Launcher,
) -> Run:
    began = datetime.now(UTC)  # to the millisecond, so that names sort as the runs were begun
    return Run.create(
        results,
        Manifest(
            site=site.id,
            run=f"{began:%Y%m%dT%H%M%SZ}-{began.microsecond // 1000:03}-{profile.name}",
            profile=profile.name,
            seed=secrets.randbits(32) if seed is None else seed,
            plan=plan,
            tool_version=__version__,
            started_at=now(),
            label=site.label or "",
            measured_as="an unprivileged user",
            as_root=os.getuid() == 0,
            host=host_facts(),
            runtimes=prepared.runtimes,
            image=prepared.image,
            ladder=prepared.ladder,
            programs=installed_programs(launcher),
            batch=batch_facts(site.batch),
            unavailable=dict(prepared.unavailable),
        ),
    )


def _note_job(run: Run, site: Site) -> None:
    """Note that a run is gone on with in another job."""
    manifest, now_in = run.manifest, batch_facts(site.batch)
    known = manifest.batch.jobs if manifest.batch else ()
    if now_in and not set(now_in.jobs) <= set(known):
        batch = now_in.model_copy(update={"jobs": (*known, *now_in.jobs)})
        run.write_manifest(manifest.model_copy(update={"batch": batch}))


def _machine(host: HostFacts) -> dict[str, object]:
    """What makes it the same machine. The memory's size is not: it varies by some pages with each boot."""
    return host.model_dump(exclude={"memory_bytes"})


def _plan(site: Site, profile: Profile, prepared: Prepared) -> str:
    """Digest of everything that must be the same for a run to be gone on with."""
    parts = {
        "site": site.id,
        "profile": profile.name,
        "tool": __version__,
        "host": _machine(host_facts()),
        "probes": sorted((probe.id, probe.version) for probe in discover_probes().values()),
        "unavailable": sorted(prepared.unavailable),
        "runtimes": [
            (facts.id, facts.version, facts.options, facts.engine_options, facts.timed)
            for facts in prepared.runtimes
            if facts.present
        ],
        "images": [facts.digest for facts in (prepared.image, *prepared.ladder) if facts],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
