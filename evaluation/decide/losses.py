"""What a runtime costs of one unit of work: seconds beside the bare host, and what they consist of.

A unit is declared as countable things (`evaluation.workprofiles`). Each is priced by a probe: what the bare
host takes for one of it, times by how much the runtime's paired ratio is above 1. So a ratio is all that is
ever estimated, and no baseline is subtracted (law 6):

    loss = sum over counts of  count * host cost * (ratio - 1)  +  length * sum of share * (ratio - 1)

The blocks of all probes are resampled together: block 7 is the same few seconds of the same machine for each
of them, so what a bad minute did to all of them cancels, between the parts and between the runtimes.

The interval is that of the bootstrap's percentiles, set farther out for few blocks as T. Hesterberg advises
(What Teachers Should Know about the Bootstrap, The American Statistician 69 (2015) 371-386, 4.3): the normal
quantile is replaced by Student's, times the root of n / (n - 1). What is not known is no number but a range,
from nothing to the worst of the declared scale (law 1).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from evaluation.decide.chances import Noise, resampled_medians
from evaluation.decide.criteria import Criteria, Method
from evaluation.errors import EvaluationError
from evaluation.model import (
    CONTROL,
    CONTROL_AGAIN,
    CriterionRow,
    Finding,
    Interval,
    Loss,
    LossCheck,
    LossPart,
    Outcome,
    Score,
)
from evaluation.sites import Site
from evaluation.statistics import log_ratios
from evaluation.units import MINUS, NBSP
from evaluation.workprofiles import WorkProfile, is_price, replaced

__all__ = [
    "STREAM",
    "UNEXPLAINED",
    "Basis",
    "Losses",
    "Prices",
    "loss_rows",
    "losses_here",
    "losses_of",
    "with_losses",
]

STREAM = "time lost"
"""The stream of random numbers by which the blocks of all priced probes are resampled together."""

UNEXPLAINED = "unexplained"
"""The part by which a unit that was done as a whole corrects the sum of its parts."""

Draws = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Price:
    """What one thing costs: on the bare host, and how many times as much in the runtime; with replicates."""

    host_s: float
    ratio: Interval
    host_draws: Draws
    ratio_draws: Draws
    by_block: Mapping[int, float]
    lent: bool

    @property
    def blocks(self) -> int:
        """How many blocks it rests on."""
        return len(self.by_block)

    def loss_s(self, count: float, *, by_host: bool = True) -> tuple[float, Draws]:
        """Return what so many cost beside the host: the estimate, and its replicates."""
        host_s, host_draws = (self.host_s, self.host_draws) if by_host else (1.0, np.float64(1.0))
        return count * host_s * (self.ratio.estimate - 1), count * host_draws * (self.ratio_draws - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The losses of one use case.

    For each loss that is known ``draws`` has replicates of its share of a unit, by runtime, and ``by_block``
    the share in each block, moved so that their median is the estimate; ``blocks`` are all that there are.
    """

    losses: tuple[Loss, ...]
    draws: Mapping[str, Draws]
    by_block: Mapping[str, Mapping[int, float]]
    blocks: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a site was decided from beside its rows: the noise, and by use case what a unit of work loses."""

    noise: Noise
    losses: Mapping[str, Losses]


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of a run, each computed once; by `losses_of` they become losses."""

    findings: Mapping[tuple[str, str], Finding]
    method: Method
    blocks: tuple[int, ...]
    _known: dict[tuple[str, str], _Price | None] = field(default_factory=dict)

    @classmethod
    def of(cls, findings: Iterable[Finding], method: Method, probes: Collection[str]) -> Prices:
        """Gather what may price something: the findings of these probes."""
        found = {
            (finding.probe, finding.runtime): finding
            for finding in findings
            if finding.probe in probes and finding.runtime != CONTROL_AGAIN
        }
        blocks = sorted({block for finding in found.values() for block in finding.blocks})
        return cls(found, method, tuple(blocks))

    def price(self, probe: str, runtime: str) -> _Price | None:
        """Price a thing; nothing where it was not measured in enough blocks."""
        key = (probe, runtime)
        if key not in self._known:
            self._known[key] = self._priced(self.findings.get(key))
        return self._known[key]

    def fails(self, probe: str, runtime: str) -> bool:
        """Whether the runtime was seen not to do it at all."""
        finding = self.findings.get((probe, runtime))
        return finding is not None and finding.outcome in {Outcome.FAILS, Outcome.UNSUPPORTED}

    def why(self, probe: str, runtime: str) -> str:
        """Say why there is no price."""
        finding = self.findings.get((probe, runtime))
        if finding is None:
            return "not measured"
        few = "measured in too few blocks" if finding.outcome is Outcome.MEASURED else "not measured"
        return finding.message or few

    def _priced(self, finding: Finding | None) -> _Price | None:
        if finding is None or finding.outcome is not Outcome.MEASURED or finding.ratio is None:
            return None
        unit, rate = finding.texts.unit, finding.texts.unit.endswith("/s")
        if not is_price(unit):
            raise EvaluationError(
                f"{unit!r} is no time, and nothing per second: it cannot price a part of a unit of work",
                where=f"probe {finding.probe}",
                advice="Name a probe that measures in s, in ns or in things per second.",
            )
        own = {block: place for place, block in enumerate(finding.blocks)}
        places = np.array([own.get(block, -1) for block in self.blocks])
        control = np.asarray(finding.control)
        logs = log_ratios(finding.samples, finding.control)
        hosts = resampled_medians(control, places, STREAM, self.method)
        ratios = np.exp(resampled_medians(-logs if rate else logs, places, STREAM, self.method))
        scale = 1e-9 if unit == "ns" else 1.0
        host = float(np.median(control))
        ratio = finding.ratio
        if rate:
            ratio = Interval(estimate=1 / ratio.estimate, low=1 / ratio.high, high=1 / ratio.low)
        return _Price(
            host_s=1 / host if rate else host * scale,
            ratio=ratio,
            host_draws=1 / hosts if rate else hosts * scale,
            ratio_draws=ratios,
            by_block=dict(zip(finding.blocks, np.exp(-logs if rate else logs).tolist(), strict=True)),
            lent=finding.borrowed is not None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sum:
    """Parts, and the replicates of the sum of those that have any; ``fixed_s`` is what the others come to."""

    parts: tuple[LossPart, ...]
    draws: Draws
    blocks: int
    fixed_s: float = 0.0

    @property
    def known_s(self) -> float:
        return math.fsum(part.seconds for part in self.parts if part.seconds is not None)

    def interval(self, method: Method) -> Interval:
        """Put the interval of what is known and the bounds of what is not together."""
        unknown = [part for part in self.parts if part.seconds is None]
        low, high = _ends(self.draws, self.blocks, method) if self.blocks else (0.0, 0.0)
        return Interval(
            estimate=self.known_s,
            low=low + self.fixed_s + math.fsum(part.low for part in unknown),
            high=high + self.fixed_s + math.fsum(part.high for part in unknown),
        )


def losses_here(findings: Sequence[Finding], criteria: Criteria, site: Site) -> dict[str, Losses]:
    """Give the losses of every use case that declares its work, by its name; of runtimes that were measured.

    A site's own figures stand in the place of the declared ones. Without a criterion for the time lost there
    is no scale, and so no worst that a gap could be; then there are no losses.
    """
    scale = criteria.loss
    profiles = {
        name: replaced(use_case.work, site.work.get(name))
        for name, use_case in criteria.use_cases.items()
        if use_case.work
    }
    if scale is None or not profiles:
        return {}
    priced = {probe for profile in profiles.values() for probe in profile.probes}
    whole = {profile.measured_by for profile in profiles.values() if profile.measured_by}
    done = {probe for finding in findings if finding.probe in whole for probe, _ in finding.work}
    prices = Prices.of(findings, criteria.method, {*priced, *whole, *done})
    runtimes = sorted({finding.runtime for finding in findings if finding.outcome.is_evidence})
    ranked = [runtime for runtime in runtimes if runtime not in {CONTROL, CONTROL_AGAIN}]
    return {
        name: losses_of(name, profile, prices, ranked, worst=scale[1].scale.worst)
        for name, profile in profiles.items()
    }


def losses_of(
    use_case: str, profile: WorkProfile, prices: Prices, runtimes: Sequence[str], *, worst: float
) -> Losses:
    """Add up what one unit of a use case's work costs in each runtime.

    Parameters
    ----------
    use_case : str
        Its name.
    profile : WorkProfile
        What a unit is; a site's own figures are in it already.
    prices : Prices
        What the things in it cost.
    runtimes : sequence of str
        Whose losses are wanted; the bare host has none.
    worst : float
        The share of a unit that is the worst of the declared scale: so much may lie in a part that nobody
        measured, and so much is put down for one that the runtime cannot do.

    Returns
    -------
    Losses
        One for each runtime, in their order.

    Raises
    ------
    EvaluationError
        A probe that is to price something measures neither a time nor a rate.
    """
    found: list[Loss] = []
    draws: dict[str, Draws] = {}
    by_block: dict[str, Mapping[int, float]] = {}
    for runtime in runtimes:
        if runtime == CONTROL:
            continue
        loss, spread = _loss(use_case, profile, prices, runtime, worst)
        found.append(loss)
        if loss.seconds is not None:
            draws[runtime] = spread / loss.unit_s
            by_block[runtime] = _in_blocks(loss, prices)
    return Losses(losses=tuple(found), draws=draws, by_block=by_block, blocks=prices.blocks)


def _in_blocks(loss: Loss, prices: Prices) -> dict[int, float]:
    """Give the share that is lost in each block that has every part, moved so that the median is the loss."""
    priced = [
        (part.count * part.host_s, price.by_block)
        for part in loss.parts
        if part.host_s is not None and (price := prices.price(part.probe, loss.runtime))
    ]
    blocks = [block for block in prices.blocks if all(block in by_block for _, by_block in priced)]
    if not priced or not blocks:
        return {}
    sums = [math.fsum(seconds * (by_block[block] - 1) for seconds, by_block in priced) for block in blocks]
    moved = np.asarray(sums) - float(np.median(sums)) + loss.known_s
    return dict(zip(blocks, (moved / loss.unit_s).tolist(), strict=True))


def loss_rows(
    losses: Mapping[str, Losses], findings: Iterable[Finding], criteria: Criteria
) -> tuple[CriterionRow, ...]:
    """Place every loss on the declared scale: one row for each use case and runtime.

    A loss that is not known in full has the bounds that its gaps leave it. Behind a row stands the finding of
    its largest part, or of the one that is missing.
    """
    if criteria.loss is None:
        return ()
    name, criterion = criteria.loss
    there = {(finding.probe, finding.runtime): finding for finding in findings}
    rows = []
    for use_case, found in losses.items():
        for loss in found.losses:
            gaps = [part for part in loss.parts if part.seconds is None]
            behind = gaps[0] if gaps else max(loss.parts, key=lambda part: abs(part.seconds or 0.0))
            low, high = (
                criterion.scale.score((loss.known_s + math.fsum(ends)) / loss.unit_s)
                for ends in ([part.high for part in gaps], [part.low for part in gaps])
            )
            rows.append(
                CriterionRow(
                    criterion=name,
                    runtime=loss.runtime,
                    score=Score(value=None if gaps else low, low=low, high=high),
                    finding=there.get((behind.probe, loss.runtime)),
                    use_case=use_case,
                    told=_told(loss, behind),
                )
            )
    return tuple(rows)


def _told(loss: Loss, behind: LossPart) -> str:
    share = f"{loss.known_s / loss.unit_s:+.2%}".replace("-", MINUS).replace("%", f"{NBSP}%")
    if loss.seconds is None:
        return f"{share} of a unit and what {behind.name.replace('_', ' ')} adds: {behind.missing}"
    ends = " to ".join(
        f"{end / loss.unit_s:+.2%}".replace("-", MINUS).replace("%", f"{NBSP}%")
        for end in (loss.low, loss.high)
    )
    return f"{share} of a unit ({ends}), most of it {behind.name.replace('_', ' ')}"


def with_losses(noise: Noise, losses: Losses | None, criteria: Criteria) -> Noise:
    """Add to the noise what the losses of a use case could as well have been."""
    if losses is None or criteria.loss is None:
        return noise
    name, criterion = criteria.loss
    worst = criterion.scale.worst
    drawn = {(name, runtime): np.clip(1 - share / worst, 0, 1) for runtime, share in losses.draws.items()}
    return replace(
        noise, scores={**noise.scores, **drawn}, probes={**noise.probes, **dict.fromkeys(drawn, STREAM)}
    )


def _loss(
    use_case: str, profile: WorkProfile, prices: Prices, runtime: str, worst: float
) -> tuple[Loss, Draws]:
    length = profile.length.middle
    counted = {name: (count.probe, count.middle) for name, count in profile.counts.items()}
    host_s = length + _host_s(prices, runtime, counted.values())
    whole = _added(profile, prices, runtime, length, worst=worst * host_s)
    check = _check(profile.measured_by, prices, runtime)
    if check and not check.agrees:
        whole = _corrected(whole, check, profile, prices, runtime)
    interval = whole.interval(prices.method)
    known = all(part.seconds is not None for part in whole.parts)
    loss = Loss(
        use_case=use_case,
        runtime=runtime,
        unit_s=host_s,
        seconds=whole.known_s if known else None,
        known_s=whole.known_s,
        low=interval.low,
        high=interval.high,
        parts=whole.parts,
        blocks=whole.blocks,
        varied=_varied(profile, prices, runtime, length),
        lengths=_lengths(profile, prices, runtime, worst, whole),
        check=check,
    )
    return loss, whole.draws


def _host_s(prices: Prices, runtime: str, counted: Iterable[tuple[str, float]]) -> float:
    """Add up what the bare host takes for what is counted, as far as that is known."""
    priced = ((prices.price(probe, runtime), count) for probe, count in counted)
    return math.fsum(count * price.host_s for price, count in priced if price)


def _added(
    profile: WorkProfile,
    prices: Prices,
    runtime: str,
    length: float,
    *,
    worst: float,
) -> _Sum:
    """Price every part of a unit; the computing last."""
    wanted: list[tuple[str, str, float, bool]] = [
        (name, count.probe, count.middle, True) for name, count in profile.counts.items()
    ]
    wanted += [(name, part.probe, length * part.share, False) for name, part in profile.computing.items()]
    parts, blocks = [], []
    total: Draws = np.zeros(prices.method.bootstrap_resamples.value)
    fixed_s = 0.0
    for name, probe, count, by_host in wanted:
        price = prices.price(probe, runtime)
        if price is None:
            parts.append(_unknown(name, probe, count, prices, runtime, worst))
            fixed_s += parts[-1].seconds or 0.0
            continue
        seconds, drawn = price.loss_s(count, by_host=by_host)
        one_s = price.host_s if by_host else 1.0
        ends = _ends(drawn, price.blocks, prices.method)
        if price.lent:  # another machine's: an interval, never a point
            ends = count * one_s * (price.ratio.low - 1), count * one_s * (price.ratio.high - 1)
        else:
            total = total + drawn
            blocks.append(price.blocks)
        parts.append(
            LossPart(
                name=name,
                probe=probe,
                count=count,
                host_s=one_s,
                ratio=price.ratio,
                seconds=None if price.lent else seconds,
                low=ends[0],
                high=ends[1],
                missing="borrowed from another site" if price.lent else "",
            )
        )
    return _Sum(parts=tuple(parts), draws=total, blocks=min(blocks, default=0), fixed_s=fixed_s)


def _unknown(name: str, probe: str, count: float, prices: Prices, runtime: str, worst: float) -> LossPart:
    """What nobody measured may cost anything up to the worst; what the runtime cannot do costs that."""
    nothing = not count
    fails = prices.fails(probe, runtime) and not nothing
    return LossPart(
        name=name,
        probe=probe,
        count=count,
        host_s=None,
        ratio=None,
        seconds=worst if fails else 0.0 if nothing else None,
        low=worst if fails else 0.0,
        high=0.0 if nothing else worst,
        missing="" if nothing else prices.why(probe, runtime),
    )


def _check(probe: str | None, prices: Prices, runtime: str) -> LossCheck | None:
    """Hold the sum of the parts of a reduced unit against that unit, done as a whole."""
    finding = prices.findings.get((probe, runtime)) if probe else None
    price = prices.price(probe, runtime) if probe else None
    if (
        probe is None
        or finding is None
        or price is None
        or price.lent
        or finding.taken_from
        or not finding.work
    ):
        return None
    priced = [(prices.price(each, runtime), count) for each, count in finding.work]
    if any(each is None or each.lent for each, _ in priced):
        return None
    sums = [each.loss_s(count) for each, count in priced if each]
    fewest = min(each.blocks for each, _ in priced if each)
    drawn = np.sum([drawn for _, drawn in sums], axis=0)
    low, high = _ends(drawn, fewest, prices.method)
    predicted = Interval(estimate=math.fsum(seconds for seconds, _ in sums), low=low, high=high)
    seconds, whole = price.loss_s(1.0)
    low, high = _ends(whole, price.blocks, prices.method)
    measured = Interval(estimate=seconds, low=low, high=high)
    return LossCheck(
        probe=probe,
        host_s=price.host_s,
        predicted=predicted,
        measured=measured,
        agrees=predicted.low <= measured.high and measured.low <= predicted.high,
    )


def _corrected(whole: _Sum, check: LossCheck, profile: WorkProfile, prices: Prices, runtime: str) -> _Sum:
    """Let the measured unit count: add what it shows beyond the sum, in proportion to what is counted."""
    work = dict(prices.findings[check.probe, runtime].work)
    computing = {part.probe for part in profile.computing.values()}
    small = _host_s(prices, runtime, ((probe, n) for probe, n in work.items() if probe not in computing))
    counted = ((count.probe, count.middle) for count in profile.counts.values())
    factor = _host_s(prices, runtime, counted) / small if small else 1.0
    price = prices.price(check.probe, runtime)
    assert price is not None  # noqa: S101 - it was checked by it
    drawn = price.loss_s(factor)[1]
    for probe, count in work.items():
        if (each := prices.price(probe, runtime)) is not None:
            drawn = drawn - each.loss_s(factor * count)[1]
    low, high = _ends(drawn, price.blocks, prices.method)
    part = LossPart(
        name=UNEXPLAINED,
        probe=check.probe,
        count=factor,
        host_s=None,
        ratio=None,
        seconds=factor * (check.measured.estimate - check.predicted.estimate),
        low=low,
        high=high,
    )
    return replace(whole, parts=(*whole.parts, part), draws=whole.draws + drawn)


def _varied(profile: WorkProfile, prices: Prices, runtime: str, length: float) -> tuple[float, float]:
    """Give the known loss with every count at its low, and at its high amount; ordered."""
    ends = []
    for end in ("low", "high"):
        seconds = [
            price.loss_s(getattr(count, end))[0]
            for count in profile.counts.values()
            if (price := prices.price(count.probe, runtime)) and not price.lent
        ]
        seconds += [
            price.loss_s(length * part.share, by_host=False)[0]
            for part in profile.computing.values()
            if (price := prices.price(part.probe, runtime)) and not price.lent
        ]
        ends.append(math.fsum(seconds))
    return min(ends), max(ends)


def _lengths(
    profile: WorkProfile, prices: Prices, runtime: str, worst: float, middle: _Sum
) -> tuple[tuple[float, Interval], ...]:
    """Give the loss as a share of a short, a usual and a long unit; what is counted stays the same."""
    counted = [(count.probe, count.middle) for count in profile.counts.values()]
    beyond = [part for part in middle.parts if part.name == UNEXPLAINED]
    found = []
    for length in (profile.length.low, profile.length.middle, profile.length.high):
        host_s = length + _host_s(prices, runtime, counted)
        whole = _added(profile, prices, runtime, length, worst=worst * host_s)
        shift = math.fsum(part.seconds or 0.0 for part in beyond)
        whole = replace(whole, parts=(*whole.parts, *beyond), fixed_s=whole.fixed_s + shift)
        interval = whole.interval(prices.method)
        found.append(
            (
                length,
                Interval(
                    estimate=whole.known_s / host_s, low=interval.low / host_s, high=interval.high / host_s
                ),
            )
        )
    return tuple(found)


def _ends(drawn: Draws, blocks: int, method: Method) -> tuple[float, float]:
    """Give the ends of the interval of bootstrap replicates from so many blocks."""
    tail = _tail(blocks, method.confidence_level.value)
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def _tail(blocks: int, confidence: float) -> float:
    """Return the share of replicates to leave out at each end; see Hesterberg, above.

    Student's quantile by the expansion of M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions,
    26.7.5.
    """
    normal = NormalDist()
    z = normal.inv_cdf(0.5 + confidence / 2)
    n = max(blocks, 2) - 1
    student = (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )
    return normal.cdf(-student * math.sqrt((n + 1) / n))
