"""Whether a report says what its results and its criteria say: it is written again and compared.

A report carries the criteria that were signed, and what else it was made from (`evaluation.report.origin`).
With these it is written again, from the results on disk, and the two pages are compared character by
character: every word, attribute, style, script and comment. What is packed, and the data that the script
reads, are compared by what they say: compression differs from library to library, and the last digits of a
sum from processor to processor. What the page was made from is not compared; nothing of it is shown.
"""

from __future__ import annotations

import html
import json
import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from evaluation.errors import EvaluationError
from evaluation.report.origin import Origin
from evaluation.report.packing import CUT, unpacked
from evaluation.report.rewriting import put_together
from evaluation.report.text import visible
from evaluation.report.whatif import embedded

__all__ = ["Carried", "carried", "differences", "results_again"]

_DATA: Final = re.compile(
    r'(<script type="application/json" id="(what-if-data|packed|made-from)">)(.*?)(?=</script>)', re.DOTALL
)
_NOT_TEXT: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>?", re.DOTALL)
_HEADING: Final = re.compile(r"<(h[234])\b[^>]*>(.*?)</\1>", re.DOTALL)
_ALIKE: Final = 1e-9
"""Relative difference of two numbers in the script's data that are the same."""
_BEFORE, _SHOWN = 60, 160
_ADVICE: Final = "Give a report.html that evaluation report wrote; older ones cannot be written again."
_MISSING: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A report: the page, the criteria file as it was signed, and what else it was made from."""

    page: str
    criteria: str
    origin: Origin


def carried(report: Path) -> Carried:
    """Read a report, and what it carries.

    Raises
    ------
    EvaluationError
        The file cannot be read, or carries nothing to be written again from.
    """
    try:
        page = report.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"cannot be read: {error}", where=str(report), advice=_ADVICE) from None
    _, data = _apart(page)
    try:
        held = _read(data["what-if-data"][0])
        text = put_together(unpacked(held["file"]))
        origin = Origin.model_validate_json(data["made-from"][0])
    except (ValueError, KeyError, TypeError, IndexError, ValidationError):
        text = ""
    if not text:
        raise EvaluationError(
            "carries nothing to be written again from: it is no report, it was damaged, or another version "
            "of this tool wrote it",
            where=str(report),
            advice=_ADVICE,
        )
    return Carried(page=page, criteria=text, origin=origin)


def results_again(origin: Origin, results: Path, folder: Path) -> Path:
    """Lay out a folder of results that holds only what the report was made from, by symbolic links.

    What was measured since would otherwise change what is written again.

    Raises
    ------
    EvaluationError
        Something of it is not there.
    """
    missing = [name for name in dict.fromkeys((*origin.runs, *origin.read)) if not (results / name).exists()]
    if missing:
        raise EvaluationError(
            f"there is no run {', '.join(missing)}",
            where=str(results),
            advice="Name the folder of the results that the report was made from: --results FOLDER.",
        )
    for name in dict.fromkeys((*origin.runs, *origin.read)):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to((results / name).resolve())
    return folder


def differences(page: str, again: str) -> Iterator[str]:
    """Name in what a page differs from the one that was written again: the first place, then the data."""
    ours, held = _apart(page)
    theirs, given = _apart(again)
    if ours != theirs:
        yield _first(ours, theirs)
    for kind in dict.fromkeys((*held, *given)):
        for one, other in zip_longest(held.get(kind, ()), given.get(kind, ()), fillvalue=""):
            yield from _of_data(kind, one, other, theirs)


def _apart(page: str) -> tuple[str, dict[str, list[str]]]:
    """Take the page's data out of it; give the rest, and the data by their kind."""
    found: dict[str, list[str]] = {}

    def take(match: re.Match[str]) -> str:
        found.setdefault(match[2], []).append(match[3])
        return match[1]

    return _DATA.sub(take, page), found


def _read(text: str) -> Any:  # noqa: ANN401 - what JSON can say
    held = json.loads(text)
    return unpacked(held) if isinstance(held, str) else held


