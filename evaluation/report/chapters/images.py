"""The images as they were used, and their ledger: what was built, and what fetching costs."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.ledger import Build
from evaluation.report.markup import Chapter, chapter
from evaluation.report.source import Case
from evaluation.units import count, day

__all__ = ["Line", "images"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One image of the ledger: its newest build, which sites hold it, and whether it came out again."""

    build: Build
    held_by: tuple[str, ...]
    drift: str

    def size(self, form: str) -> int | None:
        """Bytes of the smallest form of a kind, where one was made."""
        found = [
            item.size_bytes for item in self.build.forms if item.form == form and item.size_bytes is not None
        ]
        return min(found, default=None)


def images(case: Case) -> Chapter:
    """Show every image of every measured site with the forms it was converted to, and the ledger."""
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
        ledger=tuple(_line(case, rows) for rows in case.ledgers.values()),
    )


def _line(case: Case, rows: tuple[Build, ...]) -> Line:
    used = [row for row in rows if row.why == "build"] or [*rows]
    build = used[-1]
    return Line(
        build=build,
        held_by=tuple(
            case.title(site)
            for site in case.measured
            if any(image.digest == build.digest for image in site.manifest.images.values())
        ),
        drift=_drift(build, [row for row in rows if row.why == "drift"]),
    )


def _drift(build: Build, again: list[Build]) -> str:
    if not again:
        return "not built again yet"
    other = [row for row in again if row.tar_sha256 != build.tar_sha256]
    if not other:
        return f"built again on {day(again[-1].built_at)}: the same, bit for bit"
    last = other[-1]
    versions = {(item.kind, item.name): item.version for item in build.packages}
    new = {(item.kind, item.name): item.version for item in last.packages}
    moved = sum(versions.get(key) != new.get(key) for key in {*versions, *new})
    return f"built again on {day(last.built_at)}: not the same, {count(moved, 'package')} differ"
