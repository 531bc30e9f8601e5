"""Modules that people add, a file each: imported with their faults told as sentences, not as tracebacks."""

from __future__ import annotations

import traceback
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from evaluation.errors import EvaluationError

__all__ = ["file_of", "imported", "place_of"]

_TOP = Path(__file__).parents[1]


def file_of(path: str | Path) -> str:
    """Name a file as it stands in the project; of one elsewhere, its name alone."""
    found = Path(path)
    return str(found.relative_to(_TOP)) if found.is_relative_to(_TOP) else found.name


def place_of(error: BaseException, home: str) -> str:
    """Say where something broke, as ``file:line``.

    Parameters
    ----------
    home : str
        The file that is asked about: its innermost line counts. Where it has none, that of all files does.
    """
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{file_of(error.filename)}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    frame = ([frame for frame in frames if frame.filename == home] or frames)[-1]
    return f"{file_of(frame.filename)}:{frame.lineno}"


def imported(module: str, what: str) -> ModuleType:
    """Import a module that somebody has added.

    Parameters
    ----------
    what : str
        What it is, as in "this probe".

    Raises
    ------
    EvaluationError
        It cannot be imported: what is wrong, in which line of which file.
    """
    try:
        return import_module(module)
    except EvaluationError:
        raise
    except Exception as error:
        found = find_spec(module)
        home = (found.origin if found else "") or ""
        raise EvaluationError(
            f"{what} cannot be imported: {type(error).__name__}: {_said(error)}",
            where=place_of(error, home),
            advice="Fix that line, or move the file out of this folder.",
        ) from error


def _said(error: Exception) -> str:
    return (error.msg if isinstance(error, SyntaxError) else str(error)).strip()
