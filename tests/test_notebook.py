"""What papermill lets pass in silence stops here: with real kernels."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from evaluation import notebook
from evaluation.errors import EvaluationError
from evaluation.measure.progress import PREFIX
from evaluation.notebook import _Redrawing, execute, seal

PARAMETERS = "message = 'by default'\nsealed = ''"
SEAL = "from evaluation.notebook import seal\nseal(sealed, message)"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(*cells: str, parameters: str = PARAMETERS, last: str = SEAL) -> Path:
        first = new_code_cell(parameters, metadata={"tags": ["parameters"]})
        rest = [new_code_cell(source) for source in (*cells, last) if source]
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        path = tmp_path / "made_up.ipynb"
        nbformat.write(new_notebook(cells=[first, *rest], metadata=metadata), path)
        return path

    return written


def test_a_notebook_that_runs_to_its_end_answers_and_is_kept(write: Write, tmp_path: Path) -> None:
    path = write("print('a line')\nprint('  ... progress')", "1 + 1")
    output, terminal = tmp_path / "executed" / "made_up.ipynb", io.StringIO()
    assert execute(path, output, {"message": "as given"}, terminal=terminal) == "as given"
    assert terminal.getvalue() == "a line\n  ... progress\n"
    kept = nbformat.read(output, as_version=4)
    assert [cell.outputs[0].data["text/plain"] for cell in kept.cells if cell.source == "1 + 1"] == ["2"]
    assert [found.name for found in output.parent.iterdir()] == ["made_up.ipynb"]  # no seal is left
    assert "outputs" in path.read_text()
    assert '"2"' not in path.read_text()  # and the committed one is untouched


def test_the_kernel_speaks_through_sockets_in_a_folder_that_only_we_can_enter(
    write: Write, tmp_path: Path
) -> None:
    path = write(
        "import json, os\n"
        "from pathlib import Path\n"
        "from ipykernel.connect import get_connection_file\n"
        "file = Path(get_connection_file())\n"
        "told = json.loads(file.read_text())\n"
        "fds = [Path('/proc/self/fd', number) for number in os.listdir('/proc/self/fd')]\n"
        "sockets = {os.readlink(fd) for fd in fds if fd.is_symlink()}\n"
        "rows = [line.split() for line in Path('/proc/net/tcp').read_text().splitlines()[1:]]\n"
        "listening = [row[1] for row in rows if row[3] == '0A' and f'socket:[{row[9]}]' in sockets]\n"
        "from ipykernel.kernelapp import IPKernelApp\n"
        "forked = f'0100007F:{IPKernelApp.instance().iopub_thread._pipe_port:04X}'  # for output alone\n"
        "listening = [address for address in listening if address != forked]\n"
        "mode = file.parent.stat().st_mode & 0o777\n"
        "message = json.dumps([told['transport'], told['ip'], str(file), mode, listening])\n"
    )
    transport, ip, file, mode, listening = json.loads(execute(path, tmp_path / "out.ipynb", {}))
    folder = Path(file).parent
    assert (transport, Path(ip).parent, mode, listening) == ("ipc", folder, 0o700, [])
    assert folder.parent == Path(tempfile.gettempdir())
    assert not folder.exists()


def test_an_unknown_parameter_is_told_the_one_that_was_meant(write: Write, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no parameter 'mesage', did you mean 'message'") as told:
        execute(write(), tmp_path / "out.ipynb", {"mesage": 1})
    assert told.value.advice == "There are: message, sealed."
    assert not (tmp_path / "out.ipynb").exists()


def test_a_notebook_that_cannot_be_sealed_is_not_run(write: Write, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="there is no parameter 'sealed'"):
        execute(write(parameters="message = 1"), tmp_path / "out.ipynb", {})


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"cells": 1}'])
def test_what_is_no_notebook_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "broken.ipynb"
    if text is not None:
        path.write_text(text)
    with pytest.raises(EvaluationError, match=r"broken\.ipynb: (is no notebook|there is no parameter)"):
        execute(path, tmp_path / "out.ipynb", {"message": 1})


def test_a_failing_cell_is_named_with_its_error(write: Write, tmp_path: Path) -> None:
    output = tmp_path / "out.ipynb"
    with pytest.raises(EvaluationError) as told:
        execute(write("x = 1", "x / 0", "print('not reached')"), output, {})
    assert told.value.what == "ZeroDivisionError: division by zero"
    assert told.value.where == "made_up.ipynb, cell 4"
    assert str(output) in told.value.advice
    assert "ZeroDivisionError" in output.read_text()


def test_an_error_of_ours_reads_as_on_the_command_line(write: Write, tmp_path: Path) -> None:
    cell = (
        "from evaluation.errors import EvaluationError\n"
        "raise EvaluationError('went wrong', where='here', advice='mend it')"
    )
    with pytest.raises(EvaluationError) as told:
        execute(write(cell), tmp_path / "out.ipynb", {})
    assert told.value.what == "here: went wrong\n  mend it"


@pytest.mark.parametrize("cell", ["import sys; sys.exit(0)", "quit()"])
def test_leaving_early_is_no_success(write: Write, tmp_path: Path, cell: str) -> None:
    # A kernel that was told to quit takes what it was sent already: the last cell must not be among it.
    later = ["import time; time.sleep(0.5)"] * 6
    with pytest.raises(EvaluationError, match=r"ended before its last cell|kernel ended|SystemExit"):
        execute(write(cell, *later), tmp_path / "out.ipynb", {})


def test_a_killed_kernel_is_no_success(write: Write, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"the notebook's kernel ended: .*died"):
        execute(write("import os; os.kill(os.getpid(), 9)"), tmp_path / "out.ipynb", {})


EITHER = pytest.mark.parametrize("here", [True, False], ids=["here", "in a kernel"])


def test_a_notebook_that_runs_here_shows_what_its_cells_end_with(write: Write, tmp_path: Path) -> None:
    shown = "class Chapter:\n    def _repr_html_(self):\n        return '<p>' + message\n\nChapter()"
    path = write("import os\nplace = os.getpid()", "place", shown)
    output = tmp_path / "executed" / "made_up.ipynb"
    assert execute(path, output, {"message": "as given"}, here=True) == "as given"
    kept = nbformat.read(output, as_version=4)
    outputs = [cell.outputs for cell in kept.cells]
    assert [found[0].data for found in outputs if found] == [
        {"text/plain": str(os.getpid())},
        {"text/html": "<p>as given"},
    ]


@EITHER
def test_where_a_cell_fails_no_later_one_runs(write: Write, tmp_path: Path, *, here: bool) -> None:
    output, later = tmp_path / "out.ipynb", tmp_path / "later"
    with pytest.raises(EvaluationError) as told:
        execute(write("x = 1", "x / 0", f"open({str(later)!r}, 'w')"), output, {}, here=here)
    assert told.value.what == "ZeroDivisionError: division by zero"
    assert str(output) in told.value.advice
    assert "x / 0" in output.read_text()
    assert not later.exists()


def test_an_error_of_ours_is_itself_where_the_notebook_runs_here(write: Write, tmp_path: Path) -> None:
    cell = (
        "from evaluation.errors import EvaluationError\n"
        "raise EvaluationError('went wrong', where='here', advice='mend it')"
    )
    with pytest.raises(EvaluationError) as told:
        execute(write(cell), tmp_path / "out.ipynb", {}, here=True)
    assert (told.value.what, told.value.where, told.value.advice) == ("went wrong", "here", "mend it")


def test_leaving_early_is_no_success_here_either(write: Write, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="ended before its last cell"):
        execute(write("import sys; sys.exit(0)"), tmp_path / "out.ipynb", {}, here=True)


def test_an_old_seal_seals_nothing(write: Write, tmp_path: Path) -> None:
    (tmp_path / "out.sealed").write_text("from the last time")
    with pytest.raises(EvaluationError, match="ended before its last cell"):
        execute(write(last=""), tmp_path / "out.ipynb", {})


def test_a_seal_is_left_where_it_is_asked_for(tmp_path: Path) -> None:
    seal("")
    seal(str(tmp_path / "seal"), "answer")
    assert (tmp_path / "seal").read_text() == "answer"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_progress_is_redrawn_in_place() -> None:
    terminal = Terminal()
    shown = _Redrawing(terminal)
    assert shown.write(f"{PREFIX}one\n") == len(f"{PREFIX}one\n")
    shown.write(f"{PREFIX}two\n\n")
    shown.write("done\n")
    shown.write("and on\n")
    assert terminal.getvalue() == f"{PREFIX}one\r\x1b[K{PREFIX}two\r\x1b[Kdone\nand on\n"


def test_a_kernel_that_does_not_answer_is_not_said_to_have_ended(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a shared file system that is slow: there is patience, and then the true cause."""
    assert notebook._START_S > 60
    spec = tmp_path / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text('{"argv": ["sh", "-c", "sleep 60"], "display_name": "slow", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setattr(notebook, "_START_S", 1)
    with pytest.raises(EvaluationError, match="did not answer within 1 s of its start") as told:
        execute(write(), tmp_path / "out.ipynb", {})
    assert "slow" in told.value.advice
