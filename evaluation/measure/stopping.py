"""When a group of probes was measured enough: asked between blocks, never looking at who is ahead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evaluation.blocks import counted, marked
from evaluation.measure.profiles import Profile
from evaluation.model import CONTROL, Observation
from evaluation.probes.base import Observations, Probe
from evaluation.statistics import blocks_to_claim, half_width_reached

__all__ = ["why_enough"]

_CONFIDENCE = 0.95
"""The usual level. ``criteria.yaml`` may declare another, which moves the number needed by a block or two."""


def why_enough(
    profile: Profile,
    probes: Mapping[str, Probe],
    observations: Sequence[Observation],
    blocks: int,
    spent_s: float,
    *,
    comparisons: int = 0,
) -> str:
    """Say why no further block is needed; empty when one is.

    Parameters
    ----------
    probes : mapping
        The paired probes of the group, by id.
    observations : sequence
        All of the run so far.
    blocks : int
        How many blocks were measured, those that were set aside among them.
    spent_s : float
        How long the group took so far, in seconds, from before an interruption too.
    comparisons : int
        How many runtimes and probes are compared with the bare host, of which some may be claimed to differ.
        While fewer blocks count than a claim needs, the time is not over before the profile's limit: what was
        spent would be spent on nothing.
    """
    if not probes:
        return ""
    if spent_s > profile.budget_s:
        aside = max((number for id_, number in marked(observations).items() if id_ in probes), default=0)
        needed = blocks_to_claim(comparisons, confidence=_CONFIDENCE) if comparisons else 0
        if blocks - aside >= needed:
            return f"its time of {profile.budget_s:.0f} s was spent after {_told(blocks, aside)}"
        limit_s = max(profile.budget_s, profile.limit_s)
        if spent_s > limit_s:
            few = f"; nothing can be claimed of {comparisons} comparisons from fewer than {needed}"
            return f"its limit of {limit_s:.0f} s was spent after {_told(blocks, aside)}{few}"
    if blocks not in profile.looks:
        return ""
    narrow = all(
        half_width_reached(samples, control, target=profile.half_width, at_least=profile.enough)
        for samples, control in _pairs(probes, observations)
    )
    return f"every interval is narrow enough after {blocks} blocks" if narrow else ""


def _told(blocks: int, aside: int) -> str:
    if not aside:
        return f"{blocks} blocks"
    those = f"all {blocks}" if aside >= blocks else f"{aside}"
    return f"{blocks} blocks ({those} were set aside: the machine is short of processors)"


def _pairs(
    probes: Mapping[str, Probe], observations: Sequence[Observation]
) -> Iterator[tuple[list[float], list[float]]]:
    """Samples of every runtime and probe so far, with the control's of the same blocks."""
    by_probe: dict[str, dict[str, list[Observation]]] = {}
    for item in counted(observations):
        if item.probe in probes:
            by_probe.setdefault(item.probe, {}).setdefault(item.runtime, []).append(item)
    for id_, by_arm in by_probe.items():
        arms = {arm: Observations(tuple(items)) for arm, items in by_arm.items()}
        medians = {arm: _samples(probes[id_], arm, arms) for arm in arms}
        control = medians.get(CONTROL, {})
        for arm, samples in medians.items():
            both = sorted(samples.keys() & control.keys())
            if arm != CONTROL and both:
                yield [samples[block] for block in both], [control[block] for block in both]


def _samples(probe: Probe, arm: str, arms: Mapping[str, Observations]) -> Mapping[int, float]:
    """One arm's value per block; none where the probe cannot tell, which further blocks will not mend."""
    others = {other: taken for other, taken in arms.items() if other != arm}
    try:
        return probe.judge(arms[arm], others).samples or {}
    except Exception:  # noqa: BLE001 - a broken probe must not take the run with it; assessing names it
        return {}
