"""From a chapter's values to its HTML. Everything is escaped unless it was made as markup here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

import jinja2
from markupsafe import Markup

from evaluation import units
from evaluation.reasons import shortened
from evaluation.report.text import command, exit_words, in_short, visible
from evaluation.report.words import score_text

__all__ = ["TEMPLATES", "Chapter", "anchor", "chapter", "listed"]

TEMPLATES: Final = Path(__file__).parent / "template"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One chapter of the report; a notebook shows it as it is."""

    name: str
    html: str

    def _repr_html_(self) -> str:
        return self.html


def anchor(*parts: str) -> str:
    """Make the id of an element from names: letters, digits and hyphens only."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def listed(words: Sequence[str]) -> str:
    """Name several things as a sentence does: "a, b and c"."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def link(target: object) -> str | None:
    """Return a web address that may be linked to, or ``None`` for anything else."""
    text = str(target)
    return text if re.fullmatch(r"https?://[^\s\"'<>]+", text) else None


def breakable(name: object) -> Markup:
    """Let an identifier break after its underscores."""
    return Markup("_<wbr>").join(visible(str(name)).split("_"))


def verbatim(text: object) -> Markup:
    """Escape a text that stands between tags, where quotes mean nothing; JSON is half as long so."""
    return Markup(escape(visible(str(text)), quote=False))  # noqa: S704 - escaped here


def _finalize(value: object) -> object:
    """Make what a template prints visible, where it is text of unknown origin."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return visible(value)
    return value


@cache
def environment() -> jinja2.Environment:
    """Return the environment of the chapter templates: escaping on, undefined names are errors."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "anchor": anchor,
        "breakable": breakable,
        "between": units.between,
        "command": command,
        "count": units.count,
        "day": units.day,
        "decimal": units.decimal,
        "lasting": units.lasting,
        "likelihood": units.likelihood,
        "in_short": in_short,
        "link": link,
        "listed": listed,
        "moment": units.moment,
        "percent": units.percent,
        "quantity": units.quantity,
        "ratio": units.ratio,
        "ratio_between": units.ratio_between,
        "score": score_text,
        "share": units.share,
        "shares": units.shares,
        "short_digest": units.short_digest,
        "shortened": shortened,
        "spread": units.spread,
        "verbatim": verbatim,
    }
    made.globals |= {"exit_words": exit_words, "anchor_of": anchor}
    return made


def chapter(name: str, **values: object) -> Chapter:
    """Render ``template/chapters/<name>.html.j2`` with the values it names."""
    template = environment().get_template(f"chapters/{name}.html.j2")
    return Chapter(name=name, html=template.render(values))
