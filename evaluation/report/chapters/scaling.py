"""Chapter 9: many containers at once: how many a second, when it breaks, and what follows for a farm."""

from __future__ import annotations

from evaluation.report.markup import Chapter, chapter
from evaluation.report.source import Case

__all__ = ["scaling"]


def scaling(case: Case) -> Chapter:
    """Say for every measured site what its sweeps found."""
    return chapter(
        "scaling",
        sites=tuple((case.title(site), site.site) for site in case.measured),
    )
