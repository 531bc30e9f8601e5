"""Everything a person writes, checked in one go; and the JSON Schemas that editors check it by."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.documents import StrictModel, schema_text
from evaluation.errors import EvaluationError, Fault, FaultyDocumentError
from evaluation.sites import SiteFile, list_sites, load_site

__all__ = ["SCHEMAS", "validate", "write_schemas"]

SCHEMAS: dict[str, type[StrictModel]] = {
    "criteria.schema.json": Criteria,
    "site.schema.json": SiteFile,
}
"""The published schemas, by file name."""


def write_schemas(folder: Path) -> tuple[Path, ...]:
    """Write the published JSON Schemas into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, model in SCHEMAS.items():
        path = folder / name
        path.write_text(schema_text(model), encoding="utf-8")
        written.append(path)
    return tuple(written)


def validate(
    criteria: Path,
    sites: Path,
    *,
    probes: Collection[str] | None = None,
    runtimes: Collection[str] | None = None,
    families: Collection[str] | None = None,
) -> list[Fault]:
    """Check the criteria and every site, and each against the other.

    Parameters
    ----------
    criteria : Path
        The criteria file.
    sites : Path
        The folder of the sites.
    probes, runtimes, families : collection of str, optional
        All ids there are; given, a name that is none of them is a fault.

    Returns
    -------
    list of Fault
        Every fault of every file, in order; empty when all is well. A file that cannot be read at
        all is one fault at its first line.
    """
    faults: list[Fault] = []
    loaded: Criteria | None = None

    def attempt(path: Path, load: Callable[[], object]) -> None:
        try:
            load()
        except FaultyDocumentError as error:
            faults.extend(error.faults)
        except EvaluationError as error:
            faults.append(Fault(path=str(path), line=1, column=1, message=error.what))

    def read_criteria() -> None:
        nonlocal loaded
        loaded = load_criteria(criteria, probes=probes)

    attempt(criteria, read_criteria)
    names = None if loaded is None else tuple(loaded.criteria)
    for site in list_sites(sites):

        def read_site(site: str = site) -> None:
            load_site(site, sites, runtimes=runtimes, families=families, criteria=names)

        attempt(sites / f"{site}.yaml", read_site)
    return faults
