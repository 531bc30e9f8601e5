"""A large report with what lies behind its triangles packed, so that it stays small enough to send by mail.

The page is made and checked whole. Only where it would be too large are the contents of its closed triangles
(`details`) taken out, as trees of elements and texts, and compressed together with the targets of the links
that lead there. The page's script (``browser/unpack.js``) puts them back, element by element and text as
text: it reads no markup. What stands open is never packed; the data of the what-if chapter are, since only
the script reads them. Whoever has turned scripts off is told where to read the same.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, Final

from evaluation.report.lean import lean

__all__ = ["CUT", "LARGE", "Node", "pack", "packed", "tree", "unpacked"]

Node = str | list[Any]
"""A text, or an element as `tree` gives it."""

MOST: Final = 680_000
"""Bytes beyond which the last folded chapters are packed too, one after the other."""
LARGE: Final = 600_000
"""Bytes from which a page is packed: a report is to stay well below one megabyte, in any company."""
_WORTH: Final = 60
"""Characters that are worth packing."""

_TRIANGLE: Final = re.compile(r"<details\b(?P<how>[^>]*)>|(?P<end></details>)|</summary>")
_FOLD: Final = 'class="fold"'
"""A folded chapter stays in the page for whoever has no script, as long as there is room."""
_DATA: Final = re.compile(
    r'(<script type="application/json" id="what-if-data">)({.*?})(?=</script>)', re.DOTALL
)
_ID: Final = re.compile(r'(?<= id=")([^"<>]+)(?=")')
_CELL: Final = re.compile(
    r'<td(?P<how>[^>]*)>(?:<a href="#(?P<target>[^"<>]+)">(?P<content>(?:(?!</a>).)*)</a></td>)?', re.DOTALL
)
"""A cell of a table, with what it links to where it is nothing but a link."""
_STATE: Final = re.compile(r'<i class="(?P<tone>\w+)">(?P<word>[\w ]+)</i>')
"""What such a cell begins with: without a script its word stands there alone."""
_LINK: Final = re.compile(r'<a href="#([^"<>]+)"')
_LIVE: Final = 'id="what-if-data"'
CUT: Final = "<u>…</u>"
"""What stands where something was taken out."""
_NOTICE: Final = re.compile(r'(?<=<noscript><p class="banner">).*?(?=</p></noscript>)', re.DOTALL)
_SCRIPTLESS: Final = (
    "JavaScript is off. The first page can be read as it stands; what lies behind triangles, and the last "
    "chapters of a large report, stay packed. <code>evaluation findings</code> and "
    "<code>evaluation probe NAME --show</code> print the same, and weights cannot be moved here."
)
_SPELT: Final = {"viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio"}
"""Attributes of SVG that keep their capitals, which Python's reader takes from them."""
_VOID: Final = frozenset({"br", "hr", "img", "input", "wbr"})
_MOST: Final = 64 * 2**20
"""Bytes that are unpacked at most."""
_GZIP: Final = 31
_HARMLESS: Final = str.maketrans("<>&`", "./']")
_AS_WRITTEN: Final = str.maketrans("./']", "<>&`")
"""Base 85 is a sixteenth shorter than base 64; four of its characters mean something in HTML or a shell."""


def packed(found: object) -> str:
    """Write anything that JSON can say as short text, alike for alike."""
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    return base64.b85encode(gzip.compress(text.encode(), mtime=0)).decode().translate(_HARMLESS)


def unpacked(text: str) -> Any:  # noqa: ANN401 - what was packed
    """Read what was `packed`.

    Raises
    ------
    ValueError
        It is damaged, or larger than anything that a report packs.
    """
    try:
        reader = zlib.decompressobj(_GZIP)
        found = json.loads(reader.decompress(base64.b85decode(text.translate(_AS_WRITTEN)), _MOST))
    except (zlib.error, ValueError) as error:
        raise ValueError(str(error)) from None
    if not reader.eof or reader.unused_data:
        message = "is cut off, or something stands behind it"
        raise ValueError(message)
    return found


