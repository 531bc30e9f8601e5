"""What a job costs beside its work: intervals in, intervals out.

All terms are sums and products of what is not negative, divided by what is positive. So the least cost
comes from the least of every figure and the most of every divisor, and the other way round (interval
arithmetic; R. E. Moore, Interval Analysis, 1966). Figures that several runtimes share, such as a price, move
all of them together: the intervals of two runtimes may overlap although one is dearer at every price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.decide.costs import Bounds, Costs

__all__ = ["Measured", "Reckoned", "Span", "Step", "reckon", "steps"]

_HOUR_S = 3600.0
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Span:
    """From ``low`` to ``high``, both at least zero."""

    low: float
    high: float

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.high + other.high)

    def __mul__(self, other: Span) -> Span:
        return Span(self.low * other.low, self.high * other.high)

    def over(self, other: Span) -> Span:
        """Divide by what is positive."""
        return Span(self.low / other.high, self.high / other.low)

    def times(self, number: float) -> Span:
        """Multiply by a number that is not negative."""
        return Span(self.low * number, self.high * number)

    @classmethod
    def of(cls, bounds: Bounds) -> Span:
        """Take the ends of declared bounds."""
        return cls(bounds.low, bounds.high)


ZERO = Span(0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured of one runtime; ``None`` is not known.

    ``start`` in seconds; ``slowdown`` is the bare host's computing speed over this runtime's;
    ``convert`` in seconds of one core; ``engine_cpu`` in seconds of the daemon per start. ``stored`` are the
    bytes of the form where it is kept, ``fetched`` those that come over the network for it.
    """

    runtime: str
    family: str
    form: str
    start: Span | None = None
    slowdown: Span | None = None
    convert: Span | None = None
    engine_cpu: Span | None = None
    stored: Span | None = None
    fetched: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """What follows for one runtime at one site. ``missing`` names what was not measured.

    ``start_s`` is wall time before the work begins; ``shared_s`` what converting and handing out the image
    come to per job; ``engine_s`` the daemon's CPU time. ``fixed_s`` is their sum: what no length of the job
    changes. ``break_even_s`` is the length from which that is less than the declared share.
    """

    runtime: str
    missing: tuple[str, ...]
    start_s: Span
    shared_s: Span
    engine_s: Span
    slowdown: Span
    fixed_s: Span
    break_even_s: Span
    copies: Span
    stored_bytes: Span
    storage_eur_month: Span
    other_eur_job: Span
    """Storage, transfer and declared staff hours, per job."""
    job_eur: Span
    """Mean cost of a job over the declared lengths, its own work included."""
    beside_eur: Span
    """That part of it which is not the job's own work on the bare host."""

    def share(self, length_s: float) -> Span:
        """What part of a job of this length start-up is: fixed seconds over seconds of work."""
        return self.fixed_s.times(1 / length_s)

    def alone_s(self, limit: float) -> Span:
        """From which length on the start alone is less than a share of it."""
        return (self.start_s + self.engine_s).times(1 / limit)


def reckon(facts: Measured, costs: Costs, site: str) -> Reckoned:
    """Reckon one runtime's costs at one site.

    Parameters
    ----------
    facts : Measured
        What its form is must be known to ``costs.forms``.
    """

    def constant(name: str) -> Span:
        return Span.of(costs.constant(name, site))

    missing: list[str] = []

    def known(value: Span | None, bounds: Bounds, what: str) -> Span:
        if value is None:
            missing.append(what)
            return Span.of(bounds)
        return value

    form, unknown = costs.forms[facts.form], costs.unknown
    start = known(facts.start, unknown.start, "start-up")
    slowdown = known(facts.slowdown, unknown.slowdown, "computing speed")
    convert = known(facts.convert, unknown.convert, "conversion")
    stored = known(facts.stored, unknown.size, "size")
    fetched = facts.fetched or stored
    engine = known(facts.engine_cpu, unknown.engine_cpu, "CPU of the daemon") if form.has_engine else ZERO
    jobs, cores, cpu = constant("jobs_per_month"), constant("cores_per_job"), constant("cpu_price")
    copies = constant("nodes") if form.kept_by == "node" else Span(1.0, 1.0)
    handed_out = copies * constant("releases_per_month")
    shared = ((convert + fetched.over(constant("transfer_bandwidth"))) * handed_out).over(jobs)
    fixed = start + shared + engine
    storage = (stored * copies * constant("storage_price")).times(1 / _GB)
    transfer = (fetched * handed_out * constant("transfer_price")).times(1 / _GB)
    declared = costs.staff_hours(site, facts.family)
    staff = Span.of(declared) * constant("staff_price") if declared else ZERO
    other = (storage + transfer + staff).over(jobs)
    core_s = (cores * cpu).times(1 / _HOUR_S)
    work = _mean(costs, slowdown)
    extra = _mean(costs, Span(max(0.0, slowdown.low - 1), max(0.0, slowdown.high - 1)))
    return Reckoned(
        runtime=facts.runtime,
        missing=tuple(missing),
        start_s=start,
        shared_s=shared,
        engine_s=engine,
        slowdown=slowdown,
        fixed_s=fixed,
        break_even_s=fixed.times(1 / costs.overhead_share.value),
        copies=copies,
        stored_bytes=stored * copies,
        storage_eur_month=storage,
        other_eur_job=other,
        job_eur=(work + fixed) * core_s + other,
        beside_eur=(extra + fixed) * core_s + other,
    )


def _mean(costs: Costs, slowdown: Span) -> Span:
    """Seconds of work of a job, in the mean over the declared lengths."""
    return slowdown.times(sum(item.length_s * item.share for item in costs.job_lengths.lengths))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Jobs from one length to the next (``None``: and longer), and what start-up surely matters little to."""

    from_s: float
    to_s: float | None
    prefer: tuple[str, ...]
    least: bool
    """Whether none is below the share here, and those with the least are named instead."""


def steps(rows: Sequence[Reckoned]) -> tuple[Step, ...]:
    """Say which runtimes to prefer for jobs of which length: those whose start-up is surely small enough.

    Below the shortest of these lengths none is, and those are named of which none is surely worse than
    another.
    """
    if not rows:
        return ()
    ends = sorted({row.break_even_s.high for row in rows})
    bar = min(row.fixed_s.high for row in rows)
    least = tuple(row.runtime for row in rows if row.fixed_s.low <= bar)
    found = [Step(from_s=0.0, to_s=ends[0], prefer=least, least=True)]
    for place, end in enumerate(ends):
        good = tuple(row.runtime for row in rows if row.break_even_s.high <= end)
        beyond = ends[place + 1] if place + 1 < len(ends) else None
        found.append(Step(from_s=end, to_s=beyond, prefer=good, least=False))
    return tuple(found)
