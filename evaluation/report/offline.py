"""A page that loads nothing: its Content-Security-Policy, and the check that it needs none.

The policy is the second lock. The first is this check: a page that would fetch anything, run
anything, or carries what only slipped through escaping could have put there, is not written at all.
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
        "script",
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
_SHOWN: Final = 5


def policy(style: str) -> str:
    """Write the policy of a page with this one style sheet and nothing else.

    Source: W3C Content Security Policy Level 3, hash sources.
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


class _Auditor(HTMLParser):
    """Collects what a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.complaints: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _FORBIDDEN_ELEMENTS:
            self._complain(f"a <{tag}> element")
        self.in_style = tag == "style"
        values = {name: value or "" for name, value in attrs}
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

    def handle_data(self, data: str) -> None:
        found = _STYLE_LOADS.search(data) if self.in_style else None
        if found:
            self._complain(f"a style sheet with {found[0]}")

    def _complain(self, what: str) -> None:
        line, column = self.getpos()
        self.complaints.append(f"line {line}, column {column + 1}: {what}")


def assert_self_contained(page: str, *, where: str = "report.html") -> None:
    """Check that a browser would fetch nothing and run nothing to show this page.

    Links that a reader may follow (``<a href="https://...">``) are no requests and are allowed.

    Raises
    ------
    EvaluationError
        It would; with the places.
    """
    auditor = _Auditor()
    auditor.feed(page)
    auditor.close()
    if auditor.complaints:
        raise EvaluationError(
            "the page is not self-contained: " + "; ".join(auditor.complaints[:_SHOWN]),
            where=where,
            advice="text from outside must go through a chapter template, which escapes it",
        )
