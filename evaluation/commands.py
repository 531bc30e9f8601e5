"""What the commands do, callable from Python too; ``cli`` only reads their options."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from evaluation import doctor as checkup
from evaluation import notebook, validation
from evaluation.blocks import shortage
from evaluation.decide import owed
from evaluation.decide.checklist import known_checklists, unpublished_reason
from evaluation.decide.costs import load_costs
from evaluation.decide.criteria import load_criteria
from evaluation.decide.farm import load_scaling
from evaluation.decide.findings import checklist_of, findings_of
from evaluation.decide.supply import load_advisories
from evaluation.documents import schema_text, unknown
from evaluation.errors import EvaluationError, Fault, FaultyDocumentError
from evaluation.files import require_writable
from evaluation.images import kept as shelf
from evaluation.images.build import BuiltImage
from evaluation.images.recipe import containerfile, definition, list_images, load_recipe
from evaluation.inventory import load_inventory
from evaluation.kit import typed
from evaluation.measure import discovery
from evaluation.measure.alone import alone
from evaluation.measure.conformance import Result
from evaluation.measure.images import built_image, images_kept, runner
from evaluation.measure.knobs import CALIBRATED
from evaluation.measure.launcher import Command, Launcher, now
from evaluation.measure.profiles import profile_named
from evaluation.measure.run import measured_already, open_measurement
from evaluation.measure.submission.remote import goes_to_a_node, run_on_node
from evaluation.measure.sweep import sweep as take_sweep
from evaluation.measure.sweep import sweep_across
from evaluation.measure.user import measuring_user, ourselves
from evaluation.model import CALIBRATION, CONTROL, DEFAULT_IMAGE, SECURITY_CALIBRATION, Outcome, Role
from evaluation.planting import lacking
from evaluation.probes import catalogue
from evaluation.probes.base import Probe
from evaluation.probes.faults import probe_faults
from evaluation.probes.registry import discover as discover_probes
from evaluation.probes.registry import find, group_of
from evaluation.project import root
from evaluation.report import preview
from evaluation.report.build import render
from evaluation.report.export import FORMATS as FINDINGS_FORMATS
from evaluation.report.load import choose_runs
from evaluation.report.transcript import transcript
from evaluation.runtimes import known_runtimes
from evaluation.scratch import remove_tree, scratch_directory
from evaluation.sites import list_sites, load_site
from evaluation.steps import failures_told, take_steps
from evaluation.store import Run, RuntimeFacts, find_runs, require_results
from evaluation.terminal import visible
from evaluation.units import quantity
from evaluation.workloads import list_workloads, load_workload

__all__ = [
    "FINDINGS_FORMATS",
    "calibrate_security",
    "calibrate_timing",
    "conform",
    "docs",
    "doctor",
    "findings",
    "images",
    "lost_vetoes",
    "probe",
    "report",
    "run",
    "sweep",
    "validate",
]


def doctor(site: str, *, everything: bool = False) -> checkup.Checkup:
    """Look at this machine, with what a site's file says of it."""
    return checkup.examine(load_site(site, root() / "sites"), everything=everything)


def validate(criteria: Path | None = None, *, reviewed: bool = True) -> list[Fault]:
    """Check every file that a person writes, or one file of criteria instead; return all faults.

    ``reviewed`` asks for what the criteria owe their reviewers too, which stops no measurement.
    """
    runtimes = known_runtimes().values()
    here = root()
    images = tuple(sorted(path.parent.name for path in (here / "images").glob("*/image.yaml")))
    faults = [] if criteria else probe_faults(images)
    faults += validation.validate(
        criteria or here / "criteria.yaml",
        here / "sites",
        probes=_probe_units(),
        runtimes=tuple(runtime.id for runtime in runtimes),
        families=tuple({runtime.family for runtime in runtimes}),
        reviewed=reviewed,
    )
    if criteria:
        return faults
    workloads = here / "workloads"
    checks: list[Callable[[], object]] = [partial(load_recipe, here / "images", name) for name in images]
    checks.append(partial(load_advisories, here / "advisories.yaml"))
    checks.append(partial(_inventory, here, images))
    checks.append(partial(load_scaling, here / "scaling.yaml"))
    checks.append(partial(load_costs, here / "costs.yaml", sites=list_sites(here / "sites")))
    checks += [partial(load_workload, workloads, name, images=images) for name in list_workloads(workloads)]
    for check in checks:
        try:
            check()
        except FaultyDocumentError as error:
            faults.extend(error.faults)
    return faults


