"""The pure cost of a notebook: papermill, a kernel and one cell that does nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path

import nbformat

from benchmarks.record import CONFIDENCE, Part, of_interval
from evaluation.notebook import execute
from evaluation.statistics import median_interval

__all__ = ["notebook"]

RUNS = 6
CELLS = {
    "a cell that does nothing": ("from pathlib import Path\nPath(sealed).touch()",),
    "a cell that imports the measuring wing": (
        "from evaluation.measure.run import open_measurement",
        "from evaluation.notebook import seal\nseal(sealed)",
    ),
}


def notebook(scratch: Path, *, runs: int = RUNS) -> Part:
    """Execute small notebooks as the evaluation does; whatever they took is added to what is measured."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])  # so that the kernel finds this very copy
    taken: dict[str, list[float]] = {name: [] for name in CELLS}
    for _ in range(runs):
        for name, cells in CELLS.items():
            source = scratch / "one.ipynb"
            nbformat.write(_made(cells), source)
            began = time.monotonic()
            execute(source, scratch / "executed.ipynb", {})
            taken[name].append(time.monotonic() - began)
    rows = tuple(
        of_interval(name, median_interval(seconds, confidence=CONFIDENCE), "s", f"{runs} runs")
        for name, seconds in taken.items()
    )
    return Part(
        name="notebook",
        title="What a notebook costs",
        answer="This is paid once per notebook, before and after measuring; no timing is taken during it.",
        rows=rows,
        raw=taken,
    )


def _made(cells: tuple[str, ...]) -> nbformat.NotebookNode:
    made: nbformat.NotebookNode = nbformat.v4.new_notebook()
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made.cells = [nbformat.v4.new_code_cell('sealed = ""', metadata={"tags": ["parameters"]})]
    made.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    return made