def pack(page: str) -> str:
    """Write a page in fewer bytes: lean, and packed where it is large.

    Parameters
    ----------
    page : str
        A page that was checked already.

    Raises
    ------
    ValueError
        Behind a triangle an element is not closed.
    """
    small = lean(page)
    if len(small.encode()) < LARGE:
        return small
    folds = page.count(_FOLD)
    return next(
        (found for last in range(folds) if len((found := _packed(page, last)).encode()) < MOST),
        _packed(page, folds),
    )


def _packed(page: str, last: int) -> str:
    """Pack what lies behind triangles, so many of the last folded chapters among it."""
    taken: list[str] = []
    kept: list[str] = []
    done = 0
    for start, end in _closed(page, last):
        kept += [page[done:start], CUT]
        taken.append(page[start:end])
        done = end
    inside = {found[1] for each in taken for found in _ID.finditer(each)}
    cells: list[str] = []
    links: list[str] = []

    tones: dict[str, str] = {}

    def bare(cell: re.Match[str]) -> str:
        known = cell["target"] in inside
        cells.append(cell["target"] if known else "")
        if not known:
            return cell[0]
        state = _STATE.match(cell["content"])
        if state and tones.setdefault(state["word"], state["tone"]) == state["tone"]:
            return f"<td{cell['how']}>{state['word']}{cell['content'][state.end() :]}</td>"
        return f"<td{cell['how']}>{cell['content']}</td>"

    def aimless(link: re.Match[str]) -> str:
        if link[1] not in inside:
            return link[0]
        links.append(link[1])
        return "<a"

    page = _LINK.sub(aimless, _CELL.sub(bare, "".join([*kept, page[done:]])))
    page = lean(_NOTICE.sub(_SCRIPTLESS, page, count=1))
    page = _DATA.sub(lambda found: f'{found[1]}"{packed(json.loads(found[2]))}"', page)
    held = packed([cells, tones, links, *map(tree, taken)])
    store = f'<script type="application/json" id="packed">"{held}"</script>\n'
    before, script, after = page.rpartition("<script>")
    return f"{before}{store}{script}{after}"


def _closed(page: str, last: int) -> Iterator[tuple[int, int]]:
    """Tell from where to where the content of each closed triangle stands that stands in no other."""
    folds = page.count(_FOLD) - last  # so many stay; the what-if chapter does, for its script needs it
    around: list[bool] = []  # of each triangle that is open here: whether its content stays
    start = 0
    for found in _TRIANGLE.finditer(page):
        if found["how"] is not None:
            if all(around):
                start = 0
            folded = _FOLD in found["how"]
            folds -= folded
            stays = (folded and (folds >= 0 or _LIVE in page[found.end() :])) or " open" in found["how"]
            around.append(all(around) and stays)
        elif found["end"]:
            stays = around.pop()
            if not stays and all(around) and found.start() - start > _WORTH:
                yield start, found.start()
        elif around and not around[-1] and all(around[:-1]):
            start = start or found.end()


def tree(markup: str) -> list[Node]:
    """Read markup of ours, in which every element is closed, as texts and elements.

    An element is a list: its name, its attributes, and what is in it.

    Raises
    ------
    ValueError
        An element is not closed.
    """
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    (content,) = reader.open
    return content[2:]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[list[Any]] = [["", {}]]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = [tag, {_SPELT.get(name, name): value or "" for name, value in attrs}]
        self.open[-1].append(made)
        if tag not in _VOID:
            self.open.append(made)

    def handle_endtag(self, tag: str) -> None:
        if self.open.pop()[0] != tag:
            message = f"</{tag}> closes another element"
            raise ValueError(message)

    def handle_data(self, data: str) -> None:
        name, _, *before = self.open[-1]
        if name != "pre":
            data = data if data.strip() else " "
        elif not before:
            data = data.removeprefix("\n")  # as a browser does
        self.open[-1].append(data)
