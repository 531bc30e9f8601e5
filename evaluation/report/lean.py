"""The same page in fewer bytes: what HTML lets a writer leave out, left out; a browser makes the same of it.

Source: HTML Living Standard, 13.1.2.3 (unquoted attribute values) and 13.1.2.4 (optional end tags). Scripts,
styles and texts with line breaks of their own are left as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

__all__ = ["drawn_once", "lean", "lean_script", "lean_style", "unmarked"]

_AS_IT_IS: Final = re.compile(r"(<script\b.*?</script>|<style\b.*?</style>|<pre\b.*?</pre>)", re.DOTALL)
_QUOTED: Final = re.compile(r'(?<=[\w-])="([\w#.%+-]+)"(?=[\s>])', re.ASCII)
_CLOSED: Final = re.compile(r"</(?:td|tr|th|li|dd|dt|tbody|thead)>\s*")
_PARAGRAPH: Final = re.compile(
    r"</p>\s*(?=<(?:(?:article|details|div|dl|fieldset|figcaption|figure|h\d|ol|p|pre|section|table|ul)\b"
    r"|/(?:article|details|div|dd|figure|li|section|td)>))"
)
_BREAK: Final = re.compile(
    r"\n\s*(?=</?(?:article|caption|dd|details|div|dl|dt|fieldset|figcaption|figure|h\d|li|ol|p|pre|section"
    r"|summary|table|tbody|td|th|thead|tr|ul)\b)"
)
"""Before what begins or ends a block, space is not shown."""
_LINK: Final = re.compile(r' href="#([\w-]+)"')
_MARK: Final = re.compile(r'<b id="([\w-]+)"></b>')
_TAG: Final = re.compile(r"<[a-zA-Z][^<>]*>")
_COMMENT: Final = re.compile(r"/\*.*?\*/\n?", re.DOTALL)
_NOTED: Final = re.compile(r"^\s*(?://.*|/\*\*.*\*/)\n", re.MULTILINE)
_INDENT: Final = re.compile(r"^[ \t]+", re.MULTILINE)
_SPACED: Final = re.compile(r"\s*([{};,])\s*")


_AXES: Final = re.compile(r'<g class="axes">.*?</g>', re.DOTALL)


def lean(page: str) -> str:
    """Leave out quotes, end tags and line breaks that say nothing, and draw the same axes once."""
    parts = _AS_IT_IS.split(drawn_once(page))
    return "".join(part if place % 2 else _lean(part) for place, part in enumerate(parts))


def _lean(part: str) -> str:
    part = _BREAK.sub("", _TAG.sub(lambda tag: _QUOTED.sub(r"=\1", tag[0]), part))
    return _CLOSED.sub("", _PARAGRAPH.sub("", part))


def drawn_once(page: str) -> str:
    """Let a figure whose axes are those of an earlier one use them."""
    counts = Counter(_AXES.findall(page))
    names: dict[str, str] = {}

    def use(found: re.Match[str]) -> str:
        axes = found[0]
        if counts[axes] == 1:
            return axes
        if axes in names:
            return f'<use href="#{names[axes]}"/>'
        names[axes] = f"axes-{len(names)}"
        return axes.replace("<g", f'<g id="{names[axes]}"', 1)

    return _AXES.sub(use, page)


def unmarked(page: str) -> str:
    """Leave out the marks of single runtimes in shared cells to which no link of the page leads."""
    wanted = {*_LINK.findall(page)}
    return _MARK.sub(lambda mark: mark[0] if mark[1] in wanted else "", page)


def lean_script(script: str) -> str:
    """Leave lines of comment and indents out of a script, none of whose texts goes over a line's end."""
    return _INDENT.sub("", _NOTED.sub("", script))


def lean_style(style: str) -> str:
    """Leave comments, and space around punctuation, out of a style sheet, none of whose texts has any."""
    return _SPACED.sub(r"\1", _COMMENT.sub("", style))
