"""A large report with what lies behind its triangles packed, so that it stays small enough to send by mail.

The page is made and checked whole. Only where it would be too large are the closed ``details`` taken out,
compressed together, and put back by the page's script (``browser/unpack.js``). What stands open is never
packed.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Final

__all__ = ["LARGE", "pack"]

LARGE: Final = 950_000
"""Bytes from which a page is packed: a report is to stay below one megabyte."""

_TAG: Final = re.compile(r"<details\b[^>]*>|</details>|</summary>")
_OPEN: Final = re.compile(r"\sopen\b")
_NOTE: Final = (
    '<p class="note">This report is large, and what belongs here is packed: a browser with scripts '
    "unpacks it when the page is opened. Without one, make a report of fewer runs.</p>"
)


def pack(page: str) -> str:
    """Take the bodies of closed ``details`` out of a page, and put them compressed before its scripts.

    Parameters
    ----------
    page : str
        A page that was checked already. Where it is small it is returned as it is.
    """
    if len(page.encode()) < LARGE:
        return page
    kept, bodies = _parted(page)
    packed = base64.b64encode(gzip.compress(json.dumps(bodies).encode(), mtime=0)).decode("ascii")
    store = f'<script type="application/json" id="packed">"{packed}"</script>\n'
    before, script, after = kept.rpartition("<script>")
    return f"{before}{store}{script}{after}"


def _parted(page: str) -> tuple[str, list[str]]:
    """Part a page into what is kept and the bodies, in the order in which their places carry numbers."""
    kept: list[str] = []
    bodies: list[str] = []
    depth = done = 0
    waiting = inside = False  # for the summary of a closed one to end; behind it
    for tag in _TAG.finditer(page):
        text, start, end = tag[0], tag.start(), tag.end()
        if text == "</details>":
            depth -= 1
            if depth == 0 and inside:
                bodies.append(page[done:start])
                kept.append(_NOTE)
                done, inside = start, False
        elif text == "</summary>":
            if depth == 1 and waiting:
                kept.append(page[done:end])
                done, waiting, inside = end, False, True
        else:
            depth += 1
            if depth == 1 and not _OPEN.search(text):
                kept += [page[done:start], f'{text[:-1]} data-packed="{len(bodies)}">']
                done, waiting = end, True
    return "".join([*kept, page[done:]]), bodies
