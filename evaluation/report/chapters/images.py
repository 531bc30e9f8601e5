"""Chapter 11: the ledger of images: what each form of each image costs in bytes and seconds."""

from __future__ import annotations

from evaluation.report.markup import Chapter, chapter
from evaluation.report.source import Case

__all__ = ["images"]


def images(case: Case) -> Chapter:
    """Show every image of every measured site with the forms it was converted to."""
    return chapter(
        "images",
        sites=tuple(
            (
                case.title(site),
                images,
                tuple(dict.fromkeys(f.runtime for image in images for f in image.made)),
            )
            for site in case.measured
            for images in [tuple(site.manifest.images.values())]
        ),
    )
