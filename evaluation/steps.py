"""The notebooks that measure, one after the other: one that fails costs what it asks, never the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TextIO

from evaluation import notebook
from evaluation.errors import BusyError, EvaluationError
from evaluation.scratch import remove_tree
from evaluation.store import Manifest, Run, find_runs
from evaluation.terminal import visible

__all__ = ["FIRST", "MEASURING", "STEP_FAILED", "failures_told", "note_failures", "take_steps"]

FIRST = "00_site"
"""It opens the run that the others belong to."""
MEASURING = ("10_performance", "20_security", "30_operations", "40_scaling")

STEP_FAILED = 3
"""Exit status of a command whose run is complete, although one of its steps failed."""

_AGAIN = "  ... {step}: its kernel ended; it is run once more from where it stopped\n"


def take_steps(
    notebooks: Path, site: str, results: Path, parameters: Mapping[str, Any], first: Mapping[str, Any],
    terminal: TextIO, opened_run: Callable[[Manifest], None] = lambda _: None,
) -> Run:  # fmt: skip
    """Execute every notebook; give the run, which says of itself what failed.

    A notebook whose kernel ended is executed once more, and goes on where that one stopped.

    Parameters
    ----------
    notebooks, results : Path
        Their folder, and that of the results.
    parameters, first : mapping
        Values for the parameters of all notebooks, and those that only the first has.
    terminal : file
        Where what they print is shown as it comes.
    opened_run : callable, optional
        Is called once it is known which run was opened.

    Raises
    ------
    EvaluationError
        No run could be opened, or another measurement has begun meanwhile: the run can be resumed.
    """
    known = {run.path.name for run in find_runs(results, site)}

    def begun() -> list[str]:
        return [run.path.name for run in find_runs(results, site) if run.path.name not in known]

    def once_more() -> Mapping[str, Any]:
        return {**first, "fresh": False} if begun() else first  # the run that was begun is resumed

    failed: dict[str, str] = {}
    # Under a name that is nobody's: another site, or another node, may begin a run in the same folder.
    opened = Path(mkdtemp(prefix=f".{FIRST}-", dir=results)) / f"{FIRST}.ipynb"
    try:
        name = _executed(notebooks / opened.name, opened, {**parameters, **first}, terminal, once_more)
    except EvaluationError as error:
        if not begun():
            if str(opened) not in str(error):  # else it names the executed notebook
                remove_tree(opened.parent)
            raise
        name, failed[FIRST] = begun()[-1], _told(error)
        terminal.write(visible(f"{FIRST} failed, and the others go on: {failed[FIRST]}\n"))
    except BaseException:
        remove_tree(opened.parent)
        raise
    run = Run(results / site / name)
    opened_run(run.manifest)
    executed = run.path / "executed"
    executed.mkdir(exist_ok=True)
    opened.replace(executed / opened.name)
    remove_tree(opened.parent)
    for step in MEASURING:
        file = f"{step}.ipynb"
        try:
            _executed(notebooks / file, executed / file, {**parameters, "run": name}, terminal)
        except BusyError:
            raise  # nothing is wrong with the step: the run is left as it is, to be resumed
        except EvaluationError as error:
            failed[step] = _told(error)
            terminal.write(visible(f"{step} failed, and the others go on: {failed[step]}\n"))
    note_failures(run, failed)
    return run


def note_failures(run: Run, failed: Mapping[str, str]) -> None:
    """Write into a run's manifest which of its steps failed, and why."""
    if failed:
        run.write_manifest(run.manifest.model_copy(update={"failed": dict(failed)}))


def failures_told(run: Run) -> str:
    """Say which steps of a run failed, and why; empty where none did."""
    return "".join(f"\n  {step}: {why}" for step, why in run.manifest.failed.items())


def _executed(
    path: Path, output: Path, parameters: Mapping[str, Any], terminal: TextIO,
    once_more: Callable[[], Mapping[str, Any]] = dict,
) -> str:  # fmt: skip
    try:
        return notebook.execute(path, output, parameters, terminal=terminal)
    except notebook.KernelEndedError:
        terminal.write(_AGAIN.format(step=path.stem))
        return notebook.execute(path, output, {**parameters, **once_more()}, terminal=terminal)


def _told(error: EvaluationError) -> str:
    """What failed, in one line."""
    return " ".join(f"{error.what} ({error.where})".split() if error.where else error.what.split())
