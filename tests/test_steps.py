"""A step of a measurement that fails costs that step: the others are taken, and the run says what failed."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import nbformat
import pytest
from made_up_run import manifest
from nbformat.v4 import new_code_cell, new_notebook

from evaluation.errors import BusyError, EvaluationError
from evaluation.steps import FIRST, MEASURING, failures_told, take_steps
from evaluation.store import Run

MANIFEST = manifest()
ROOT = Path(__file__).parents[1]
SEAL = "from evaluation.sealing import seal\nseal(sealed, {})"


def write(folder: Path, step: str, *cells: str, answer: str = "'done'") -> None:
    parameters = 'results = ""\nname = ""\nrun = ""\nfresh = False\nsealed = ""'
    first = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    rest = [new_code_cell(cell) for cell in (*cells, SEAL.format(answer))]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=[first, *rest], metadata=metadata), folder / f"{step}.ipynb")


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """Notebooks that note that they were run; the first says which run was opened."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write(folder, FIRST, answer="name")
    for step in MEASURING:
        write(folder, step, f"open(results + '/{step}.taken', 'a').write('x')")
    return folder


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    Run.create(folder, MANIFEST)
    return folder


def taken(notebooks: Path, results: Path, name: str = MANIFEST.run) -> tuple[Run, str]:
    terminal = io.StringIO()
    values = {"results": str(results), "name": name}
    return take_steps(
        notebooks, MANIFEST.site, results, values, {"fresh": False}, terminal
    ), terminal.getvalue()


def test_a_step_that_fails_costs_that_step(notebooks: Path, results: Path) -> None:
    write(notebooks, "20_security", "1 / 0")
    run, told = taken(notebooks, results)
    assert dict(run.manifest.failed) == {
        "20_security": "ZeroDivisionError: division by zero (20_security.ipynb, cell 3)"
    }
    assert "20_security failed, and the others go on" in told
    assert "ZeroDivisionError" in failures_told(run)
    assert {path.stem for path in results.glob("*.taken")} == {*MEASURING} - {"20_security"}
    assert {path.stem for path in (run.path / "executed").iterdir()} == {FIRST, *MEASURING}


def test_who_executes_them_is_told_of_the_run_before_the_others_begin(notebooks: Path, results: Path) -> None:
    told: list[tuple[str, list[Path]]] = []
    values = {"results": str(results), "name": MANIFEST.run}
    take_steps(
        notebooks, MANIFEST.site, results, values, {"fresh": False}, io.StringIO(),
        lambda manifest: told.append((manifest.run, [*results.glob("*.taken")])),
    )  # fmt: skip
    assert told == [(MANIFEST.run, [])]


def test_what_lies_in_the_results_folder_stays_what_it_was(notebooks: Path, results: Path) -> None:
    (results / f"{FIRST}.ipynb").write_text("my own work")
    taken(notebooks, results)
    assert (results / f"{FIRST}.ipynb").read_text() == "my own work"
    assert {path.suffix for path in results.iterdir()} == {"", ".ipynb", ".taken"}
    assert not [path for path in results.iterdir() if path.name.startswith(".")]


def test_a_kernel_that_was_killed_is_taken_up_once_more(notebooks: Path, results: Path) -> None:
    killed = "import os\nfrom pathlib import Path\nmark = Path(results, 'killed')\n"
    once = f"{killed}if not mark.exists():\n    mark.touch()\n    os.kill(os.getpid(), 9)"
    write(notebooks, "10_performance", once)
    write(notebooks, "30_operations", "import os\nos.kill(os.getpid(), 9)")
    run, told = taken(notebooks, results)
    assert list(run.manifest.failed) == ["30_operations"]
    assert "kernel ended" in run.manifest.failed["30_operations"]
    assert "10_performance: its kernel ended; it is run once more" in told
    assert (results / "40_scaling.taken").exists()


