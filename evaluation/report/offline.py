"""A page that loads nothing: its Content-Security-Policy, and the check that it needs none.

The policy is the second lock. The first is this check: a page that would fetch anything, run anything
but the one script it was made with, or carries what only slipped through escaping could have put there,
is not written at all.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Final

from evaluation.errors import EvaluationError

__all__ = ["assert_self_contained", "policy"]

_FORBIDDEN_ELEMENTS: Final = frozenset(
    {
        "iframe",
        "frame",
        "object",
        "embed",
        "base",
        "form",
        "applet",
        "foreignobject",
        "animate",
        "set",
    }
)
_LOADING_ATTRIBUTES: Final = frozenset(
    {
        "src",
        "srcset",
        "poster",
        "data",
        "background",
        "action",
        "formaction",
        "manifest",
        "ping",
        "xlink:href",
    }
)
_STYLE_LOADS: Final = re.compile(r"@import|url\s*\(|image-set\s*\(|expression\s*\(", re.IGNORECASE)
_DATA: Final = "application/json"
_SHOWN: Final = 5


def policy(style: str, script: str) -> str:
    """Write the policy of a page with this one style sheet, this one script and nothing else.

    The script may turn no text into markup. Sources: W3C Content Security Policy Level 3, hash sources; W3C
    Trusted Types.
    """
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


class _Auditor(HTMLParser):
    """Collects what a browser would fetch or run, the one script left out."""

    def __init__(self, script: str) -> None:
        super().__init__(convert_charrefs=True)
        self.complaints: list[str] = []
        self.in_style = False
        self.script = script
        self.open_script: str | None = None
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _FORBIDDEN_ELEMENTS:
            self._complain(f"a <{tag}> element")
        self.in_style = tag == "style"
        values = {name: value or "" for name, value in attrs}
        if tag == "script":
            self.open_script, self.text = values.get("type", ""), ""
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self._complain("a refresh")
        for name, value in values.items():
            self._attribute(tag, name, value.strip())

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on"):
            self._complain(f"an event handler ({name} on <{tag}>)")
        elif name == "style":
            self._complain(f"a style attribute on <{tag}>, which the policy refuses")
        elif name in _LOADING_ATTRIBUTES and not value.startswith("data:"):
            self._complain(f'{name}="{value[:80]}" on <{tag}>')
        elif name == "href":
            allowed = ("#", "https://", "http://") if tag == "a" else ("#", "data:,")
            if not value.startswith(allowed):
                self._complain(f'href="{value[:80]}" on <{tag}>')

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self.in_style = False
        if tag == "script":
            self.end_script()

    def end_script(self) -> None:
        """Judge a script by its whole text: data that cannot be anything else, or the one that is ours."""
        kind, self.open_script = self.open_script, None
        if kind == _DATA:
            if "<" in self.text:
                self._complain("a <script> element of data with a '<' in it")
        elif kind is not None and (kind or self.text != self.script):
            self._complain("a <script> element that is not the page's own")

    def handle_data(self, data: str) -> None:
        self.text += data if self.open_script is not None else ""
        found = _STYLE_LOADS.search(data) if self.in_style else None
        if found:
            self._complain(f"a style sheet with {found[0]}")

    def _complain(self, what: str) -> None:
        line, column = self.getpos()
        self.complaints.append(f"line {line}, column {column + 1}: {what}")


def assert_self_contained(page: str, *, script: str = "", where: str = "report.html") -> None:
    """Check that a browser would fetch nothing to show this page, and run nothing but this script.

    Links that a reader may follow (``<a href="https://...">``) are no requests and are allowed.

    Raises
    ------
    EvaluationError
        It would; with the places.
    """
    auditor = _Auditor(script)
    auditor.feed(page)
    auditor.close()
    auditor.end_script()
    if auditor.complaints:
        raise EvaluationError(
            "the page is not self-contained: " + "; ".join(auditor.complaints[:_SHOWN]),
            where=where,
            advice="text from outside must go through a chapter template, which escapes it",
        )
