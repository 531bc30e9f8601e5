"""The page in docs takes its figures from the results that are kept."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.record import load, table

__all__ = ["PAGE", "RESULTS", "filled", "write"]

_ROOT = Path(__file__).parents[1]
PAGE = _ROOT / "docs" / "benchmarks.md"
RESULTS = _ROOT / "benchmarks" / "results"

_SLOT = re.compile(r"<!-- (?P<name>\w+) -->\n.*?<!-- end -->", re.DOTALL)


def filled(text: str, results: Path) -> str:
    """Put each result's table between its marks."""

    def slot(found: re.Match[str]) -> str:
        part = load(results / f"{found['name']}.json")
        return f"<!-- {part.name} -->\n{table(part)}\n<!-- end -->"

    return _SLOT.sub(slot, text)


def write(page: Path, results: Path) -> None:
    """Bring the page up to date."""
    page.write_text(filled(page.read_text(), results))
