"""Tables as CSV for a spreadsheet: the one place where they are written, and guarded.

A spreadsheet runs text that begins like a formula, and what stands in a table may come from a container.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from evaluation.report.text import visible

__all__ = ["as_csv"]

_FORMULA: Final = ("=", "+", "-", "@", "\t")
"""What makes a spreadsheet take a text for a formula. Source: OWASP, "CSV Injection"."""


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write rows under a line with the names of their columns (RFC 4180, but Unix lines).

    A quote before it makes text again of what would be run; numbers stay numbers.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows([_harmless(value) for value in row] for row in rows)
    return text.getvalue()


def _harmless(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = visible(value)
    # Some programs skip the spaces before it.
    return f"'{text}" if text.lstrip(" \n").startswith(_FORMULA) else text
