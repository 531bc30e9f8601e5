"""A run on its way: packed where it was measured, and added where it is decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from evaluation.archive.hiding import Hider, Private, assert_may_leave, here, site_key
from evaluation.archive.importing import add
from evaluation.archive.packing import Package
from evaluation.archive.packing import pack as made_fit
from evaluation.decide.criteria import load_criteria
from evaluation.decide.findings import judged
from evaluation.decide.sweeps import read_sweep, sweeps_of
from evaluation.errors import EvaluationError
from evaluation.kit import typed
from evaluation.model import ACROSS, SWEEP, Finding
from evaluation.project import root
from evaluation.scratch import scratch_directory
from evaluation.sites import list_sites, load_site
from evaluation.store import Run, find_runs, measurements

__all__ = ["check_name", "import_archive", "pack"]


def check_name(site: str, *, hide: Sequence[str] = (), public: Sequence[str] = ()) -> None:
    """Refuse a site's name that could not leave this machine, before anything is measured.

    Parameters
    ----------
    site : str
        The site.
    hide, public : sequence of str
        As of `pack`.

    Raises
    ------
    EvaluationError
        There is no such site, or its name holds that of a host or a user here.
    """
    assert_may_leave(site, _private(site, hide, public), where=f"sites/{site}.yaml")


def _private(site: str, hide: Sequence[str], public: Sequence[str]) -> Private:
    measured_as = load_site(site, root() / "sites").measure_as
    return here([*hide, *([measured_as] if measured_as else [])], public)


def pack(
    name: str,
    *,
    site: str,
    results: Path | None,
    output: Path | None,
    key: Path | None = None,
    hide: Sequence[str] = (),
    public: Sequence[str] = (),
    agreed: Callable[[str], bool],
) -> str:
    """Pack a run of a site, and the sweeps that a report shows with it; say where it is, and what next.

    Parameters
    ----------
    name : str
        The run's name; empty for the newest finished measurement of the site.
    site : str
        The site.
    results, output, key : Path, optional
        The folder of the results, the archive to write, the file with the site's key.
    hide, public : sequence of str
        Further words that must not leave; words that may, although they are a host's or a user's name.
    agreed : callable
        Is shown the list of contents, and says whether it may be written.

    Raises
    ------
    EvaluationError
        There is no such run, it is not fit to leave, or what was hidden would change what is decided.
    """
    folder = (results or root() / "results").absolute()
    run = _chosen(folder, site, name)
    hider = Hider(key=site_key(key), private=_private(site, hide, public))
    package = made_fit(run, hider, _beside(run, folder))
    _assert_same_findings(run, package)
    if not agreed(package.listing()):
        return "nothing was written"
    target = (output or folder / f"{site}-{run.path.name}.zip").absolute()
    digest = package.write(target)
    return (
        f"packed: {target}\nSHA-256: {digest}\n"
        "Send the file one way and this SHA-256 another; it is added there by\n"
        f"  evaluation import archive {target.name} --sha256 {digest}\n"
        f"where sites/{site}.yaml is: send that too if it is new. Your own report: evaluation report"
    )


def import_archive(path: Path, *, results: Path | None, sha256: str) -> str:
    """Add an archive's run to the results, with what comes beside it; say what was added.

    Raises
    ------
    EvaluationError
        It is not sound, not known, or here already: nothing was added.
    """
    folder = (results or root() / "results").absolute()
    added = add(path, folder, sha256=sha256, sites=list_sites(root() / "sites"), usable=_assert_usable)
    archived, manifest = added.run.archived, added.run.manifest
    changed = f"{archived.changed} of {archived.transcripts}" if archived else "none"
    lines = [
        f"added: {added.run.path}",
        *(f"and beside it: {run.path}" for run in added.beside),
        f"archive SHA-256: {added.sha256}" + (", as its sender says" if sha256 else ""),
        f"site {manifest.site}, measured {manifest.started_at}",
        f"{changed} transcripts were changed before they left",
        "next: evaluation report",
    ]
    if not measurements([added.run]):
        lines[-1] = (
            f"it holds no measurement, only a run of the profile {manifest.profile}, from which nothing is "
            f"decided: ask the site for its measurement (make site SITE={manifest.site} packs it)"
        )
    return "\n".join(lines)


def _assert_usable(run: Run) -> None:
    """Read a run as a report will: what does not work there is refused here."""
    if run.manifest.profile in {SWEEP, ACROSS}:
        read_sweep(run)
    else:
        judged(run, load_criteria(root() / "criteria.yaml"))


def _chosen(results: Path, site: str, name: str) -> Run:
    runs = [
        run
        for run in find_runs(results, site)
        if not name or run.path.name == name.rsplit("/", maxsplit=1)[-1]
    ]
    wanted = runs if name else measurements(runs)
    finished = [run for run in wanted if run.complete] or wanted
    if not finished:
        what = f"there is no run {name}" if name else "nothing was measured for this site"
        raise EvaluationError(
            what + (": what is here is a sweep or a calibration" if runs else ""),
            where=str(results / site),
            advice=f"Measure first: {typed(f'site SITE={site}', f'--site {site}')}.",
        )
    return max(finished, key=lambda run: run.manifest.started_at)


def _beside(run: Run, results: Path) -> dict[str, Run]:
    """Give the sweeps that a report here shows with a measurement; none with what is no measurement."""
    if not measurements([run]):
        return {}
    site = run.path.parent.name
    swept = sweeps_of([each for each in find_runs(results, site) if each.complete], site)
    found = {"sweep": swept.widest, "across": swept.across}
    return {place: Run(results / sweep.folder) for place, sweep in found.items() if sweep}


def _assert_same_findings(run: Run, package: Package) -> None:
    """See that the run decides the same with what was hidden in it."""
    rules = load_criteria(root() / "criteria.yaml")
    with scratch_directory() as folder:
        package.write(folder / "run.zip")
        hidden = add(folder / "run.zip", folder / "results").run
        before, after = (
            {(item.probe, item.runtime): _decides(item) for item in judged(each, rules)}
            for each in (run, hidden)
        )
    if differing := sorted("/".join(cell) for cell in before if before[cell] != after.get(cell)):
        raise EvaluationError(
            f"what was hidden changes what {', '.join(differing[:3])} would say; nothing was written",
            where=str(run.path),
            advice="A name here is also a word of the results: if everybody may know it, --public NAME.",
        )


def _decides(finding: Finding) -> tuple[object, ...]:
    return finding.outcome, finding.verdict, finding.value, finding.ratio, finding.comparison, finding.delta
