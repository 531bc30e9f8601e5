"""How a notebook says that it came to its end; apart from what runs it, which takes long to import."""

from __future__ import annotations

from pathlib import Path

__all__ = ["seal"]


def seal(path: str, answer: str = "done") -> None:
    """Leave the notebook's seal; its last cell calls this. By hand, without a path, nothing is left."""
    if path:
        Path(path).write_text(answer)
