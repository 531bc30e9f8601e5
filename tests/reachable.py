"""Pytest's temporary folders are their owner's alone; the measuring user is somebody else."""

from __future__ import annotations

import tempfile
from pathlib import Path

__all__ = ["reachable"]


def reachable(folder: Path) -> Path:
    """Let everybody into a temporary folder: it, and all above it that are temporary too."""
    for each in (folder, *folder.parents):
        if each == Path(tempfile.gettempdir()):
            break
        each.chmod(0o755)
    return folder
