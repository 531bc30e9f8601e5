"""Which of the lines that a program printed says why it failed.

One place, because it is neither the first line (often a warning) nor the last (often a hint on how to call
the program, or an echo of the failure above it).
"""

from __future__ import annotations

import re

from evaluation.model import Completed

__all__ = ["NOTHING", "error_in", "last_words", "reason_in", "reason_of", "shortened"]

NOTHING = "it said nothing"

_MOST = 1000
"""Characters of a reason: more is a dump, and no reason."""

_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_WORD = r"(?:\[[^\]]*\]|\(\w+\))?\s*:"

_HARMLESS = re.compile(
    rf"""(?ix) ^\s* (?:warn(?:ing)? | info | debug | trace | note | notice | verbose) (?:{_WORD}|\[|\b\s*$)
    | ^\s* (?:WARN|INFO|DEBU|TRAC)\[\d+\]
    | \blevel=(?:warn(?:ing)?|info|debug|trace)\b
    | ^ [^\s:]+ (?::\d+)* : (?:\s*[^\s:]+:)?? \s* (?:warning|note): | ^[a-z-]+\[\d+\]: \s* warning:"""
)
"""A line that its program calls less than an error."""

_HINT = re.compile(
    r"""(?ix) ^\s* (?: see\s+['"`]? | (?:try|run|use)\s+['"`] | usage: | for\s+more\s | hint:)"""
)
"""A line that says how a program is called, and nothing of why it failed."""

_ECHO = re.compile(
    r"""(?ix) ^\s* (?: collect2: | ninja:\ build\ stopped
    | make(?:\[\d+\])?:\ (?:\*\*\* | (?:Entering|Leaving)\ )
    | [^\s:]*(?:cc|gcc|clang)[^\s:]*:\ error:\ linker\ command\ failed )"""
)
"""A line that only repeats that something before it has failed."""

_ERROR = re.compile(
    rf"""(?ix) ^\s* (?:fatal | error | err | panic | E) (?:{_WORD}|\b[^:]{{0,40}}:)
    | ^\s* (?:FATA|ERRO|PANI)\[\d+\]
    | \blevel=(?:error|fatal|panic)\b | ^ [^\s:]+: (?:[^\s:]+:)* \s* (?:fatal(?:\ error)?|error)\b
    | ^[a-z-]+\[\d+\]: \s* (?:error|fatal):"""
)
"""A line that its program calls an error, by a word at its beginning."""

_FAILED = re.compile(
    r"""(?ix) \b(?: error | fatal | failed | failure | cannot | can't | could\ not | unable | denied | refused
    | not\ permitted | no\ such | not\ found | undefined\ reference | no\ space | missing | invalid | unknown
    | exceeded | killed | errno )\b"""
)
"""A line with a word for a failure anywhere."""

_TRACEBACK = "Traceback (most recent call last):"


def reason_in(said: str) -> str:
    """Choose the line that says why from what a failing program printed; empty where it printed nothing.

    A line that the program calls an error comes before any with a word for a failure, and that before the
    rest; an echo of a failure or a hint on how to call the program is taken only where there is nothing else.
    A warning is never a reason: where there is nothing but warnings, that is said.
    """
    if found := error_in(said):
        return found
    lines = _whole(said)
    if not lines:
        return ""
    serious = [line for line in lines if not _HARMLESS.search(line)]
    telling = [line for line in serious if not (_HINT.search(line) or _ECHO.search(line))]
    if chosen := telling[-1:] or serious[-1:]:
        return shortened(chosen[0])
    return shortened(f"it gave no reason, only a warning ({lines[-1]})")


def error_in(said: str) -> str:
    """Choose the line that tells of a failure, whatever the program ended with; empty where none does."""
    lines = _whole(said)
    if any(line.startswith(_TRACEBACK) for line in lines):
        return shortened(lines[-1])
    telling = [line for line in lines if not any(kind.search(line) for kind in (_HARMLESS, _HINT, _ECHO))]
    for word in (_ERROR, _FAILED):
        if found := next((line for line in telling if word.search(line)), ""):
            return shortened(found)
    return ""


def reason_of(done: Completed) -> str:
    """Say why a command failed, by what it printed: on standard error, or else on standard output."""
    return reason_in((done.stderr.strip() or done.stdout).decode(errors="replace")) or NOTHING


def last_words(done: Completed) -> str:
    """Give how a command ended, and the reason on its standard error, to stand in brackets."""
    if done.evidence.timed_out:
        ending = f"it was ended after {done.evidence.duration_s:.1f} s"
    elif done.evidence.exit_status < 0:
        ending = f"ended by signal {-done.evidence.exit_status}"
    else:
        ending = f"exit status {done.evidence.exit_status}"
    said = reason_in(done.stderr.decode(errors="replace"))
    return f"{ending}; it said: {said}" if said else ending


def shortened(text: str, most: int = _MOST) -> str:
    """Cut a text that is too long at the end of a word, and show that it was cut."""
    if len(text) <= most:
        return text
    head = text[:most]
    return f"{head.rsplit(' ', 1)[0] if ' ' in head[most // 2 :] else head} …"


def _whole(said: str) -> list[str]:
    """Put together what belongs together: a line that ends at a colon, and those indented below an error."""
    lines: list[str] = []
    for raw in _STEERING.sub("", said).replace("\r", "\n").splitlines():
        line = "".join(sign for sign in raw.expandtabs(1) if sign.isprintable()).strip()
        if not line:
            continue
        goes_on = bool(lines) and (
            lines[-1].endswith(":") or (raw[0] in " \t" and bool(_ERROR.search(lines[-1])))
        )
        if goes_on and not lines[-1].startswith(_TRACEBACK):
            lines[-1] = f"{lines[-1]} {line}"
        else:
            lines.append(line)
    return lines
