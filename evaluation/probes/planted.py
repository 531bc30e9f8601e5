"""Canaries that an administrator has planted: where an ordinary user's run looks, and what it trusts.

They lie in a folder of a fixed name. It counts where root owns it and all that leads to it, and nobody else
can write, rename or exchange anything there: then nobody but root can have put it there.
`evaluation.planting` plants them.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from evaluation.payload.build import HELPER
from evaluation.scratch import open_to_others

__all__ = ["CLOSED", "DEFAULT_PLACE", "FOLDER", "distrust", "places", "planted"]

FOLDER: Final = "container-evaluation-canaries"
"""The folder's name, in any of `places`."""
CLOSED: Final = "root-only"
"""A file of root's that nobody else may open, in that folder beside the setuid `HELPER`."""
DEFAULT_PLACE: Final = Path("/var/lib")

_SHARED: Final = (Path("/var/tmp"), Path("/tmp"))  # noqa: S108 - looked at, and trusted where it is root's
_MODES: Final = {HELPER: "-rwsr-xr-x", CLOSED: "-rw-------"}


def places() -> tuple[Path, ...]:
    """Where the folder may be: root's own place first, then the shared ones, and this run's own."""
    return tuple(dict.fromkeys((DEFAULT_PLACE, *_SHARED, Path(tempfile.gettempdir()))))


def planted(name: str, *, within: Sequence[Path] = ()) -> Path | None:
    """Find a canary (`HELPER` or `CLOSED`) that can only be root's; nothing where there is none.

    Parameters
    ----------
    within : sequence of Path, optional
        Other places than `places`.
    """
    found = (place / FOLDER / name for place in within or places())
    return next((path for path in found if path.parent.is_dir() and not distrust(path)), None)


def distrust(path: Path) -> str:
    """Say why a canary cannot be trusted; empty where nobody but root can have planted it as it is."""
    if path.parent.is_symlink():
        return f"{path.parent} is a link"
    if loose := open_to_others(path.parent):
        return f"others than root can change what is in {loose}"
    try:
        found = path.lstat()
    except OSError as error:
        return f"{path.name}: {error.strerror}"
    mode = stat.filemode(found.st_mode)
    if found.st_uid != 0 or mode != _MODES[path.name]:
        return f"{path.name} is {mode} of uid {found.st_uid}, not {_MODES[path.name]} of root's"
    unsuitable = os.statvfs(path).f_flag & (os.ST_NOSUID | os.ST_NOEXEC)
    return f"setuid programs cannot work in {path.parent}" if path.name == HELPER and unsuitable else ""
