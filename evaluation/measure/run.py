"""A run: prepared once, measured group by group, resumed after a crash, never on top of another."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from evaluation import __version__
from evaluation.errors import EvaluationError
from evaluation.measure.discovery import FoundRuntime, discover
from evaluation.measure.host import host_facts
from evaluation.measure.launcher import Launcher, now
from evaluation.measure.preparation import absent, build_payload, built_image, image_facts, ready
from evaluation.measure.profiles import Profile, profile_named
from evaluation.measure.progress import Progress
from evaluation.measure.schedule import PlannedTurn, plan_turns
from evaluation.measure.session import Arm, Bench, TurnSession, work_directory
from evaluation.measure.user import measuring_user
from evaluation.model import CONTROL, CONTROL_AGAIN, Observation
from evaluation.probes.base import Observations, Probe
from evaluation.probes.registry import discover as discover_probes
from evaluation.probes.registry import group_of
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError
from evaluation.sites import Site
from evaluation.statistics import half_width_reached
from evaluation.store import FormFacts, ImageFacts, Manifest, Run, RuntimeFacts, find_runs

__all__ = ["Measurement", "measured_already", "open_measurement"]

_LOCK = Path(tempfile.gettempdir()) / "container-evaluation.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    runtimes: tuple[RuntimeFacts, ...]
    image: ImageFacts | None
    unavailable: Mapping[str, str]


class Measurement:
    """A run that is open for measuring. Use it in a ``with`` statement: its end ends what it started."""

    def __init__(self, run: Run, profile: Profile, launcher: Launcher, scratch: Path, payload: Path) -> None:
        self.run = run
        self.manifest = run.manifest
        self._profile = profile
        self._bench = Bench(launcher=launcher, payload=payload, scratch=scratch)
        self._close = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def measure(self, group: str, *, only: Sequence[str] = ()) -> str:
        """Measure one group of probes: what is done already is kept, the rest is taken in its order.

        Parameters
        ----------
        group : str
            Its name.
        only : sequence of str, optional
            Of the group only these probes.

        Returns
        -------
        str
            In a sentence, how much was measured and why it stopped.
        """
        wanted = [probe for probe in probes_of(group) if not only or probe.id in only]
        probes = {probe.id: probe for probe in wanted if probe.id not in self.manifest.unavailable}
        arms = {arm.id: arm for arm in self._arms()}
        turns = list(
            plan_turns(
                {probe.id: probe.repeat for probe in probes.values()},
                [id_ for id_ in arms if id_ not in {CONTROL, CONTROL_AGAIN}],
                (CONTROL, CONTROL_AGAIN),
                self._profile.blocks,
                self.manifest.seed,
            )
        )
        done = self.run.turns_done()
        progress = Progress(group, len(turns), sum(item.turn.key in done for item in turns))
        started, why = time.monotonic(), ""
        for number, item in enumerate(turns):
            new_block = number > 0 and turns[number - 1].turn.block != item.turn.block
            if new_block and (why := self._enough(probes, item.turn.block, time.monotonic() - started)):
                break
            if item.turn.key not in done:
                progress.step(f"{item.turn.probe} · {item.turn.runtime} · block {item.turn.block}")
                self._take(probes[item.turn.probe], arms[item.turn.runtime], item)
        progress.end(why and f", stopped: {why}")
        return f"{group}: {why or 'every planned block was measured'}"

    def close(self) -> None:
        """End what was started, and let others measure on this host."""
        self._close.close()

    def finish(self) -> Run:
        """Write the sentinel: the run is complete."""
        self.run.finish(now())
        return self.run

    def _take(self, probe: Probe, arm: Arm, item: PlannedTurn) -> None:
        with work_directory(self._bench) as work:
            session = TurnSession(
                bench=self._bench,
                arm=arm,
                probe=probe,
                block=item.turn.block,
                order=item.order,
                work=work,
                warm_up=item.warm_up,
            )
            try:
                probe.observe(session)
            except RuntimeRefusalError as refusal:
                session.record("refused", str(refusal))
            except Exception as error:  # noqa: BLE001 - a broken probe becomes a finding, the run goes on
                session.record("error", f"{type(error).__name__}: {error}")
        if work.exists():
            session.record("residue", "files that the measuring user cannot remove")
        self.run.append(item.turn, session.witnessed(), session.evidence())

    def _arms(self) -> Iterator[Arm]:
        forms = {form.runtime: form for form in self.manifest.image.forms} if self.manifest.image else {}
        for facts in self.manifest.runtimes:
            if not facts.present:
                continue
            runtime = known_runtimes()[facts.id].using(
                command=facts.command, options=facts.options, engine_options=facts.engine_options
            )
            form = forms.get(facts.id)
            ids = (CONTROL, CONTROL_AGAIN) if facts.id == CONTROL else (facts.id,)
            for id_ in ids:
                yield Arm(
                    id=id_,
                    runtime=runtime,
                    reference=form.reference if form else "",
                    image_digest=form.digest if form else "",
                )

    def _enough(self, probes: Mapping[str, Probe], block: int, spent_s: float) -> str:
        """Why no further block is needed, if so: asked between blocks only."""
        paired = {probe.id: probe for probe in probes.values() if probe.repeat == "paired"}
        if not paired:
            return ""
        if spent_s > self._profile.budget_s:
            return f"its time of {self._profile.budget_s:.0f} s was spent after {block - 1} blocks"
        if block - 1 not in self._profile.looks:
            return ""
        narrow = all(
            half_width_reached(
                samples,
                control,
                confidence=_CONFIDENCE,
                target=self._profile.half_width,
                at_least=self._profile.enough,
            )
            for samples, control in self._pairs(paired)
        )
        return f"every interval is narrow enough after {block - 1} blocks" if narrow else ""

    def _pairs(self, probes: Mapping[str, Probe]) -> Iterator[tuple[list[float], list[float]]]:
        """Samples of every runtime and probe so far, with the control's of the same blocks."""
        by_probe: dict[str, dict[str, list[Observation]]] = {}
        for item in self.run.observations():
            if item.probe in probes:
                by_probe.setdefault(item.probe, {}).setdefault(item.runtime, []).append(item)
        for id_, by_arm in by_probe.items():
            seen = {arm: Observations(tuple(items)) for arm, items in by_arm.items()}
            medians = {
                arm: probes[id_].judge(own, {k: v for k, v in seen.items() if k != arm}).samples or {}
                for arm, own in seen.items()
            }
            control = medians.get(CONTROL, {})
            for arm, samples in medians.items():
                both = sorted(samples.keys() & control.keys())
                if arm != CONTROL and both:
                    yield [samples[block] for block in both], [control[block] for block in both]


