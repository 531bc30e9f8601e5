"""papermill, made strict: what it lets pass in silence stops here.

papermill only logs an unknown parameter, and calls a notebook complete whose kernel died or which left by
``sys.exit(0)``. Here a parameter must exist, and a notebook counts as run only if nothing was raised *and*
its last cell has left its seal.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from traitlets.config import Config

from evaluation.errors import BusyError, EvaluationError
from evaluation.measure.progress import PREFIX
from evaluation.scratch import scratch_directory
from evaluation.sealing import seal
from evaluation.terminal import visible

__all__ = ["KernelEndedError", "execute", "seal"]

_START_S = 900
"""Patience with a kernel's start: to read a virtual environment from a shared file system takes minutes."""
_NEVER_READY = "Kernel didn't respond"
"""How nbclient says that a kernel that was started did not answer."""


class KernelEndedError(EvaluationError):
    """A notebook's kernel ended before its time: it was killed, or crashed."""


def execute(
    notebook: Path,
    output: Path,
    parameters: Mapping[str, Any],
    *,
    terminal: TextIO | None = None,
    here: bool = False,
) -> str:
    """Run a notebook from top to bottom and keep it with its outputs.

    Parameters
    ----------
    notebook, output : Path
        What to run, and where the executed notebook goes; its folder is made.
    parameters : mapping
        Values for the notebook's parameters.
    terminal : file, optional
        Where what the notebook prints is shown as it comes.
    here : bool
        Whether it runs in this process, without a kernel (`evaluation.notebookhere`): for a notebook that
        only decides. It is then kept only at its end.

    Returns
    -------
    str
        What the last cell put into the seal.

    Raises
    ------
    EvaluationError
        A parameter is unknown, a cell failed, the kernel died, or the last cell did not run. Of a notebook
        that runs here, an error of ours is raised as it is.
    """
    import papermill  # noqa: PLC0415 - half a second, for which no other command has to wait
    from nbclient.exceptions import DeadKernelError  # noqa: PLC0415 - as above
    from papermill.exceptions import PapermillExecutionError  # noqa: PLC0415 - as above

    _require_parameters(notebook, {**parameters, "sealed": ""})
    output.parent.mkdir(parents=True, exist_ok=True)
    mark = output.with_suffix(".sealed")
    mark.unlink(missing_ok=True)
    try:
        with _engine(terminal, here=here) as options:
            papermill.execute_notebook(
                str(notebook),
                str(output),
                parameters={**parameters, "sealed": str(mark)},
                kernel_name="python3",
                progress_bar=False,
                cwd=str(notebook.parent),
                **options,
            )
    except PapermillExecutionError as error:
        kinds: list[type[Exception]] = [EvaluationError, *EvaluationError.__subclasses__()]
        ours = {kind.__name__ for kind in kinds}
        raise (BusyError if error.ename == BusyError.__name__ else EvaluationError)(
            str(error.evalue) if error.ename in ours else f"{error.ename}: {error.evalue}",
            where=f"{notebook.name}, cell {error.exec_count}",
            advice=f"The executed notebook with its traceback: {output}",
        ) from None
    except (DeadKernelError, RuntimeError) as error:
        if _NEVER_READY in str(error):
            raise EvaluationError(
                f"the notebook's kernel did not answer within {_START_S} s of its start",
                where=notebook.name,
                advice="Is the file system of the virtual environment slow, or this machine overloaded?",
            ) from None
        raise KernelEndedError(
            f"the notebook's kernel ended: {error}",
            where=notebook.name,
            advice="It may have been killed for lack of memory. Run again: what was measured is kept.",
        ) from None
    if not mark.exists():
        raise EvaluationError(
            "the notebook ended before its last cell",
            where=notebook.name,
            advice=f"The executed notebook: {output}",
        )
    answer = mark.read_text()
    mark.unlink()
    return answer


@contextmanager
def _engine(terminal: TextIO | None, *, here: bool) -> Iterator[dict[str, Any]]:
    """Give papermill's options for where the cells run: here, or in a kernel with a folder of its own."""
    if here:
        from evaluation.notebookhere import HERE  # noqa: PLC0415 - as in `execute`

        yield {"engine_name": HERE, "request_save_on_cell_execute": False}
        return
    with scratch_directory(for_sockets=True) as private, _own_ipython(private):
        yield {
            "stdout_file": terminal and _Redrawing(terminal),
            "start_timeout": _START_S,
            "config": _kernel_config(private),
            # Without this the kernel reports on the terminal that it was asked to end.
            "extra_arguments": ["--log-level=CRITICAL"],
        }


@contextmanager
def _own_ipython(folder: Path) -> Iterator[None]:
    """Let IPython, here and in the kernel, have its folder in one of ours, and not in the user's home.

    So it makes none there, and reads none of the user's: start-up files would run in our kernel.
    """
    former = os.environ.get("IPYTHONDIR")
    os.environ["IPYTHONDIR"] = str(folder)
    try:
        yield
    finally:
        del os.environ["IPYTHONDIR"]
        if former is not None:
            os.environ["IPYTHONDIR"] = former


def _require_parameters(notebook: Path, parameters: Mapping[str, Any]) -> None:
    import papermill  # noqa: PLC0415 - as in `execute`

    try:
        known = papermill.inspect_notebook(str(notebook))
    except Exception as error:  # noqa: BLE001 - nbformat stumbles over damage in any way there is
        raise EvaluationError(f"is no notebook: {error}", where=str(notebook)) from None
    for name in parameters:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise EvaluationError(
                f"there is no parameter {name!r}" + (f", did you mean {near[0]!r}?" if near else ""),
                where=str(notebook),
                advice=f"There are: {', '.join(sorted(known)) or 'none'}.",
            )


def _kernel_config(folder: Path) -> Config:
    """Have the kernel speak through sockets in a folder of ours.

    By default it speaks unencrypted TCP on loopback, and other users of a login node could join in. In
    the home directory a socket's path may be too long, or its file system may know no sockets. One port
    remains and cannot be turned off: ipykernel's own for the output of forked children, which takes
    nothing without a random key and runs nothing.
    """
    return Config({"KernelManager": {"transport": "ipc", "connection_file": str(folder / "kernel.json")}})


class _Redrawing:
    """Shows printed text; lines of progress are redrawn in place where a person is looking."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._pending = False

    def write(self, text: str) -> int:
        for line in map(visible, text.splitlines()):
            if not line.strip():
                continue
            progress = line.startswith(PREFIX)
            if self._live:
                self._stream.write("\r\x1b[K" if self._pending else "")
                self._stream.write(line if progress else f"{line}\n")
                self._pending = progress
            else:
                self._stream.write(f"{line}\n")
        self._stream.flush()
        return len(text)

    def flush(self) -> None:
        self._stream.flush()
