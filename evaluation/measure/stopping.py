"""When a group of probes was measured enough: asked between blocks, never looking at who is ahead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evaluation.blocks import counted
from evaluation.measure.profiles import Profile
from evaluation.model import CONTROL, Observation
from evaluation.probes.base import Observations, Probe
from evaluation.statistics import half_width_reached

__all__ = ["why_enough"]


def why_enough(
    profile: Profile,
    probes: Mapping[str, Probe],
    observations: Sequence[Observation],
    blocks: int,
    spent_s: float,
) -> str:
    """Say why no further block is needed; empty when one is.

    Parameters
    ----------
    probes : mapping
        The paired probes of the group, by id.
    observations : sequence
        All of the run so far.
    blocks : int
        How many counted blocks were measured.
    spent_s : float
        How long the group took so far, in seconds, from before an interruption too.
    """
    if not probes:
        return ""
    if spent_s > profile.budget_s:
        return f"its time of {profile.budget_s:.0f} s was spent after {blocks} blocks"
    if blocks not in profile.looks:
        return ""
    narrow = all(
        half_width_reached(samples, control, target=profile.half_width, at_least=profile.enough)
        for samples, control in _pairs(probes, observations)
    )
    return f"every interval is narrow enough after {blocks} blocks" if narrow else ""


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
