"""Chapter 8: what exactly was measured, with what, on what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from evaluation import units
from evaluation.report.markup import Chapter, chapter
from evaluation.report.source import Case

__all__ = ["provenance"]

_BYTE_FIELDS: Final = "_bytes"
_SECOND_FIELDS: Final = "_s"


def provenance(case: Case) -> Chapter:
    """Show the manifest of every run."""
    return chapter(
        "provenance",
        sites=tuple(
            (
                site.site,
                case.site_title(site.site),
                site.manifest,
                _facts(site.manifest.get("host") or {}),
                site.manifest.get("runtimes") or (),
                site.manifest.get("image") or {},
            )
            for site in case.measured
        ),
        words=words,
    )


def _facts(host: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Turn the manifest's fields about the host into names and texts with units."""
    return tuple((_name(field), words(_scaled(field, value))) for field, value in host.items())


def _name(field: str) -> str:
    return field.removesuffix(_BYTE_FIELDS).removesuffix(_SECOND_FIELDS).replace("_", " ")


def _scaled(field: str, value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if field.endswith(_BYTE_FIELDS):
        return units.quantity(value, "B")
    if field.endswith(_SECOND_FIELDS):
        return units.quantity(value, "s")
    return value


def words(value: object) -> str:
    """Write any value of a manifest as text."""
    if value is None or value == "":
        return "not recorded"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(
            f"{_name(str(field))}: {words(_scaled(str(field), each))}" for field, each in value.items()
        )
    if isinstance(value, list | tuple):
        return ", ".join(words(each) for each in value) or "none"
    return str(value)
