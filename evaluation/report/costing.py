"""From a run's findings and forms to what the cost model reckons with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.decide.costing import Measured, Reckoned, Span, Step, reckon, steps
from evaluation.decide.costs import Costs
from evaluation.ledger import Build
from evaluation.manifest import FormFacts, ImageFacts
from evaluation.model import Interval
from evaluation.report.source import Case, SiteCase

__all__ = ["SiteCosts", "site_costs"]

_START = "cold_start"
_SPEEDS = ("monte_carlo", "cpu_rate")
"""Rates of computing, a real job's first."""
_LAUNCH, _ENGINE = "launch_cost", "engine_cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteCosts:
    """One site's costs. ``image`` is the one that was reckoned with; ``speed`` the probe of its speed."""

    title: str
    site: str
    image: ImageFacts
    wanted: str
    rows: tuple[Reckoned, ...]
    steps: tuple[Step, ...]
    absent: tuple[str, ...]
    speed: str
    staff: bool
    """Whether the site declares staff hours of any family of runtimes."""


def site_costs(case: Case, site: SiteCase, costs: Costs) -> SiteCosts | None:
    """Reckon every measured runtime of a site; nothing where the run used no image."""
    image = site.manifest.images.get(costs.image.name) or site.manifest.image
    if image is None:
        return None
    speed = next(
        (probe for probe in _SPEEDS if any(_ratio(site, probe, runtime) for runtime in site.measured)), ""
    )
    forms = {form.runtime: form for form in image.forms if form.form in costs.forms}
    families = {facts.id: facts.family for facts in site.manifest.runtimes}
    rows = tuple(
        reckon(
            _measured(
                site, runtime, families.get(runtime, runtime), forms[runtime], image, case.ledgers, speed
            ),
            costs,
            site.site,
        )
        for runtime in site.measured
        if runtime in forms
    )
    return SiteCosts(
        title=case.title(site),
        site=site.site,
        image=image,
        wanted=costs.image.name,
        rows=tuple(sorted(rows, key=lambda row: (row.fixed_s.high, row.runtime))),
        steps=steps(rows),
        absent=tuple(runtime for runtime in site.ranked[1:] if runtime not in {row.runtime for row in rows}),
        speed=speed,
        staff=any(costs.staff_hours(site.site, family) for family in families.values()),
    )


def _measured(
    site: SiteCase,
    runtime: str,
    family: str,
    form: FormFacts,
    image: ImageFacts,
    ledgers: Mapping[str, tuple[Build, ...]],
    speed: str,
) -> Measured:
    start = site.cells.get((_START, runtime))
    ratio = _ratio(site, speed, runtime)
    size = form.size_bytes
    return Measured(
        runtime=runtime,
        family=family,
        form=form.form,
        start=Span(start.value.low, start.value.high) if start and start.value else None,
        slowdown=Span(1 / ratio.high, 1 / ratio.low) if ratio and ratio.low > 0 else None,
        convert=None if form.problem or form.convert_s is None else Span(form.convert_s, form.convert_s),
        engine_cpu=_engine(site, runtime),
        stored=None if size is None else Span(size, size),
        fetched=_fetched(form, image, ledgers),
    )


def _ratio(site: SiteCase, probe: str, runtime: str) -> Interval | None:
    finding = site.cells.get((probe, runtime))
    return finding.ratio if finding else None


def _engine(site: SiteCase, runtime: str) -> Span | None:
    """CPU time of the daemons per launch: from the least to the most that was seen."""
    seen = [
        float(item.value)
        for item in site.recorded.get((_LAUNCH, runtime), ())
        if item.name == _ENGINE and not item.warm_up and isinstance(item.value, int | float)
    ]
    return Span(max(0.0, min(seen)), max(0.0, *seen)) if seen else None


def _fetched(form: FormFacts, image: ImageFacts, ledgers: Mapping[str, tuple[Build, ...]]) -> Span | None:
    """Bytes over the network: compressed layers where the ledger knows this very image, else its tar."""
    if form.form == "sif":
        return None if form.size_bytes is None else Span(form.size_bytes, form.size_bytes)
    for build in reversed(ledgers.get(image.name, ())):
        if build.digest and build.digest == image.digest:
            return Span(build.pull_bytes, build.pull_bytes)
    return Span(0.0, image.tar_bytes)
