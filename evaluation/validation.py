"""Everything a person writes, checked in one go; and the JSON Schemas that editors check it by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from evaluation.decide.costs import Costs
from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.decide.farm import Scaling
from evaluation.decide.owed import owed
from evaluation.decide.supply import Advisories
from evaluation.documents import StrictModel, schema_text
from evaluation.errors import EvaluationError, Fault, FaultyDocumentError
from evaluation.images.recipe import Recipe
from evaluation.inventory import Inventory
from evaluation.sites import SiteFile, list_sites, load_site
from evaluation.workloads import WorkloadFile

__all__ = ["SCHEMAS", "validate", "write_schemas"]

SCHEMAS: dict[str, type[StrictModel]] = {
    "advisories.schema.json": Advisories,
    "costs.schema.json": Costs,
    "criteria.schema.json": Criteria,
    "image.schema.json": Recipe,
    "inventory.schema.json": Inventory,
    "scaling.schema.json": Scaling,
    "site.schema.json": SiteFile,
    "workload.schema.json": WorkloadFile,
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
    probes: Collection[str] | Mapping[str, str] | None = None,
    runtimes: Collection[str] | None = None,
    families: Collection[str] | None = None,
    reviewed: bool = True,
) -> list[Fault]:
    """Check the criteria and every site, and each against the other.

    Parameters
    ----------
    criteria : Path
        The criteria file.
    sites : Path
        The folder of the sites.
    probes : collection of str, or mapping of str to str, optional
        All probes there are, as `load_criteria` takes them.
    runtimes, families : collection of str, optional
        All ids there are; given, a name that is none of them is a fault.
    reviewed : bool
        Also tell what the criteria owe their reviewers: points that add up, and reasons.

    Returns
    -------
    list of Fault
        Every fault of every file, in order; empty when all is well. A file that cannot be read at
        all is one fault at its first line.
    """
    faults: list[Fault] = []
    names: tuple[str, ...] | None = None
    counted: dict[str, tuple[str, ...]] | None = None
    try:
        rules = load_criteria(criteria, probes=probes, also=owed if reviewed else None)
        names = tuple(rules.criteria)
        counted = {
            name: tuple(use_case.work.counts) if use_case.work else ()
            for name, use_case in rules.use_cases.items()
        }
    except EvaluationError as error:
        faults.extend(_faults(error, criteria))
    ids = list_sites(sites)
    if not ids:
        faults.append(Fault(path=str(sites), line=1, column=1, message="no site is described in this folder"))
    for site in ids:
        try:
            load_site(site, sites, runtimes=runtimes, families=families, criteria=names, counted=counted)
        except EvaluationError as error:
            faults.extend(_faults(error, sites / f"{site}.yaml"))
    return faults


def _faults(error: EvaluationError, path: Path) -> tuple[Fault, ...]:
    if isinstance(error, FaultyDocumentError):
        return error.faults
    return (Fault(path=str(path), line=1, column=1, message=error.what),)
