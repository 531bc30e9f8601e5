"""A software view's variables change nothing in our own Python, pip and kernels, wherever they start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from evaluation.batch import Batch
from evaluation.measure.submission.job_script import preamble
from evaluation.notebook import execute

ROOT = Path(__file__).parents[1]
COMMAND = Path(sys.prefix) / "bin" / "evaluation"
KEPT = {"PIP_INDEX_URL": "https://mirror.example/simple", "PIP_CERT": "/etc/ssl/ours.pem"}


@pytest.fixture
def view(tmp_path: Path) -> dict[str, str]:
    """What a software view sets: modules of its own in place of ours, another home, another place for pip."""
    for name in ("click", "pydantic", "yaml", "IPython"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('this is the software view')\n")
    return {
        "PYTHONPATH": str(tmp_path),
        "PYTHONHOME": "/does/not/exist",
        "PYTHONSTARTUP": str(tmp_path / "click.py"),
        "PYTHONUSERBASE": str(tmp_path),
        "PIP_USER": "1",
        "PIP_TARGET": str(tmp_path / "target"),
        "JUPYTER_PATH": str(tmp_path),
        "IPYTHONDIR": str(tmp_path),
    }


def after(*argv: str, view: dict[str, str]) -> dict[str, str]:
    """Give the environment that a command hands on, started below a software view."""
    done = subprocess.run(
        argv, env=os.environ | view | KEPT, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def test_what_redirects_python_and_pip_is_forgotten_and_the_mirror_stays(view: dict[str, str]) -> None:
    told = after("sh", "-c", ". setup/isolated.sh; env", view=view)
    assert not set(view) & set(told)
    assert told["PYTHONNOUSERSITE"] == "1"
    assert set(KEPT.items()) <= set(told.items())


def test_make_hands_none_of_it_on(view: dict[str, str]) -> None:
    told = after("make", "--no-print-directory", "--eval", "told: ; @env", "told", view=view)
    assert not {name for name in view if not name.startswith("PIP_")} & set(told)
    assert told["PYTHONNOUSERSITE"] == "1"


def test_a_job_s_python_is_ours_whatever_its_site_loads(view: dict[str, str]) -> None:
    loads = tuple(f"export {name}={value}" for name, value in view.items())
    script = "\n".join(
        (*preamble(Batch(engine="slurm", worker_init=loads), "an-id"), "python -m evaluation --version")
    )
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(
    not COMMAND.exists() or "setup/venv" not in COMMAND.read_text(),
    reason="pip wrote this command: make setup",
)
def test_the_command_is_isolated(view: dict[str, str]) -> None:
    done = subprocess.run(
        [COMMAND, "--version"], env=os.environ | view, cwd="/", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def told_by_a_kernel(folder: Path, expression: str) -> str:
    """Run a notebook, and give what an expression comes to in its kernel."""
    parameters = nbformat.v4.new_code_cell("sealed = ''", metadata={"tags": ["parameters"]})
    told = nbformat.v4.new_code_cell(
        f"from pathlib import Path\n_ = Path(sealed).write_text(str({expression}))"
    )
    kernel = {
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
    }
    notebook = folder / "n.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[parameters, told], metadata=kernel), notebook)
    return execute(notebook, folder / "out.ipynb", {})


def test_a_kernel_reads_none_of_the_user_s_start_up_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = tmp_path / "ipython" / "profile_default" / "startup" / "00.py"
    start.parent.mkdir(parents=True)
    start.write_text("theirs = 'from the start-up file'\n")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    assert told_by_a_kernel(tmp_path, "'theirs' in globals()") == "False"
    assert os.environ["IPYTHONDIR"] == str(tmp_path / "ipython")


def test_a_notebook_leaves_nothing_in_the_user_s_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CONFIG_HOME", "CACHE_HOME", "DATA_HOME", "STATE_HOME", "RUNTIME_DIR"):
        monkeypatch.delenv(f"XDG_{name}", raising=False)
    assert told_by_a_kernel(tmp_path, "Path.home()") == str(home)
    assert [*home.rglob("*")] == []
    assert "IPYTHONDIR" not in os.environ


# -- the Python that the set-up takes ------------------------------------------------------------------


def closed_python(tmp_path: Path) -> Path:
    """A Python below a folder that only its owner can enter, as pyenv's is below /root."""
    own = Path(sys.executable).resolve()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "python3").write_text(f'#!/bin/sh\nexec {closed}/python "$@"\n')
    (closed / "python3").chmod(0o755)
    subprocess.run([own, "-m", "venv", "--copies", "--without-pip", closed / "home"], check=True)
    (closed / "python").symlink_to(closed / "home" / "bin" / "python3")
    return closed / "python3"


def set_up(folder: Path, **env: str) -> str:
    """Say what setup/venv says up to where it would install, which it cannot here."""
    done = subprocess.run(
        [ROOT / "setup" / "venv", folder], capture_output=True, text=True, check=False,
        env=os.environ | {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull} | env,
    )  # fmt: skip
    assert done.returncode != 0
    assert not (folder / ".complete").exists()
    return done.stdout + done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="needs root: another user's Python is that user's own")
def test_root_s_closed_python_is_said_where_it_was_named(tmp_path: Path) -> None:
    python = closed_python(tmp_path)
    said = set_up(tmp_path / "venv", PYTHON=str(python))
    assert f"cannot run {python}: it lies below a closed folder" in said
    assert "make PYTHON=/usr/bin/python3 setup" in said


@pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("python3", path="/usr/bin") is None,
    reason="needs root and Debian's Python",
)
def test_in_place_of_root_s_closed_python_one_is_taken_that_everybody_can_run(tmp_path: Path) -> None:
    closed = closed_python(tmp_path).parent
    said = set_up(tmp_path / "venv", PYTHON="python3", PATH=f"{closed}:{os.environ['PATH']}")
    assert "/usr/bin/python3 is taken" in said
    assert (tmp_path / "venv" / "bin" / "python3").resolve() == Path("/usr/bin/python3").resolve()
