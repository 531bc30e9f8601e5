"""A large report with its long texts packed, so that it stays small enough to send by mail.

The page is made and checked whole. Only where it would be too large are transcripts and other long texts
behind its triangles cut after their beginnings; what follows is compressed together, as text, and put back
as text by the page's script (``browser/unpack.js``). What stands open is never packed, nor is any markup; the
data of the what-if chapter are, since only the script reads them.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import zlib
from typing import Any, Final

__all__ = ["CUT", "HEAD", "LARGE", "pack", "packed", "unpacked"]

LARGE: Final = 600_000
"""Bytes from which a page is packed: a report is to stay below one megabyte, in any company."""
HEAD: Final = 16
"""Characters of a long text that stay: whose it is, or how it begins."""
_WORTH: Final = 24
"""Characters that are worth packing."""

_LONG: Final = re.compile(r'(<(?:pre|p|dd) class="?(?:packages )?sent"?>)([^<]*)(?=<)')
_DATA: Final = re.compile(
    r'(<script type="application/json" id="what-if-data">)({.*?})(?=</script>)', re.DOTALL
)
CUT: Final = "<u>…</u>"
_MOST: Final = 64 * 2**20
"""Bytes that are unpacked at most."""
_GZIP: Final = 31


def packed(found: object) -> str:
    """Write anything that JSON can say as short text, alike for alike."""
    data = gzip.compress(json.dumps(found, ensure_ascii=False).encode(), mtime=0)
    return base64.b64encode(data).decode("ascii")


def unpacked(text: str) -> Any:  # noqa: ANN401 - what was packed
    """Read what was `packed`.

    Raises
    ------
    ValueError
        It is damaged, or larger than anything that a report packs.
    """
    try:
        reader = zlib.decompressobj(_GZIP)
        found = json.loads(reader.decompress(base64.b64decode(text, validate=True), _MOST))
    except (zlib.error, ValueError) as error:
        raise ValueError(str(error)) from None
    if not reader.eof or reader.unused_data:
        message = "is cut off, or something stands behind it"
        raise ValueError(message)
    return found


def pack(page: str) -> str:
    """Cut the long texts of a page after their heads, and put the rest compressed before its scripts.

    Parameters
    ----------
    page : str
        A page that was checked already. Where it is small it is returned as it is.
    """
    if len(page.encode()) < LARGE:
        return page
    rests: list[str] = []

    def cut(found: re.Match[str]) -> str:
        text = html.unescape(found[2])
        if len(text) < HEAD + _WORTH:
            return found[0]
        rests.append(text[HEAD:])
        return f"{found[1]}{html.escape(text[:HEAD], quote=False)}{CUT}"

    kept = _DATA.sub(lambda found: f'{found[1]}"{packed(json.loads(found[2]))}"', _LONG.sub(cut, page))
    store = f'<script type="application/json" id="packed">"{packed(rests)}"</script>\n'
    before, script, after = kept.rpartition("<script>")
    return f"{before}{store}{script}{after}"
