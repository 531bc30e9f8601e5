"""Chapter 14: how to make this report again, and how to check a number in it."""

from __future__ import annotations

from evaluation.report.markup import Chapter, chapter
from evaluation.report.source import Case

__all__ = ["rerun"]


def rerun(case: Case) -> Chapter:
    """Show the commands."""
    return chapter(
        "rerun",
        folders=tuple(site.folder for site in case.measured),
    )