def test_a_run_that_a_killed_kernel_had_begun_is_resumed_and_not_begun_again(
    notebooks: Path, results: Path
) -> None:
    """Else a run would be left behind, interrupted, for whoever measures next."""
    later = MANIFEST.model_copy(update={"run": "20991231T000000Z-000-trial"})
    made = (
        "import os\nfrom pathlib import Path\nfrom evaluation.store import Manifest, Run\nif fresh:\n"
        f"    Run.create(Path(results), Manifest.model_validate_json({later.model_dump_json()!r}))\n"
        "    os.kill(os.getpid(), 9)"
    )
    write(notebooks, FIRST, made, answer=repr(later.run))
    values = {"results": str(results), "name": ""}
    run = take_steps(notebooks, MANIFEST.site, results, values, {"fresh": True}, io.StringIO())
    assert run.path.name == later.run
    assert not run.manifest.failed


def test_an_interruption_leaves_no_folder_of_the_first_step(
    notebooks: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("evaluation.notebook.execute", interrupted)
    with pytest.raises(KeyboardInterrupt):
        taken(notebooks, results)
    assert not [path for path in results.iterdir() if path.name.startswith(".")]


def test_a_first_step_that_was_not_executed_leaves_no_folder(notebooks: Path, results: Path) -> None:
    (notebooks / f"{FIRST}.ipynb").write_text("no notebook")
    with pytest.raises(EvaluationError, match="is no notebook"):
        taken(notebooks, results)
    assert not [path for path in results.iterdir() if path.name.startswith(".")]


def test_a_first_step_that_opened_a_run_costs_itself_too(notebooks: Path, results: Path) -> None:
    later = MANIFEST.model_copy(update={"run": "20991231T000000Z-000-trial"})
    made = (
        "from pathlib import Path\nfrom evaluation.store import Manifest, Run\n"
        f"Run.create(Path(results), Manifest.model_validate_json({later.model_dump_json()!r}))\n1 / 0"
    )
    write(notebooks, FIRST, made)
    run, _ = taken(notebooks, results)
    assert run.path.name == later.run
    assert list(run.manifest.failed) == [FIRST]
    assert (results / "40_scaling.taken").exists()


def test_a_machine_that_somebody_else_measures_on_meanwhile_fails_no_step(
    notebooks: Path, results: Path
) -> None:
    """The run is left as it is, to be resumed; its steps were not asked."""
    write(notebooks, "30_operations", "from evaluation.errors import BusyError\nraise BusyError('under way')")
    with pytest.raises(BusyError, match="under way"):
        taken(notebooks, results)
    assert not Run(results / MANIFEST.site / MANIFEST.run).manifest.failed
    assert not (results / "40_scaling.taken").exists()


def test_without_a_run_there_is_nothing_to_go_on_with(notebooks: Path, results: Path) -> None:
    write(notebooks, FIRST, "1 / 0")
    with pytest.raises(EvaluationError, match="ZeroDivisionError"):
        taken(notebooks, results)
    assert not list(results.glob("*.taken"))


@pytest.mark.parametrize(("status", "reported"), [(0, True), (3, True), (1, False), (130, False)])
@pytest.mark.parametrize(("target", "after"), [("report", "report"), ("site", "site pack")])
def test_make_reports_what_was_measured_and_tells_what_failed(
    tmp_path: Path, target: str, after: str, status: int, *, reported: bool
) -> None:
    """With a fake of the evaluation's command that notes what it was asked, and ends so when it measures."""
    fake = tmp_path / "evaluation"
    fake.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\n[ "$1" != run ] || exit {status}\n')
    fake.chmod(0o755)
    words = ["make", target, f"EVALUATION={fake}", "--old-file=setup", "--old-file=runtimes"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    asked = (tmp_path / "asked").read_text().splitlines()
    if target == "site":
        assert asked.pop(0) == "site pack --check-name --site local", "before anything is measured"
    assert asked[0].startswith("run --site local")
    assert [line.startswith(after) for line in asked[1:]] == [True] * reported
    assert (done.returncode == 0) is (status == 0)
