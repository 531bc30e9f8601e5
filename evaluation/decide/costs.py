"""``costs.yaml``: the constants of the cost model, each a range with its source.

Nothing in it moves a score. What a site has not declared is a range that is called an example, and what was
not measured is a range too (``unknown``): a missing figure makes a cost less sure, never smaller.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from evaluation.documents import Complaint, Identifier, StrictModel, Text, load, unknown
from evaluation.yamltree import Document

__all__ = ["Constants", "Costs", "FormCost", "JobLength", "Range", "load_costs"]

_SUM = 1e-9
"""How far the shares of job lengths may be from 1: rounding of a sum of decimals."""
_Figure = Annotated[float, Field(ge=0)]
_Positive = Annotated[float, Field(gt=0)]


class Bounds(StrictModel):
    """What a figure may be, in a unit."""

    low: _Figure
    high: _Figure
    unit: Text
    reason: Text

    @model_validator(mode="after")
    def _in_order(self) -> Bounds:
        if self.low > self.high:
            message = f"low, {self.low:g}, should not be above high, {self.high:g}"
            raise ValueError(message)
        return self


class Range(Bounds):
    """One constant, with who says so."""

    basis: Literal["declared", "published", "example"]
    source: Text


class _Divisor(Range):
    low: _Positive
    high: _Positive


class _CpuPrice(Range):
    unit: Literal["EUR per core and hour"]


class _Cores(Range):
    unit: Literal["cores"]


class _StoragePrice(Range):
    unit: Literal["EUR per GB and month"]


class _TransferPrice(Range):
    unit: Literal["EUR per GB"]


class _Bandwidth(_Divisor):
    unit: Literal["B/s"]


class _Nodes(Range):
    unit: Literal["nodes"]


class _Releases(Range):
    unit: Literal["1 per month"]


class _Jobs(_Divisor):
    unit: Literal["jobs per month"]


class _Hours(Range):
    unit: Literal["hours per month"]


class _HourPrice(Range):
    unit: Literal["EUR per hour"]


class Constants(StrictModel):
    """Every constant there is; each in the one unit that the model reckons in."""

    cpu_price: _CpuPrice
    cores_per_job: _Cores
    storage_price: _StoragePrice
    transfer_price: _TransferPrice
    transfer_bandwidth: _Bandwidth
    """To one node while others fetch too."""
    nodes: _Nodes
    """On which the image is wanted."""
    releases_per_month: _Releases
    """Of the image: each is converted and handed out anew."""
    jobs_per_month: _Jobs
    staff_price: _HourPrice


class SiteConstants(StrictModel):
    """What one site says in place of the examples."""

    cpu_price: _CpuPrice | None = None
    cores_per_job: _Cores | None = None
    storage_price: _StoragePrice | None = None
    transfer_price: _TransferPrice | None = None
    transfer_bandwidth: _Bandwidth | None = None
    nodes: _Nodes | None = None
    releases_per_month: _Releases | None = None
    jobs_per_month: _Jobs | None = None
    staff_hours: Mapping[Identifier, _Hours] = Field(default_factory=dict)
    """To keep one running, by family of runtimes. Counted only where it is declared."""
    staff_price: _HourPrice | None = None


class ImageChoice(StrictModel):
    """The image whose forms are reckoned with."""

    name: Identifier
    reason: Text


class ShareLimit(StrictModel):
    """The share of a job that start-up may take."""

    value: Annotated[float, Field(gt=0, lt=1)]
    reason: Text


class JobLength(StrictModel):
    """Jobs of one length, and which share of all jobs they are."""

    length_s: _Positive
    share: Annotated[float, Field(gt=0, le=1)]


class JobLengths(StrictModel):
    """How long the jobs are."""

    basis: Literal["declared", "published", "example"]
    reason: Text
    source: Text
    lengths: Annotated[tuple[JobLength, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> JobLengths:
        if abs((total := sum(item.share for item in self.lengths)) - 1) > _SUM:
            message = f"the shares should make 1 in sum, and make {total:g}"
            raise ValueError(message)
        return self


class FormCost(StrictModel):
    """Who keeps an image in this form: every node its own, or the site one for all."""

    kept_by: Literal["node", "site"]
    has_engine: bool
    """Whether a daemon works for it, on an account of its own."""
    reason: Text


class Unknown(StrictModel):
    """What a figure may be that nobody measured."""

    start: Bounds
    slowdown: Bounds
    convert: Bounds
    engine_cpu: Bounds
    size: Bounds


class Costs(StrictModel):
    """Everything ``costs.yaml`` says."""

    image: ImageChoice
    overhead_share: ShareLimit
    constants: Constants
    job_lengths: JobLengths
    forms: Mapping[Identifier, FormCost]
    unknown: Unknown
    sites: Mapping[Identifier, SiteConstants] = Field(default_factory=dict)

    def constant(self, name: str, site: str) -> Range:
        """Give a constant as the site has it: its own, or the one for all."""
        found = getattr(self.sites.get(site), name, None) or getattr(self.constants, name)
        assert isinstance(found, Range)  # noqa: S101 - one of the model's fields
        return found

    def staff_hours(self, site: str, family: str) -> Range | None:
        """Give what the site declares of a family of runtimes; ``None`` where it declares nothing."""
        own = self.sites.get(site)
        return own.staff_hours.get(family) if own else None


def load_costs(path: Path, *, sites: Collection[str] | None = None) -> Costs:
    """Read and check the cost model.

    Parameters
    ----------
    sites : collection of str, optional
        Every site's id: a name below ``sites`` that is none of them is a fault.

    Raises
    ------
    EvaluationError
        The file cannot be read.
    FaultyDocumentError
        It is faulty: with every fault in it.
    """
    return load(path, Costs, partial(_strangers, sites))


def _strangers(sites: Collection[str] | None, document: Document) -> Iterator[Complaint]:
    named = document.value("sites")
    if sites is None or not isinstance(named, dict):
        return
    for name in named:
        if name not in sites:
            yield Complaint(location=("sites", name), message=unknown("site", name, sites), at_key=True)