_CONFIDENCE = 0.95
"""Of the intervals whose width decides when to stop; it moves no score."""


def probes_of(group: str) -> tuple[Probe, ...]:
    """Every probe of a group."""
    return tuple(probe for probe in discover_probes().values() if group_of(probe.id) == group)


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
) -> Measurement:
    """Open a run: the one named, one that was interrupted and still fits, or a new one.

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

    Raises
    ------
    EvaluationError
        Another measurement is under way on this host; or the site, profile or run is not to be had.
    """
    chosen = profile_named(profile)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_alone())
        launcher = stack.enter_context(Launcher(measuring_user(user or site.measure_as or "")))
        scratch = Path(tempfile.mkdtemp(prefix="evaluation-"))
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        scratch.chmod(0o755)
        payload, problem = scratch / "payload", ""
        payload.mkdir(mode=0o755)
        try:
            build_payload(payload)
        except EvaluationError as error:
            problem = str(error)
        if run:
            opened = Run(results / site.id / run)
            opened.reopen()
            chosen = profile_named(opened.manifest.profile)
        else:
            prepared = _prepare(site, launcher, images, payload, problem, runtimes)
            opened = _resume_or_create(site, chosen, results, prepared, fresh=fresh, seed=seed)
        if blocks:
            chosen = replace(chosen, blocks=blocks, enough=blocks)
        measurement = Measurement(opened, chosen, launcher, scratch, payload)
        measurement._close = stack.pop_all()  # noqa: SLF001 - from here on it is the measurement's
        return measurement


