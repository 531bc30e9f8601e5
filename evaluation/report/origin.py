"""What a report was made from: carried by the page as data, so that it can be made again and compared.

It is the one part of a page that may differ from what is made again. Nothing in it is shown to a reader.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from evaluation import __version__

__all__ = ["Origin", "place_of", "project_files", "tool"]

PACKAGE: Final = Path(__file__).parents[1]
_WRITERS: Final = ("jinja2", "markupsafe", "mistune", "nbconvert", "numpy")
"""Libraries whose versions show in a page."""
_CODE: Final = frozenset({".css", ".j2", ".js", ".json", ".py"})
_READ: Final = (
    "advisories.yaml",
    "costs.yaml",
    "images/*/ledger.jsonl",
    "inventory.yaml",
    "notebooks/90_decision.ipynb",
    "results/reference/*/security-calibration.json",
    "scaling.yaml",
    "sites/*.yaml",
)
"""The project's files from which a report is made, beside its criteria, which the page carries whole."""
_DIGITS: Final = 16

_Place = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*){1,2}$")]


class Origin(BaseModel):
    """What a report was made from.

    Parameters
    ----------
    tool : str
        The tool and the libraries that wrote the page, with their versions and a digest of our code.
    runs : tuple of str
        The runs shown, as ``site/run``, in their order.
    read : tuple of str
        Everything that was read of the results' folder: runs, sweeps, calibrations, imported files.
    files : dict of str to str
        The project's files that were read, with the first digits of their SHA-256.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    tool: str
    runs: tuple[_Place, ...] = Field(min_length=1)
    read: tuple[_Place, ...]
    files: dict[str, str]

    def changed(self, files: Mapping[str, str]) -> tuple[str, ...]:
        """Name the files that are others now, or not there any more, or new."""
        every = sorted({*self.files, *files})
        return tuple(name for name in every if self.files.get(name) != files.get(name))


def place_of(path: Path) -> str:
    """Name a run by its folder in the results: ``site/run``."""
    return f"{path.parent.name}/{path.name}"


def project_files(folder: Path) -> dict[str, str]:
    """Give the digests of the files in the project's folder from which a report is made."""
    found = sorted({path for pattern in _READ for path in folder.glob(pattern)})
    return {str(path.relative_to(folder)): _digest([path]) for path in found}


@cache
def tool() -> str:
    """Name this tool and what it writes with; another one may write another page."""
    code = _digest(sorted(path for path in PACKAGE.rglob("*") if path.suffix in _CODE))
    libraries = [f"{name} {version(name)}" for name in _WRITERS]
    python = ".".join(platform.python_version_tuple()[:2])
    return f"{__version__} (code {code}, Python {python}, {', '.join(libraries)})"


def _digest(paths: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:_DIGITS]