def lost_vetoes(criteria: Path | None = None) -> list[str]:
    """Say which knock-outs of the committed criteria are not in the project's, or in another file.

    Nothing is said where nothing is committed, or either cannot be read: that is a fault, told by `validate`.
    """
    here = root()
    with suppress(EvaluationError), scratch_directory() as folder, Launcher(ourselves()) as launcher:
        argv = ("git", "-C", str(here), "show", "HEAD:./criteria.yaml")
        found = launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=10)
        (folder / "criteria.yaml").write_bytes(found.stdout)
        after = load_criteria(criteria or here / "criteria.yaml")
        return list(owed.lost_vetoes(load_criteria(folder / "criteria.yaml"), after)) if found.ok else []
    return []


def _inventory(here: Path, images: tuple[str, ...]) -> None:
    """Check the inventory, against the criteria where those can be read."""
    try:
        rules = load_criteria(here / "criteria.yaml")
    except EvaluationError:  # said elsewhere
        load_inventory(here / "inventory.yaml", images=images)
    else:
        load_inventory(
            here / "inventory.yaml", criteria=rules.criteria, use_cases=rules.use_cases, images=images
        )


def _probe_units() -> dict[str, str] | None:
    """All probes, each with its unit; nothing where one is faulty, which is said elsewhere."""
    try:
        return {probe.id: probe.unit for probe in discover_probes().values()}
    except EvaluationError:
        return None


def image_build(name: str, *, user: str) -> BuiltImage:
    """Build one image as the measuring user, or take the kept one."""
    with Launcher(measuring_user(user)) as launcher:
        return built_image(name, root() / "images", launcher)


def run(
    *,
    site: str,
    profile: str,
    runtimes: str,
    results: Path | None = None,
    user: str,
    ladder: str = "",
    fresh: bool = False,
    if_needed: bool = False,
) -> Path:
    """Measure by executing the notebooks, one after the other; return the run's folder.

    Where the site has a batch system, one of its nodes does that, in a job that is submitted for it.

    ``results`` is the folder of the results, by default the project's.

    With ``if_needed``, a complete run of what would be measured now is good enough (`measured_already`), and
    nothing is measured.

    Raises
    ------
    EvaluationError
        The configuration is faulty, or no run could be opened: nothing is measured then. A step that fails
        later is noted in the run's manifest.
    """
    if faults := validate(reviewed=False):
        raise FaultyDocumentError(faults)
    here = root()
    where = load_site(site, here / "sites")  # a name that is none stops here, not in the first notebook
    profile_named(profile)
    for runtime in runtimes.split():
        _require_runtime(runtime, or_else=("none",))
    results = (results or here / "results").absolute()
    if goes_to_a_node(where.batch):
        require_results(results, site)
        words = [
            "run",
            "--site",
            site,
            "--profile",
            profile,
            "--results",
            str(results),
        ]
        words += [word for runtime in runtimes.split() for word in ("--runtime", runtime)]
        words += [word for image in ladder.split() for word in ("--image", image)]
        words += ["--as", user, *["--fresh"] * fresh, *["--if-needed"] * if_needed]
        return run_on_node(where, words, results)
    if if_needed and (
        kept := measured_already(
            where,
            profile,
            runtimes,
            results,
            user,
            images=here / "images",
            ladder=ladder.split(),
        )
    ):
        _tell(
            f"measured already, {kept.finished_at}; the machine is as it was, so nothing is measured again\n"
            f"  ({typed('report FRESH=1', f'run --site {site} --fresh')} does)"
        )
        _warn_of_shortage(kept)
        _warn_of_failures(kept)
        return kept.path
    require_results(results, site)
    common = {
        "site": site,
        "profile": profile,
        "runtimes": runtimes,
        "results": str(results),
        "sites": str(here / "sites"),
        "images": str(here / "images"),
        "criteria": str(here / "criteria.yaml"),
        "measure_as": user,
    }
    for lack in lacking():
        _tell(f"without root, no answer about {lack.what}: {lack.why}\n  {lack.advice}")
    who = measuring_user(user or where.measure_as or "", bare_host=runtimes.split() == ["none"])
    with images_kept(who) as keep:
        measured = take_steps(
            here / "notebooks", site, results, common, {"ladder": ladder, "fresh": fresh}, sys.stdout, keep
        )
    measured.finish(now())
    _warn_of_shortage(measured)
    _warn_of_failures(measured)
    if left := measured.residue():
        _tell("\n  ".join(["this appeared while it was measured, and is still there:", *left]))
    return measured.path


