"""What this site can tell apart, from the bare host held against itself, before anything is claimed.

In every block the bare host runs twice, as ``host`` and ``host-again``. The two arms are the same, and
their order was drawn at random, so each of their log ratios could as well have had the other sign. That
gives any number of made-up runtimes that differ from the host in nothing, or by a planted ratio: residuals
of the run, drawn with replacement and with random signs. They pass through the very rule that the run's
claims pass (the sign test at the family's level, and the noise floor, drawn anew each time).

The sign flip is R. A. Fisher's randomisation argument (The Design of Experiments, 1935, ch. III); the
resampling is B. Efron's bootstrap (Annals of Statistics 7 (1979) 1-26); planning the number of samples from
pilot residuals by simulation is described by A. C. Davison and D. V. Hinkley, Bootstrap Methods and their
Application (1997), 4.6.
"""

from __future__ import annotations

import math
import zlib
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.decide.criteria import Criteria
from evaluation.model import CONTROL_AGAIN, Finding, Interval
from evaluation.statistics import MINIMUM_BLOCKS, far_end, in_favour_needed, interval_ends, log_ratios

__all__ = [
    "MOST_BLOCKS",
    "PLANNED",
    "NullRuns",
    "ProbeCalibration",
    "SiteCalibration",
    "calibrate",
    "needed_ratios",
]

PLANNED = (0.05, 0.02)
"""Differences, relative to the bare host, for which the number of blocks is worked out."""

_DETECTED = 0.8
"""How often the smallest detectable difference is found."""
_PLANNED_FOR = 0.95
"""How often a resampled run must allow a claim for its blocks to be recommended: nine times in ten, and a
reserve, because the residuals of one run stand for all that will come."""

_DRAWS = 1000
_RARE_DRAWS = 10_000
"""Runs drawn for quantiles, and for the chance of what should be rare."""
_WINDOW = 12
_SIZES = tuple(sorted({round(6 * 1.12**step) for step in range(39)}))
"""Numbers of blocks that are tried, from 6 to some 450 in steps of 12 %."""
MOST_BLOCKS = _SIZES[-1]

