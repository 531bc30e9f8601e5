"""How to make this report again, and how to check a number in it."""

from __future__ import annotations

from evaluation.report.markup import Chapter, chapter
from evaluation.report.source import Case
from evaluation.report.whatif import embedded

__all__ = ["rerun"]


def rerun(case: Case) -> Chapter:
    """Show the commands; what the page was made from goes with them, for `evaluation verify`."""
    origin = case.origin
    return chapter(
        "rerun",
        folders=tuple(site.folder for site in case.measured),
        origin=embedded(origin.model_dump(mode="json")) if origin else None,
    )
