"""Text that strangers wrote (transcripts, reasons, notes of sites), made safe to read.

Characters that hide, reorder or ring are made visible: a transcript that *looks* different from its bytes is
no evidence, and what a container prints must not steer the reader's terminal.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["visible"]

_DOUBTFUL: Final = re.compile(r"[^ -~\t\n]")
"""What is looked at closely: all but what every terminal shows as it is."""
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Control, format (the bidirectional marks among them), private use, surrogates, separators."""


def visible(text: str) -> str:
    """Replace every character that cannot be seen by its code point, as in ``<U+202E>``.

    Line feeds and tabs stay. Source: Boucher and Anderson 2021, "Trojan Source: Invisible
    Vulnerabilities", for why bidirectional marks must not reach a reader unseen.
    """
    if text.isascii() and text.isprintable():
        return text
    return _DOUBTFUL.sub(_seen, text.replace("\r\n", "\n"))


def _seen(found: re.Match[str]) -> str:
    character = found[0]
    if unicodedata.category(character) in _HIDDEN_CATEGORIES:
        return f"<U+{ord(character):04X}>"
    return character
