"""Whether a report says what its results and its criteria say: its answer is decided again and compared.

A report carries the data that its answer was decided from, and the criteria file that was signed. Both are
taken from the page; the results are those on disk, whose hashes are checked as always.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from evaluation.errors import EvaluationError
from evaluation.report.chapters.what_if import laid_out
from evaluation.report.packing import unpacked
from evaluation.report.rewriting import put_together
from evaluation.report.source import Case
from evaluation.report.whatif import data

__all__ = ["Carried", "carried", "differences"]

_DATA: Final = re.compile(r'<script type="application/json" id="what-if-data">(.*?)</script>', re.DOTALL)
_NOT_TEXT: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)
_ADVICE: Final = "Give a report.html that evaluation report wrote; older ones carried no data."
_MISSING: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a report carries: its data, the criteria file as it was signed, its runs, and its words."""

    data: dict[str, Any]
    criteria: str
    runs: tuple[str, ...]
    words: str


def carried(report: Path) -> Carried:
    """Read what a report carries.

    Raises
    ------
    EvaluationError
        The file cannot be read, or carries none.
    """
    try:
        page = report.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"cannot be read: {error}", where=str(report), advice=_ADVICE) from None
    found = _DATA.search(page)
    try:
        held = json.loads(found[1]) if found else None
        if isinstance(held, str):
            held = unpacked(held)  # of a large report
        if held:  # compared as it is: not every library packs it to the same bytes
            held["file"] = unpacked(held["file"])
        text = put_together(held["file"]) if held else ""
        runs = tuple(str(site["run"]) for site in held["sites"]) if held else ()
    except (ValueError, KeyError, TypeError, IndexError):
        held, text, runs = None, "", ()
    if held is None or not text or not runs:
        raise EvaluationError(
            "carries no data to decide from, or damaged ones", where=str(report), advice=_ADVICE
        )
    return Carried(data=held, criteria=text, runs=runs, words=_plain(html.unescape(_NOT_TEXT.sub(" ", page))))


def differences(report: Carried, case: Case) -> tuple[str, ...]:
    """Decide again and name everything in which the report differs.

    Parameters
    ----------
    report : Carried
        What the report carries.
    case : Case
        The same runs, decided by the criteria that the report carries.
    """
    again = json.loads(json.dumps(data(case, laid_out(case))))
    again["file"] = unpacked(again["file"])
    found = list(_unlike(report.data, again, ""))
    found += [
        f"the page does not say: {decision.sentence}"
        for site in case.measured
        for decision in site.decision.use_cases
        if _plain(decision.sentence) not in report.words
    ]
    return tuple(found)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _unlike(ours: object, again: object, place: str) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(again, dict):
        for key in dict.fromkeys((*ours, *again)):
            yield from _unlike(
                ours.get(key, _MISSING), again.get(key, _MISSING), f"{place}.{key}".lstrip(".")
            )
    elif isinstance(ours, list) and isinstance(again, list):
        for at, (one, other) in enumerate(zip_longest(ours, again, fillvalue=_MISSING)):
            yield from _unlike(one, other, f"{place}[{at}]")
    elif ours != again or type(ours) is not type(again):
        yield f"{place}: the report has {_short(ours)}, its results give {_short(again)}"


def _short(value: object) -> str:
    return "nothing" if value is _MISSING else json.dumps(value)[:80]
