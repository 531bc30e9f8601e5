"""Text that strangers wrote (transcripts, reasons, site notes) made safe to read.

Escaping for HTML is the template's business (it escapes everything). Here is what escaping leaves:
characters that hide, reorder or ring, which `evaluation.terminal.visible` makes visible.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from signal import Signals

from evaluation.terminal import visible

__all__ = ["Excerpt", "command", "excerpt", "exit_words", "first_sentence", "in_short", "visible"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """The beginning and the end of an output; ``omitted`` counts the characters left out between."""

    head: str
    tail: str = ""
    omitted: int = 0


def excerpt(output: bytes, characters: int) -> Excerpt:
    """Cut an output to about so many characters, keeping both of its ends.

    The end is kept because errors are said last. Only what is kept is decoded, so a huge output
    costs nothing.
    """
    keep = max(characters, 2)
    if len(output) <= keep:
        return Excerpt(head=_decoded(output))
    front, back = keep * 2 // 3, keep - keep * 2 // 3
    return Excerpt(
        head=_decoded(output[:front]), tail=_decoded(output[-back:]), omitted=len(output) - front - back
    )


def _decoded(output: bytes) -> str:
    return visible(output.decode("utf-8", errors="backslashreplace"))


def first_sentence(text: str) -> str:
    """Cut a text after its first sentence: a full stop followed by a space."""
    return re.split(r"(?<=[^.]\.)\s", text, maxsplit=1)[0]


def in_short(reasons: Sequence[str]) -> str:
    """Give the first sentence of the first reason, without the evidence in brackets at its end."""
    return first_sentence(reasons[0].partition(" [")[0]).removesuffix(".") if reasons else ""


def command(argv: tuple[str, ...]) -> str:
    """Write an argv as a line that a POSIX shell would read back as the same argv."""
    return visible(shlex.join(argv))


def exit_words(status: int, *, timed_out: bool) -> str:
    """Say how a process ended; a negative status is the signal that ended it."""
    if timed_out:
        return "ended by us after its time limit"
    if status >= 0:
        return f"exit status {status}"
    try:
        name = Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"ended by {name}"
