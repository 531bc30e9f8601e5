"""Tables as CSV for a spreadsheet: the one place where they are written, and guarded.

A spreadsheet runs text that begins like a formula, and what stands in a table may come from a container.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

from evaluation.report.text import visible

__all__ = ["as_csv"]

_FORMULA: Final = re.compile(r"(\A\s*|[;\t]\s*)(?=[=+@\uff1d\uff0b\uff20-]|\t)")
"""Where a spreadsheet takes a text for a formula: at its start, in the wide characters of East Asia too, and
behind what separates cells in other languages. Source: OWASP, "CSV Injection"."""


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
    return _FORMULA.sub(lambda found: f"{found[0]}'" if found.start() else f"'{found[0]}", visible(value))
