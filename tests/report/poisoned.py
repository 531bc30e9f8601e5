"""A case in which whatever comes from outside is hostile: before and behind prose, behind names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, Final

from bs4 import BeautifulSoup, Comment
from pydantic import BaseModel

from evaluation.report.source import Case

MARK: Final = "evil"
"""The name of every element and attribute that a hostile text would like to make."""
HOSTILE: Final = (
    f"<{MARK} {MARK}=1> <img src=x {MARK}=2 onerror=alert(1)> \" {MARK}=3 ' {MARK}='4' ` {MARK}=5 "
    f"</script><{MARK}></style></title></textarea></pre></svg></table></details><!-- --> ]]> <![CDATA[ "
    f"&lt;{MARK}&gt; &quot; {MARK}=6 [x](javascript:alert(2)) ![x](https://example.org/{MARK}.png) "
    f"https://example.org/{MARK} www.example.org {MARK}@example.org "
    f"$x^{{{MARK}}}$ $$ \\( {{{{ 7*7 }}}} {{% raw %}} </u><u>…</u> \u202e\u2028\x00 "
)
_NAMES: Final = frozenset(
    {
        "architecture", "argv", "cgroup", "checked", "command", "cpu", "cwd", "detail", "details",
        "digest", "driver", "engine", "engine_options", "form", "kernel", "label", "lsm", "measured_as",
        "mitigations", "mode", "options", "packages", "place", "plan", "profile", "recipe", "reference",
        "residue", "security", "source", "system", "title", "tool_version", "topic", "version",
        "virtualisation",
    }
)  # fmt: skip
"""Fields that are no prose, and yet come from a machine, from a file or from its writer."""


def poisoned(found: Any, name: str = "", text: str = HOSTILE) -> Any:  # noqa: ANN401, PLR0911 - any kind
    """Give the same with hostile texts in it, whatever it is made of; what others are found by stays."""
    match found:
        case Enum():
            return found
        case str():
            if name in _NAMES:
                return found + text
            return text + found + text if " " in found else found
        case bytes():
            return text.encode() + found
        case BaseModel():
            new = {each: poisoned(getattr(found, each), each, text) for each in type(found).model_fields}
            return found.model_copy(update=new)
        case tuple():
            return tuple(poisoned(each, name, text) for each in found)
        case Counter():
            return found
        case Mapping():
            return {key: poisoned(value, name, text) for key, value in found.items()}
        case _ if is_dataclass(found) and not isinstance(found, type):
            names = [each.name for each in fields(found) if each.init]
            return replace(found, **{each: poisoned(getattr(found, each), each, text) for each in names})
        case _:
            return found


def poisoned_case(case: Case) -> Case:
    """Poison all of a case; the criteria file gets a hostile comment, and stays a criteria file."""
    comment = "\n# " + " ".join(HOSTILE.replace("\x00", "").split()) + "\n"
    made: Case = poisoned(replace(case, origin=None))
    return replace(made, criteria_text=case.criteria_text + comment, origin=case.origin)


def elements(html: str) -> tuple[list[str], int]:
    """Name what a hostile text has made of a page, and count the comments in it."""
    soup = BeautifulSoup(html, "html.parser")
    names = [
        f"{tag.name} {name}"
        for tag in soup.select("*")
        for name in (tag.name, *tag.attrs)
        if name == MARK or name.startswith("on") or tag.name == "img"
    ]
    return names, len(soup.find_all(string=lambda text: isinstance(text, Comment)))