Draws = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeCalibration:
    """One probe, the bare host against itself.

    Parameters
    ----------
    ratio : Interval
        Of the second host arm to the first.
    floor : float
        The far end of that interval as a relative difference: smaller ones are not claimed.
    false_positives : float
        How often one comparison of the host with itself, on its own at the declared confidence, would
        come out as a difference; simulated.
    detectable : float or None
        The smallest relative slowdown that would be found four times in five with this many blocks and
        this many comparisons; ``None`` where no difference could be.
    recommended : tuple of (float, int or None)
        For each difference of `PLANNED`: with how many blocks it would be found nine times in ten, and its
        absence shown nine times in ten where there is none. ``None`` for more than the largest tried.
    """

    probe: str
    blocks: int
    ratio: Interval
    floor: float
    false_positives: float
    detectable: float | None
    recommended: tuple[tuple[float, int | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteCalibration:
    """The bare host against itself at one site.

    Parameters
    ----------
    level : float
        The chance of a false claim that is allowed: one minus the declared confidence.
    comparisons : int
        How many comparisons share the level (Holm).
    family_false_positives : float
        How often a run of this size in which no runtime differs from the host would still claim one
        difference or more; simulated.
    windows, claimed : int
        The run's own A/A blocks cut into pieces of twelve or more, and in how many of these the sign
        test alone found a difference at the declared confidence. This is no simulation: much more than
        the chance that the confidence leaves means that something here is wrong.
    """

    probes: tuple[ProbeCalibration, ...]
    level: float
    comparisons: int
    family_false_positives: float
    windows: int
    claimed: int

    @property
    def suspicious(self) -> bool:
        """Whether so many pieces show a difference that chance alone would do it in one run of a hundred."""
        chance = self.level
        likely = sum(
            math.comb(self.windows, k) * chance**k * (1 - chance) ** (self.windows - k)
            for k in range(self.claimed, self.windows + 1)
        )
        return likely < 0.01


def calibrate(findings: Iterable[Finding], criteria: Criteria, *, comparisons: int = 0) -> SiteCalibration:
    """Work out what a run can tell apart, from its two host arms.

    Parameters
    ----------
    findings : iterable of Finding
        Of one run at one site.
    criteria : Criteria
        For the confidence and the seed.
    comparisons : int, optional
        How many comparisons to allow for, where the run itself made none.
    """
    every = tuple(findings)
    family = sum(finding.comparison is not None for finding in every) or comparisons or 1
    aa = {
        finding.probe: log_ratios(finding.samples, finding.control)
        for finding in every
        if finding.runtime == CONTROL_AGAIN and finding.ratio is not None
    }
    ratios = {f.probe: f.ratio for f in every if f.runtime == CONTROL_AGAIN and f.ratio is not None}
    confidence, seed = criteria.method.confidence_level.value, criteria.method.seed.value
    level = 1 - confidence
    windows = [claimed for logs in aa.values() for claimed in _windows(logs, level)]
    clean = 1.0
    probes = []
    for probe, logs in sorted(aa.items()):
        stream = np.random.default_rng([seed, zlib.crc32(f"calibration {probe}".encode())])
        site = NullRuns(stream=stream, logs=logs, confidence=confidence)
        clean *= (1 - site.falsely_claimed(level / family)) ** (family / len(aa))
        detectable = _quantile(site.needed(len(logs), level / family)[0], _DETECTED)
        probes.append(
            ProbeCalibration(
                probe=probe,
                blocks=len(logs),
                ratio=ratios[probe],
                floor=math.expm1(far_end(ratios[probe])),
                false_positives=site.falsely_claimed(level),
                detectable=math.expm1(detectable) if math.isfinite(detectable) else None,
                recommended=tuple((effect, site.blocks_for(effect, level / family)) for effect in PLANNED),
            )
        )
    return SiteCalibration(
        probes=tuple(probes),
        level=level,
        comparisons=family,
        family_false_positives=1 - clean,
        windows=len(windows),
        claimed=sum(windows),
    )


def needed_ratios(noise: Draws, floors: Draws, level: float) -> tuple[Draws, Draws]:
    """How large a true log ratio must be to be found, and a margin for its absence to be shown.

    Parameters
    ----------
    noise : array, shape (draws, n)
        Log ratios of n blocks where nothing differs.
    floors : array, shape (draws,)
        The noise floor of each draw, as a log ratio.
    level : float
        Of the sign test, as a family leaves it to one comparison.

    Returns
    -------
    tuple of arrays, shape (draws,)
        A shift larger than the first makes `evaluation.statistics.compare` find a slowdown, a margin
        larger than the second makes it find equivalence; infinite where n blocks are too few for any claim.
    """
    n = noise.shape[1]
    in_favour = in_favour_needed(n, level=level)
    if in_favour > n:
        never = np.full(len(noise), math.inf)
        return never, never
    ordered = np.sort(noise, axis=1)
    up, down = -ordered[:, n - in_favour], ordered[:, in_favour - 1]
    median = (ordered[:, (n - 1) // 2] + ordered[:, n // 2]) / 2
    found = np.maximum(up, floors - median)
    return found, np.maximum(np.maximum(up, down), floors)


@dataclass(frozen=True, slots=True, kw_only=True)
class NullRuns:
    """Runs of a made-up runtime that differs from the host in nothing, drawn from the A/A log ratios."""

    stream: np.random.Generator
    logs: Draws
    confidence: float

    def needed(self, n: int, level: float, *, draws: int = _DRAWS) -> tuple[Draws, Draws]:
        """Draw runs of n blocks, each with a noise floor of its own; see `needed_ratios`."""
        low, high = interval_ends(self._drawn(draws, n), confidence=self.confidence)
        return needed_ratios(self._drawn(draws, n), np.maximum(np.abs(low), np.abs(high)), level)

    def _drawn(self, draws: int, n: int) -> Draws:
        drawn = self.stream.choice(self.logs, size=(draws, n))
        flipped: Draws = drawn * self.stream.choice((-1.0, 1.0), size=(draws, n))
        return flipped

    def falsely_claimed(self, level: float) -> float:
        """How often it would be claimed slower or, which is as likely, faster; never quite 0.

        The observed run counts as one draw more, as Davison and Hinkley (1997, 4.2) advise: what was not
        seen in so many draws is rare, not impossible.
        """
        found, _ = self.needed(len(self.logs), level, draws=_RARE_DRAWS)
        return (1 + 2 * int(np.sum(found < 0))) / (1 + _RARE_DRAWS)

    def blocks_for(self, effect: float, level: float) -> int | None:
        """Find the smallest number of blocks tried with which both claims about an effect can be made."""

        def enough(n: int) -> bool:
            claims = self.needed(n, level)
            return max(_quantile(claim, _PLANNED_FOR) for claim in claims) < math.log1p(effect)

        place = bisect_left(_SIZES, 1, key=lambda n: int(enough(n)))
        return _SIZES[place] if place < len(_SIZES) else None


def _quantile(values: Draws, share: float) -> float:
    """The smallest of the values that is enough for that share of them; infinite ones are welcome."""
    return float(np.sort(values)[math.ceil(share * len(values)) - 1])


def _windows(logs: Draws, level: float) -> list[bool]:
    """Cut the blocks into pieces of twelve or more, and ask of each whether it shows a difference."""
    if len(logs) < MINIMUM_BLOCKS:
        return []
    pieces = np.array_split(logs, max(1, len(logs) // _WINDOW))
    return [
        max(int(np.sum(piece > 0)), int(np.sum(piece < 0))) >= in_favour_needed(len(piece), level=level)
        for piece in pieces
    ]