def measured_already(site: Site, profile: str, runtimes: str, results: Path, user: str = "") -> Run | None:
    """Find the newest complete run that would come out the same: same tool, same runtimes, same profile."""
    with Launcher(measuring_user(user or site.measure_as or "")) as launcher:
        found = _chosen(discover(site, launcher), runtimes.split())
    here = {(item.facts.id, item.facts.version) for item in found if item.facts.present}
    for run in reversed(find_runs(results, site.id)):
        manifest = run.manifest
        then = {(facts.id, facts.version) for facts in manifest.runtimes if facts.present}
        same_tool = (manifest.tool_version, manifest.profile) == (__version__, profile)
        if run.complete and same_tool and then == here:
            return run
    return None


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Hold the host for ourselves: two measurements at once would measure each other."""
    descriptor = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EvaluationError(
                "another measurement is under way on this host",
                where=str(_LOCK),
                advice="Wait for its end: two at once would measure each other.",
            ) from None
        yield
    finally:
        os.close(descriptor)


def _prepare(
    site: Site, launcher: Launcher, images: Path, payload: Path, problem: str, runtimes: Sequence[str]
) -> _Prepared:
    """Find the runtimes and make their forms of the image."""
    found = _chosen(discover(site, launcher), runtimes)
    unavailable = {
        probe.id: f"the payload could not be built here: {problem}"
        for probe in discover_probes().values()
        if problem and "payload" in probe.needs
    }
    try:
        image, recipe = built_image("small", images, launcher)
    except EvaluationError as error:
        return _Prepared(
            runtimes=tuple(
                item.facts
                if item.facts.id == CONTROL or not item.facts.present
                else absent(item.facts, f"no image to run: {error.what}")
                for item in found
            ),
            image=None,
            unavailable=unavailable
            | {
                probe.id: f"there is no image: {error.what}"
                for probe in discover_probes().values()
                if "image" in probe.needs
            },
        )
    facts: list[RuntimeFacts] = []
    forms: list[FormFacts] = []
    for item in found:
        if item.facts.present:
            print(f"  ... {item.facts.id}: making its form of the image", flush=True)  # noqa: T201
        readied, form = ready(item, image, launcher, payload)
        facts.append(readied.facts)
        if form:
            forms.append(form)
    return _Prepared(runtimes=tuple(facts), image=image_facts(image, recipe, forms), unavailable=unavailable)


def _chosen(found: Sequence[FoundRuntime], runtimes: Sequence[str]) -> tuple[FoundRuntime, ...]:
    """Keep the runtimes asked for; the others stay in their rows as left out."""
    known = {item.facts.id for item in found}
    if unknown := set(runtimes) - known - {"none"}:
        raise EvaluationError(
            f"there is no runtime {', '.join(sorted(unknown))}",
            where="--runtimes",
            advice=f"There are: {', '.join(sorted(known))}; or none.",
        )
    if not runtimes:
        return tuple(found)
    kept = {*runtimes, CONTROL}
    return tuple(
        item
        if item.facts.id in kept
        else FoundRuntime(runtime=item.runtime, facts=absent(item.facts, "left out of this run on request"))
        for item in found
    )


def _resume_or_create(
    site: Site,
    profile: Profile,
    results: Path,
    prepared: _Prepared,
    *,
    fresh: bool,
    seed: int | None,
) -> Run:
    plan = _plan(site, profile, prepared)
    for run in reversed(find_runs(results, site.id)):
        if not fresh and not run.complete and run.manifest.plan == plan:
            run.reopen()
            print(f"going on with the interrupted run {run.path}", flush=True)  # noqa: T201
            return run
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return Run.create(
        results,
        Manifest(
            site=site.id,
            run=f"{stamp}-{profile.name}-{secrets.token_hex(2)}",
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
            unavailable=dict(prepared.unavailable),
        ),
    )


def _plan(site: Site, profile: Profile, prepared: _Prepared) -> str:
    """Digest of everything that must be the same for a run to be gone on with."""
    parts = {
        "site": site.id,
        "profile": profile.name,
        "tool": __version__,
        "probes": sorted((probe.id, probe.version) for probe in discover_probes().values()),
        "runtimes": [
            (facts.id, facts.version, facts.options) for facts in prepared.runtimes if facts.present
        ],
        "image": prepared.image.digest if prepared.image else "",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
