"""What a reviewer asks of results that are there: nothing is measured, no page is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from evaluation import commands
from evaluation.decide.changed import changed
from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.decide.findings import findings_of
from evaluation.decide.owed import totals
from evaluation.decide.weights import with_weights
from evaluation.documents import unknown
from evaluation.errors import EvaluationError
from evaluation.files import write_atomically
from evaluation.imported import keep
from evaluation.probes.registry import discover
from evaluation.project import root
from evaluation.report import changes, onepage, weighing
from evaluation.report.load import choose_runs, load_case
from evaluation.report.origin import place_of, project_files, tool
from evaluation.report.plain import FORMATS, written
from evaluation.report.source import Case, SiteCase
from evaluation.report.verifying import Carried, carried, differences, results_again
from evaluation.scratch import scratch_directory
from evaluation.sites import load_site
from evaluation.store import Run, find_runs, measurements
from evaluation.units import quantity
from evaluation.yamltree import read

__all__ = [
    "FORMATS",
    "compare",
    "compress",
    "decided",
    "import_docker_bench",
    "points",
    "site_page",
    "verify",
    "weights_diff",
    "weights_set",
    "weights_show",
]

_SHOWN = 8
"""So many differences of a report are named."""


def decided(form: str, *, results: Path | None, runs: str, criteria: Path | None) -> str:
    """Decide from results on disk; give the answer in a form of `evaluation.report.plain.FORMATS`.

    Raises
    ------
    EvaluationError
        There are no results, they are damaged, or the configuration is faulty.
    """
    return written(_case(results, runs, criteria), form)


def compare(before: str, after: str, *, results: Path | None, criteria: Path | None) -> str:
    """Say what changed between two runs of one site.

    Parameters
    ----------
    before, after : str
        As ``RUN`` or ``SITE/RUN``.

    Raises
    ------
    EvaluationError
        There is no such run, or they are of different sites.
    """
    folder, rules = _results(results), _criteria(criteria)
    runs = [_chosen(folder, name)[0] for name in (before, after)]
    old, new = (findings_of(run, rules) for run in runs)
    found = changed(old, new, rules)
    old_case, new_case = (_own(run, _case(folder, _name_of(run), criteria)) for run in runs)
    return changes.text(found, rules, old_case, new_case)


def _own(run: Run, case: Case) -> SiteCase:
    """Of a case that has a site's run, and maybe what other sites borrow, the site's."""
    return next(site for site in case.measured if site.folder == _name_of(run))


def _name_of(run: Run) -> str:
    return f"{run.path.parent.name}/{run.path.name}"


def compress(names: Sequence[str], *, results: Path | None) -> str:
    """Pack runs to keep or to send them; say what that saved.

    Parameters
    ----------
    names : sequence of str
        Each as ``RUN``, ``SITE/RUN``, or ``SITE`` for its newest.

    Raises
    ------
    EvaluationError
        There is no such run, or one is not complete, or damaged.
    """
    lines = []
    folder = _results(results)
    for run in choose_runs(find_runs(folder), names, where=str(folder)):
        before = _bytes_of_lines(run)
        run.pack()
        after = _bytes_of_lines(run)
        lines.append(
            f"{run.path.parent.name}/{run.path.name}: {quantity(before, 'B')} are {quantity(after, 'B')}"
        )
    return "\n".join(lines)


def _bytes_of_lines(run: Run) -> int:
    return sum(path.stat().st_size for path in run.path.glob("*.jsonl*"))


def import_docker_bench(path: Path, *, site: str, results: Path | None) -> str:
    """Keep a result of docker-bench-security beside a site's runs; say what is in it.

    Raises
    ------
    EvaluationError
        There is no such site, or the file is something else.
    """
    load_site(site, root() / "sites")
    kept = keep(path, _results(results), site)
    counts = ", ".join(f"{number} {result}" for result, number in kept.result.counts.items())
    idle = sum(check.cannot_fail for check in kept.result.checks)
    return f"kept: {kept.place}\n{counts}; {idle} of these checks cannot fail, whatever they find"


def site_page(site: str, *, results: Path | None, criteria: Path | None, output: Path | None) -> Path:
    """Write the one page of a site; return its path.

    Raises
    ------
    EvaluationError
        There is no such site, or there are no results at all.
    """
    load_site(site, root() / "sites")  # says what there is
    names = {run.path.parent.name for run in measurements(find_runs(_results(results)))}
    case = _case(results, site if site in names else "", criteria)
    target = output or _results(results) / f"site-{site}.html"
    write_atomically(target.absolute(), onepage.site_page(case, site))
    return target


def verify(report: Path, *, results: Path | None) -> str:
    """Write a report again, from its results and the criteria that it carries, and compare every character.

    Raises
    ------
    EvaluationError
        It differs, with the first difference; or the report or its results cannot be read.
    """
    held = carried(report)
    with scratch_directory() as folder:
        rules = folder / "criteria.yaml"
        rules.write_bytes(held.criteria.encode())
        again = commands.report(
            results=results_again(held.origin, _results(results).absolute(), folder / "results"),
            runs=" ".join(held.origin.runs),
            criteria=rules,
            output=folder / "again.html",
        )
        if found := list(islice(differences(held.page, again.read_text(encoding="utf-8")), _SHOWN)):
            raise EvaluationError(
                "the report does not say what its results say:\n  " + "\n  ".join(found),
                where=str(report),
                advice=_advice(held),
            )
    ours = (root() / "criteria.yaml").read_bytes().decode("utf-8")
    same = "the project's" if ours == held.criteria else "not the project's of today"
    said = (
        f"verified: {', '.join(held.origin.runs)}; every character of the report follows from these results "
        f"and its criteria ({same})"
    )
    return "\n".join((said, *_left_aside(held, _results(results))))


def _advice(held: Carried) -> str:
    """Say why a report may differ although nobody changed it."""
    causes = []
    if held.origin.tool != tool():
        causes.append(f"It was made by another version of the tool: {held.origin.tool}; here is {tool()}.")
    if files := held.origin.changed(project_files(root())):
        causes.append(f"The project's files are not those it was made from: {', '.join(files)}.")
    if causes:
        return " ".join([*causes, "Verify it with those, or write it anew with evaluation report."])
    return "Do not rely on it; write it anew with evaluation report."


def _left_aside(held: Carried, results: Path) -> Iterator[str]:
    """Name the results of the same sites that the report is not made from."""
    sites = {name.partition("/")[0] for name in held.origin.runs}
    there = [place_of(run.path) for site in sorted(sites) for run in find_runs(results, site)]
    if others := [name for name in reversed(there) if name not in held.origin.read]:
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        yield f"not in this report, though in the results: {', '.join(others[:_SHOWN])}{more}"


def weights_show(use_case: str, *, results: Path | None, criteria: Path | None) -> str:
    """Lay out the weights, with how far each may go where there are results."""
    rules = _criteria(criteria)
    if use_case and use_case not in rules.use_cases:
        raise EvaluationError(unknown("use case", use_case, rules.use_cases), where="criteria.yaml")
    names = (use_case,) if use_case else tuple(rules.use_cases)
    return weighing.table(rules, _case_if_any(results, criteria), names)


def weights_set(
    use_case: str,
    points: Mapping[str, float],
    *,
    reason: str = "",
    dry_run: bool = False,
    results: Path | None,
    criteria: Path | None,
) -> str:
    """Write weights into the criteria file, comments kept; say what that changes, and where it was written.

    With ``dry_run`` it is only said.
    """
    path = criteria or root() / "criteria.yaml"
    before, was = _criteria(path), _case_if_any(results, path)
    text = with_weights(path, use_case, points, reason)
    with scratch_directory() as folder:
        trial = folder / path.name
        trial.write_bytes(text.encode())
        after, now = _criteria(trial), _case_if_any(results, trial)
        told = weighing.difference(before, after, (was, now) if was and now else None)
        short = _short_of_points(trial)
    if text == path.read_bytes().decode():
        return told
    if dry_run:
        written = f"nothing was written (--dry-run); without it: {path}"
    else:
        write_atomically(path, text)
        written = f"written: {path}"
    if before == after:
        told = (
            "no weight changed; the reason would be"
            if dry_run
            else "no weight changed; the reason was written"
        )
    return "\n".join([told, *short, written])


def _short_of_points(path: Path) -> list[str]:
    """Say of each use case whose weights are not the points that they should be."""
    return [
        f"WARNING: the weights of {name} add up to {total:g}, not to {wanted:g}, as evaluation validate asks"
        for name, (total, wanted) in totals(read(path)).items()
        if total != wanted
    ]


def points(words: Sequence[str]) -> dict[str, float]:
    """Read ``CRITERION=POINTS`` words; a group may stand for a criterion.

    Raises
    ------
    EvaluationError
        One of them is something else.
    """
    found = {}
    for word in words:
        name, _, number = word.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            raise EvaluationError(
                f"{word!r} is no weight", advice="write CRITERION=POINTS, as in time=50"
            ) from None
    return found


def weights_diff(other: Path, *, results: Path | None, criteria: Path | None) -> str:
    """Say what would change, were another criteria file taken in place of the project's."""
    before, was = _criteria(criteria), _case_if_any(results, criteria)
    after, now = _criteria(other), _case_if_any(results, other)
    told = weighing.difference(before, after, (was, now) if was and now else None)
    return "\n".join([told, *_short_of_points(other)])


def _criteria(path: Path | None) -> Criteria:
    return load_criteria(path or root() / "criteria.yaml", probes=tuple(discover()))


def _results(results: Path | None) -> Path:
    return results or root() / "results"


def _chosen(results: Path, runs: str) -> Sequence[Run]:
    return choose_runs(find_runs(results), runs.replace(",", " ").split(), where=str(results))


def _case(results: Path | None, runs: str, criteria: Path | None) -> Case:
    here = root()
    _criteria(criteria)  # every fault at once, those that only probes tell among them
    return load_case(
        results=_results(results).absolute(),
        criteria=(criteria or here / "criteria.yaml").absolute(),
        sites=here / "sites",
        runs=runs,
    )


def _case_if_any(results: Path | None, criteria: Path | None) -> Case | None:
    """Decide where there is anything to decide from; weights can be looked at without."""
    if not measurements(find_runs(_results(results))):
        return None
    return _case(results, "", criteria)
