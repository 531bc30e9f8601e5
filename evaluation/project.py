"""Where the project's files are, from the command line as from a notebook that was opened by hand."""

from __future__ import annotations

from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.kit import kit_folder

__all__ = ["locate", "root"]

_MARK = "criteria.yaml"


def root() -> Path:
    """Find the project's folder: the working directory, or the nearest one above it; else that of the kit.

    Raises
    ------
    EvaluationError
        We are outside of the project.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / _MARK).is_file():
            return folder
    if kit := kit_folder():
        return kit / "project"
    raise EvaluationError(
        f"no {_MARK} here or in a folder above",
        where=str(here),
        advice="Change into the project's folder, or name the files by absolute paths.",
    )


def locate(path: str | Path) -> Path:
    """Resolve a path: an absolute one stays, a relative one is meant from the project's folder."""
    return Path(path) if Path(path).is_absolute() else root() / path