def _tell(text: str) -> None:
    sys.stdout.write(f"{visible(text)}\n")


def _warn_of_shortage(measured: Run) -> None:
    if told := shortage(measured.observations()):
        _tell(f"warning: {told}")


def _warn_of_failures(measured: Run) -> None:
    if problem := measured.manifest.payload_problem:
        _tell(f"warning: no runtime was measured: {problem}")
    if told := failures_told(measured):
        _tell(f"warning: not everything was measured: these steps failed{told}")


def report(
    *, results: Path | None = None, runs: str = "", criteria: Path | None = None, output: Path | None = None
) -> Path:
    """Decide from results on disk and write the report; return its path.

    ``results`` and ``criteria`` are the project's by default, ``output`` stands in ``results``.

    Raises
    ------
    EvaluationError
        There are no results, they are damaged, or the configuration is faulty.
    """
    here = root()
    results, criteria = results or here / "results", criteria or here / "criteria.yaml"
    load_criteria(criteria, probes=tuple(discover_probes()))  # every fault at once, before all else
    target = (output or results / "report.html").absolute()
    # Beside the page, where we may write, and under a name that is nobody's: it is kept only if it fails.
    require_writable(target.parent, "Name another place for the report: --output FILE.")
    folder = Path(mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    executed = folder / "90_decision.ipynb"
    try:
        notebook.execute(
            here / "notebooks" / executed.name,
            executed,
            {
                "results": str(results.absolute()),
                "criteria": str(criteria.absolute()),
                "sites": str(here / "sites"),
                "runs": runs,
            },
            here=True,
        )
        render(executed, target)
    except BaseException as error:
        if str(folder) not in str(error):  # else it names the executed notebook
            remove_tree(folder)
        raise
    remove_tree(folder)
    return target


def findings(
    names: Sequence[str] = (),
    *,
    form: str,
    results: Path | None = None,
    runs: str = "",
    criteria: Path | None = None,
) -> str:
    """Assess results on disk and write their findings as text, in a form of `FINDINGS_FORMATS`.

    ``names`` are probes, by id or by number in the checklist; without any, all are meant.

    Raises
    ------
    EvaluationError
        There are no results, they are damaged, or there is no such probe.
    """
    here = root()
    results = results or here / "results"
    rules = load_criteria(criteria or here / "criteria.yaml", probes=tuple(discover_probes()))
    wanted = {find(name).id for name in names}
    chosen = choose_runs(find_runs(results), runs.replace(",", " ").split(), where=str(results))
    found = [item for run in chosen for item in findings_of(run, rules)]
    return FINDINGS_FORMATS[form]([item for item in found if not wanted or item.probe in wanted])


def probe(
    name: str, *, runtimes: Sequence[str], blocks: int, show: bool, site: str, user: str
) -> tuple[str, tuple[str, ...]]:
    """Ask one question of runtimes and of the host; return what came out, as text, and who gave no answer.

    Raises
    ------
    EvaluationError
        There is no such probe or runtime, or it is not here.
    """
    asked = find(name)
    for runtime in runtimes:
        _require_runtime(runtime)
    here = root()
    where = load_site(site, here / "sites")
    with Launcher(measuring_user(user or where.measure_as or "")) as launcher:
        _require_presence(
            item.facts for item in discovery.discover(where, launcher) if item.facts.id in runtimes
        )
    with (
        scratch_directory() as folder,
        open_measurement(
            where,
            results=folder,
            images=here / "images",
            runtimes=runtimes,
            user=user,
            blocks=blocks,
            ladder=[asked.image],
        ) as measurement,
    ):
        _require_presence(facts for facts in measurement.manifest.runtimes if facts.id in runtimes)
        measurement.measure(group_of(asked.id), only=(asked.id,))
        findings = [
            finding
            for finding in findings_of(
                measurement.run, load_criteria(here / "criteria.yaml"), only_published=False
            )
            if finding.probe == asked.id and finding.runtime in {CONTROL, *runtimes}
        ]
        told = transcript(findings, measurement.run, show=show)
    reason = asked.checklist_id and unpublished_reason(
        asked.id, asked.version, known_checklists(here / "results" / site)
    )
    silent = tuple(
        f"no answer from {finding.runtime}: {finding.message}"
        for finding in findings
        if finding.runtime in runtimes and finding.outcome in {Outcome.ERROR, Outcome.UNAVAILABLE}
    )
    return (f"{told}\n\nnot published in reports: {reason}" if reason else told), silent


def _require_runtime(name: str, *, or_else: tuple[str, ...] = ()) -> None:
    known = (*known_runtimes(), *or_else)
    if name not in known:
        raise EvaluationError(unknown("runtime", name, known), where="--runtime")


def _require_presence(found: Iterable[RuntimeFacts]) -> None:
    for facts in found:
        if not facts.present:
            raise EvaluationError(facts.reason, where=facts.id, advice=facts.advice)


def conform(*, site: str, runtimes: Sequence[str], user: str) -> Iterator[Result]:
    """Ask of every runtime here whether it does what its adapter says; nothing is kept.

    Raises
    ------
    EvaluationError
        There is no such site or runtime, or a measurement is under way.
    """
    here = root()
    for runtime in runtimes:
        _require_runtime(runtime, or_else=("none",))
    with (
        scratch_directory() as folder,
        open_measurement(
            load_site(site, here / "sites"),
            results=folder,
            images=here / "images",
            runtimes=runtimes,
            user=user,
            ladder=[DEFAULT_IMAGE],
        ) as measurement,
    ):
        yield from measurement.conform()


def sweep(
    *,
    site: str,
    runtimes: Sequence[str],
    most: int,
    probes: Sequence[str],
    repeats: int,
    budget_s: float = 0.0,
    nodes: int = 1,
    fresh: bool = False,
    results: Path | None = None,
    user: str = "",
) -> str:
    """Start many containers at once, in a run of its own; return what came out, as text.

    Where the site has a batch system, one of its nodes does that, in a job that is submitted for it;
    or several ``nodes`` do it together.

    Raises
    ------
    EvaluationError
        There is no such site or runtime, or a measurement is under way.
    """
    here = root()
    for runtime in runtimes:
        _require_runtime(runtime)
    where, results = load_site(site, here / "sites"), (results or here / "results").absolute()
    if nodes > 1:
        run, said = sweep_across(
            where,
            nodes=nodes,
            results=results,
            images=here / "images",
            runtimes=runtimes,
            most=most,
            probes=probes,
            repeats=repeats,
            budget_s=budget_s,
            fresh=fresh,
            user=user,
        )
        return f"{preview.across_text(run)}\n\n{said}\nmeasured: {os.path.relpath(run.path)}"
    if goes_to_a_node(where.batch):
        require_results(results, site)
        words = [
            "sweep",
            "--site",
            site,
            "--max",
            str(most),
            "--repeats",
            str(repeats),
            "--budget",
            str(budget_s),
        ]
        words += [word for runtime in runtimes for word in ("--runtime", runtime)]
        words += [word for probe in probes for word in ("--probe", probe)]
        words += ["--results", str(results), "--as", user, *["--fresh"] * fresh]
        return f"swept on a node: {os.path.relpath(run_on_node(where, words, results))}"
    run, said = take_sweep(
        where,
        results=results,
        images=here / "images",
        runtimes=runtimes,
        most=most,
        probes=probes,
        repeats=repeats,
        budget_s=budget_s,
        fresh=fresh,
        user=user,
    )
    return f"{preview.sweep_text(run)}\n\n{said}\nmeasured: {os.path.relpath(run.path)}"


def calibrate_timing(
    *, site: str, blocks: int, results: Path | None, user: str
) -> tuple[str, tuple[str, ...]]:
    """Hold the bare host against itself alone, in a run of its own; return what it tells, and what broke.

    Nothing is decided from such a run. A ``blocks`` of 0 takes as many as the profile says.
    """
    here = root()
    groups: dict[str, list[str]] = {}
    for asked in discover_probes().values():
        if asked.repeat == "paired":
            groups.setdefault(group_of(asked.id), []).append(asked.id)
    with open_measurement(
        load_site(site, here / "sites"),
        profile=CALIBRATION,
        results=(results or here / "results").absolute(),
        images=here / "images",
        runtimes=["none"],
        user=user,
        blocks=blocks,
        fresh=bool(blocks),
    ) as measurement:
        for group, probes in groups.items():
            measurement.measure(group, only=probes)
        done = measurement.finish()
    found_here = [
        facts for facts in done.manifest.runtimes if facts.version and facts.role is Role.ALTERNATIVE
    ]
    text = preview.calibration_text(
        done, here / "criteria.yaml", comparisons=sum(map(len, groups.values())) * max(1, len(found_here))
    )
    hosts = [
        finding
        for finding in findings_of(done, load_criteria(here / "criteria.yaml"))
        if finding.runtime == CONTROL
    ]
    faults = [f"{item.probe} broke: {item.message}" for item in hosts if item.outcome is Outcome.ERROR]
    if not faults and not any(item.outcome is Outcome.MEASURED for item in hosts):
        faults.append(f"nothing was measured: {hosts[0].message if hosts else 'no probe was taken'}")
    return text, tuple(faults)


def calibrate_security(
    attempts: Sequence[str] = (),
    *,
    site: str,
    runtimes: Sequence[str],
    repeats: int,
    results: Path | None,
    user: str,
) -> tuple[str, tuple[str, ...]]:
    """Make every attempt with one flag more at a time; return the tables, and what is wrong, a sentence each.

    All is well when what was asked for was there and answered, the null flipped nothing, and turns that were
    taken again came to the same verdict.

    Parameters
    ----------
    attempts : sequence of str
        Only these, by id or by number in the checklist, in a run of their own.
    runtimes : sequence of str
        Only the flags of these, and nothing else; by default those of `CALIBRATED`, and all runtimes here.
    repeats : int
        Turns of every attempt on every runtime as it is.
    """
    here, wanted = root(), runtimes or CALIBRATED
    groups: dict[str, list[str]] = {}
    for asked in map(find, attempts or discover_probes()):
        if asked.checklist_id:
            groups.setdefault(group_of(asked.id), []).append(asked.id)
        elif attempts:
            raise EvaluationError(f"{asked.id} is no attempt of the security checklist", where="ATTEMPTS")
    with open_measurement(
        load_site(site, here / "sites"),
        profile=SECURITY_CALIBRATION,
        fresh=bool(attempts),
        results=(results or here / "results").absolute(),
        images=here / "images",
        runtimes=runtimes,
        user=user,
        ladder=sorted({find(id_).image for ids in groups.values() for id_ in ids}),
        knobs=wanted,
    ) as measurement:
        missing = [
            f"{facts.id} is not here: {facts.reason}"
            for facts in measurement.manifest.runtimes
            if facts.id in wanted and not facts.present
        ]
        if not any(facts.knob for facts in measurement.manifest.runtimes):
            raise EvaluationError(
                f"no flag can be tried: {'; '.join(missing)}",
                where="evaluation calibrate security",
                advice="evaluation doctor says what to do.",
            )
        for group, ids in groups.items():
            measurement.measure(group, only=ids)
        for group, ids in groups.items():
            measurement.repeat(group, repeats, only=ids)
        done = measurement.finish()
    checklist = checklist_of(done, load_criteria(here / "criteria.yaml"))
    text = "\n".join([preview.checklist_text(checklist), *(() if runtimes else missing)])
    return text, (*(missing if runtimes else ()), *checklist.faults())


def images(*, site: str, user: str, clean: bool = False, names: Sequence[str] = ()) -> str:
    """List what is kept of images between runs, in the user's cache and in the engines; or remove it.

    ``names`` are those of images; without any, all are meant.

    Raises
    ------
    EvaluationError
        A measurement is under way, there is no such image, or something could not be removed.
    """
    recipes = root() / "images"
    here = load_site(site, root() / "sites")
    for name in names:
        load_recipe(recipes, name)  # says what there is
    with Launcher(measuring_user(user or here.measure_as or "")) as launcher, alone():
        present = [  # a mode has no images of its own
            item.runtime
            for item in discovery.discover(here, launcher)
            if item.facts.present and not item.runtime.base
        ]
        items = [
            item
            for item in shelf.kept(launcher.user.cache, present, runner(launcher))
            if not names or item.image in names
        ]
        if clean:
            shelf.remove(items, runner(launcher))
    lines = [f"{_size(item.size_bytes):>10}  {item.what}\n{'':>10}  in {item.where}" for item in items]
    if clean:
        return "\n".join([*lines, "removed" if items else "nothing is kept"])
    last = "evaluation image clean removes it; the next run makes it anew" if items else "nothing is kept"
    built = {item.image for item in items}
    unbuilt = [
        f"{_size(load_recipe(recipes, name).size_bytes):>10}  image {name}, not here: "
        f"evaluation image build {name}"
        for name in list_images(recipes)
        if name not in built
    ]
    return "\n".join([*lines, last, *unbuilt])


def _size(size_bytes: int | None) -> str:
    return "?" if size_bytes is None else quantity(size_bytes, "B")


def docs(*, check: bool) -> list[Path]:
    """Write what is generated, or only look; return the files that are (or were) out of date."""
    here = root()
    groups: dict[str, list[Probe]] = {}
    for asked in discover_probes().values():
        groups.setdefault(group_of(asked.id), []).append(asked)
    wanted = {here / "docs" / "probes.md": catalogue.render(groups)}
    wanted |= {here / "docs" / file: schema_text(model) for file, model in validation.SCHEMAS.items()}
    for path in sorted((here / "images").glob("*/image.yaml")):
        recipe = load_recipe(here / "images", path.parent.name)
        wanted[path.with_name("Containerfile")] = containerfile(recipe, path.parent.name)
        if (text := definition(recipe, path.parent.name)) is not None:
            wanted[path.with_name("image.def")] = text
    stale = [
        path
        for path, text in wanted.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    if not check:
        for path in stale:
            path.write_text(wanted[path], encoding="utf-8")
    return stale
