"""The committed notebooks are thin: prose that explains why, and calls into the package."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from evaluation.steps import MEASURING

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = (
    "00_site",
    "10_performance",
    "20_security",
    "30_operations",
    "40_scaling",
    "50_developer",
    "90_decision",
)
BANNED = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.AsyncFor, ast.While, ast.If,
    ast.Try, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip


@pytest.fixture(params=NAMES)
def notebook(request: pytest.FixtureRequest) -> NotebookNode:
    found: NotebookNode = nbformat.read(FOLDER / f"{request.param}.ipynb", as_version=4)
    nbformat.validate(found)
    return found


def code(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_these_and_no_others() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == list(NAMES)
    by_hand = {"00_site", "50_developer", "90_decision"}
    assert set(MEASURING) == set(NAMES) - by_hand


def test_it_is_committed_without_outputs(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_it_is_thin(notebook: NotebookNode) -> None:
    for source in code(notebook):
        tree = ast.parse(source)  # "!" and "%" are no Python, and fail here
        assert not [node for node in ast.walk(tree) if isinstance(node, BANNED)], source
        assert len(source.splitlines()) <= 15, source


def test_it_has_one_cell_of_parameters_with_plain_values(notebook: NotebookNode) -> None:
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert code(notebook)[0] == tagged[0].source
    names = set()
    for statement in ast.parse(tagged[0].source).body:
        assert isinstance(statement, ast.Assign)
        (target,) = statement.targets
        assert isinstance(target, ast.Name)
        ast.literal_eval(statement.value)
        names.add(target.id)
    assert {"results", "criteria", "sites", "sealed"} <= names


def test_it_imports_nothing_but_the_package_and_seals_in_its_last_line(notebook: NotebookNode) -> None:
    for source in code(notebook):
        for node in ast.walk(ast.parse(source)):
            assert not isinstance(node, ast.Import), source
            if isinstance(node, ast.ImportFrom):
                assert node.module
                assert node.module.split(".")[0] == "evaluation"
    assert code(notebook)[-1].splitlines()[-1].startswith("seal(sealed")


def test_prose_comes_first_and_before_every_result(notebook: NotebookNode) -> None:
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds[0] == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    words = sum(len(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown")
    assert words >= 60
    assert kinds.count("markdown") >= 3


def test_what_is_opened_is_closed(notebook: NotebookNode) -> None:
    text = "\n".join(code(notebook))
    assert ("open_measurement(" in text) == ("measurement.close()" in text)
