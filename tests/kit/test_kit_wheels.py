"""The Python packages of the kit: what is needed to run, pinned; where each file of a wheel goes."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.kit.wheels import describe, pins, placed

PROJECT = Path(__file__).parents[2]


def wheel(folder: Path, files: dict[str, str], metadata: str = "") -> Path:
    path = folder / "made_up-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr("made_up-1.0.dist-info/METADATA", f"Name: made-up\nVersion: 1.0\n{metadata}")
    return path


def test_what_runs_the_project_is_pinned_and_what_develops_it_stays_out() -> None:
    found = {re.match(r"[A-Za-z0-9._-]+", pin)[0]: pin for pin in pins(PROJECT)}  # type: ignore[index]
    assert {"click", "papermill", "ipykernel", "jupyterlab", "numpy", "pandas", "parsl", "pyzmq"} <= set(
        found
    )
    assert not {"pytest", "mypy", "ruff", "scipy", "playwright", "hypothesis"} & set(found)
    assert all(re.fullmatch(r"\S+==\S+( +--hash=sha256:[0-9a-f]{64})+", pin) for pin in found.values())


def test_a_need_of_another_kind_of_machine_is_asked_of_that_kind(tmp_path: Path) -> None:
    needs = """["click>=8", "numpy; platform_machine == 'aarch64'"]"""
    (tmp_path / "pyproject.toml").write_text(f"[project]\ndependencies = {needs}\n")
    (tmp_path / "requirements.lock").write_text("click==8 \\\n    --hash=sha256:00\n")
    assert len(pins(tmp_path, "x86_64")) == 1
    with pytest.raises(EvaluationError, match="numpy"):
        pins(tmp_path, "aarch64")


def test_a_need_that_the_lock_does_not_have_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["click>=8"]\n')
    (tmp_path / "requirements.lock").write_text("other==1 \\\n    --hash=sha256:00\n")
    with pytest.raises(EvaluationError, match=r"not in requirements\.lock: click"):
        pins(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["no-such-package"]\n')
    with pytest.raises(EvaluationError, match="no-such-package is not installed") as told:
        pins(tmp_path)
    assert "make setup" in told.value.advice


def test_files_go_below_python_s_prefix_and_scripts_find_the_python_beside_them(tmp_path: Path) -> None:
    made = wheel(
        tmp_path,
        {
            "made_up/__init__.py": "1",
            "made_up-1.0.data/purelib/made_up/more.py": "2",
            "made_up-1.0.data/data/share/jupyter/a.json": "3",
            "made_up-1.0.data/headers/a.h": "4",
            "made_up-1.0.data/scripts/work.py": "#!python\nprint(5)\n",
            "made_up-1.0.data/scripts/binary": "\x7fELF",
        },
    )
    found = {path: (content.decode(), program) for path, content, program in placed(made)}
    found.pop("lib/python3/dist-packages/made_up-1.0.dist-info/METADATA")
    script = "#!/bin/sh\n'''exec' \"${0%/*}/python3\" \"$0\" \"$@\"\n' '''\nprint(5)\n"
    assert found == {
        "lib/python3/dist-packages/made_up/__init__.py": ("1", False),
        "lib/python3/dist-packages/made_up/more.py": ("2", False),
        "share/jupyter/a.json": ("3", False),
        "bin/work.py": (script, True),
    }
    compile(script, "work.py", "exec")


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: MIT\nLicense: other\n", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License\nClassifier: Topic :: Text\n", "BSD License"),
        ("License: Apache 2.0\n", "Apache 2.0"),
        ("License: Redistribution\n  and use\n", ""),
        ("", ""),
    ],
)
def test_a_licence_is_what_the_metadata_names(metadata: str, licence: str, tmp_path: Path) -> None:
    assert describe(wheel(tmp_path, {}, metadata)) == ("made-up", "1.0", licence)
