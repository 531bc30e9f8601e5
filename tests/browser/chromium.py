"""Chromium without a network, and a page that keeps what it asked for and what the console said."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

import pytest
from playwright.sync_api import Page

CHROMIUM: Final = shutil.which("chromium")
QUIET: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
)
HOSTILE: Final = (
    "<script>document.title='owned'</script><img src=//example.org/x onerror=\"document.title='owned'\">"
    "</script></style></pre><!--<script>]]> \u202egnp.exe\u2069 \u2028 ' onfocus='x' {{ 7*7 }}"
)
NEEDED: Final = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)"),
]

Scheme = Literal["light", "dark"]


@dataclass
class Opened:
    """A page with everything it asked for and everything the console said."""

    page: Page
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


class Show(Protocol):
    """Opens a report, and its chapters unless they are to stay ``folded``; ``fragment`` begins with ``#``."""

    def __call__(
        self,
        report: Path,
        *,
        scheme: Scheme = "light",
        width: int = 1280,
        fragment: str = "",
        folded: bool = False,
    ) -> Opened: ...


UNFOLD: Final = "document.querySelectorAll('details.fold').forEach(each => each.open = true)"

Open = Callable[..., Opened]
