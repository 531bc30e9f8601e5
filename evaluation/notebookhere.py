"""papermill in this process: for a notebook of ours that only decides, and needs no kernel to shield it.

A kernel costs a second Python with all its imports, and what was read and judged here is read and judged
there once more. A notebook that measures has one all the same: it may be killed, and the command goes on.
"""

from __future__ import annotations

import ast
import traceback
from typing import Any, Final

from nbformat.v4 import new_output
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

from evaluation.errors import EvaluationError

__all__ = ["HERE"]

HERE: Final = "here"
"""The name under which papermill knows this engine."""


class _Here(Engine):  # type: ignore[misc]
    """Runs cell by cell, and keeps what the last expression of each shows."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, *_: Any, **__: Any) -> None:  # noqa: ANN401 - a kernel's name and options
        """Run the cells in one namespace, up to the first that fails.

        Raises
        ------
        EvaluationError
            As the cell raised it: it says what is wrong, and of what. Any other error stands in the cell.
        """
        namespace: dict[str, Any] = {"__name__": "__main__"}
        for index, cell in enumerate(nb_man.nb.cells):
            if cell.cell_type != "code":
                continue
            nb_man.cell_start(cell, index)
            cell.execution_count = index + 1
            try:
                cell.outputs = _shown(_run(cell.source, f"<cell {index + 1}>", namespace))
            except EvaluationError:
                raise
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a cell raises
                cell.outputs = [
                    new_output(
                        "error",
                        ename=type(error).__name__,
                        evalue=str(error),
                        traceback=traceback.format_exc().splitlines(),
                    )
                ]
                nb_man.cell_exception(cell, cell_index=index)
                break
            finally:
                nb_man.cell_complete(cell, cell_index=index)


def _run(source: str, name: str, namespace: dict[str, Any]) -> object:
    """Run a cell; give the value of the expression that it ends with, if it does."""
    body = ast.parse(source, name).body
    last = body[-1] if body else None
    shown = last.value if isinstance(last, ast.Expr) else None
    exec(compile(ast.Module(body[:-1] if shown else body, []), name, "exec"), namespace)  # noqa: S102 - a notebook of ours
    return shown and eval(compile(ast.Expression(shown), name, "eval"), namespace)  # noqa: S307 - as above


def _shown(value: object) -> list[Any]:
    if value is None:
        return []
    data = {"text/plain": repr(value)}
    if hasattr(value, "_repr_html_"):
        data = {"text/html": value._repr_html_()}
    return [new_output("display_data", data=data)]


papermill_engines.register(HERE, _Here)