def _of_data(kind: str, ours: str, theirs: str, page: str) -> Iterator[str]:
    if kind == "made-from":
        try:
            origin = Origin.model_validate_json(ours)
        except ValidationError:
            yield "what the page was made from: it is damaged"
        else:
            if embedded(origin.model_dump(mode="json")) != ours:
                yield "what the page was made from: it is not as this tool writes it"
        return
    if ours == theirs:
        return
    try:
        held, given = _read(ours), _read(theirs)
        if kind == "what-if-data":
            held["file"], given["file"] = unpacked(held["file"]), unpacked(given["file"])
    except (ValueError, KeyError, TypeError):
        yield f"the page's data ({kind}): they are damaged"
        return
    if "<" in ours:
        yield f"the page's data ({kind}): there is markup in them"
    for place, said in _unlike(held, given, ""):
        where = _of_cut(place, page) if kind == "packed" else f"the data of the what-if chapter, {place}"
        yield f"{where}: {said}"


def _of_cut(place: str, page: str) -> str:
    """Say where what was packed stands: ``[3]`` is the first triangle's, before it are cells and links."""
    number = re.match(r"\[(\d+)\]", place)
    cuts = [found.start() for found in re.finditer(re.escape(CUT), page)]
    at = int(number[1]) if number else 0
    return _where(page[: cuts[at - 3]]) if 2 < at < len(cuts) + 3 else "the page's packed texts"


def _unlike(ours: object, again: object, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(ours, dict) and isinstance(again, dict):
        if list(ours) != list(again):
            yield place or "all", f"the page has {_short(list(ours))}, its results give {_short(list(again))}"
        for key in again:
            yield from _unlike(ours.get(key, _MISSING), again[key], f"{place}.{key}".lstrip("."))
    elif isinstance(ours, list) and isinstance(again, list):
        for at, (one, other) in enumerate(zip_longest(ours, again, fillvalue=_MISSING)):
            yield from _unlike(one, other, f"{place}[{at}]")
    elif type(ours) is not type(again) or not _alike(ours, again):
        yield place, f"the page has {_short(ours)}, its results give {_short(again)}"


def _alike(ours: object, again: object) -> bool:
    if isinstance(ours, float) and isinstance(again, float):
        return math.isclose(ours, again, rel_tol=_ALIKE, abs_tol=_ALIKE)
    return ours == again


def _short(value: object) -> str:
    return "nothing" if value is _MISSING else visible(json.dumps(value))[:_SHOWN]


def _first(ours: str, theirs: str) -> str:
    """Name the first place at which two pages differ. What stands before it is the same in both."""
    at = bisect_left(
        range(min(len(ours), len(theirs))), x=True, key=lambda n: ours[: n + 1] != theirs[: n + 1]
    )
    before = ours[:at]
    for name in ("script", "style"):
        if before.rfind(f"<{name}>") > before.rfind(f"</{name}>"):
            return f"the page's {name} is not the one that this tool writes"
    opened, closed = before.rfind("<"), before.rfind(">")
    start = opened if opened > closed else closed + 1
    one, other = (_token(text, start, at) for text in (ours, theirs))
    return f"{_where(ours[:start])}: the page has {one}, its results give {other}"


def _token(page: str, start: int, at: int) -> str:
    """Cut out the tag, the comment or the text that begins at a place, near where it differs."""
    if page.startswith("<!--", start):
        end = page.find("-->", start) + 3
    elif page.startswith("<", start):
        end = page.find(">", start) + 1
    else:
        end = page.find("<", start)
        if not page[start:end].strip():  # space says nothing: show what follows it too
            end = page.find(">", start) + 1
    start = max(start, at - _SHOWN // 2)
    text = page[start : min(end if end > start else len(page), start + _SHOWN)]
    said = visible(" ".join(text.split()))
    return (said if "<" in text else html.unescape(said)) or "nothing"


def _where(before: str) -> str:
    """Say where a place is: under which headings, after which words."""
    headings: dict[str, str] = {}
    for found in _HEADING.finditer(before):
        headings = {level: text for level, text in headings.items() if level < found[1]}
        headings[found[1]] = _words(found[2])
    words = _words(before[-40 * _BEFORE :])
    if len(words) > _BEFORE:
        words = words[-_BEFORE:].partition(" ")[2]
    place = ", ".join(headings.values()) or "before the first chapter"
    return f"{place}, after '{words}'" if words else place


def _words(markup: str) -> str:
    return visible(" ".join(html.unescape(_NOT_TEXT.sub(" ", markup)).split()))
