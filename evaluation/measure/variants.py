"""The arms of a calibration: every runtime as it is, and the same with one flag more."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evaluation.manifest import KnobFacts, RuntimeFacts
from evaluation.measure.knobs import KNOBS, Knob
from evaluation.measure.preparation import Prepared
from evaluation.measure.user import User

__all__ = ["values_of", "variant", "with_knobs"]


def with_knobs(prepared: Prepared, runtimes: Sequence[str], user: User) -> Prepared:
    """Add an arm for each knob of the runtimes named, as far as they are here."""
    values = values_of(user)
    arms = [
        variant(facts, knob, values)
        for facts in prepared.runtimes
        if facts.id in runtimes and facts.present
        for knob in KNOBS
        if knob.family == facts.family
    ]
    return replace(prepared, runtimes=(*prepared.runtimes, *arms))


def variant(facts: RuntimeFacts, knob: Knob, values: Mapping[str, str]) -> RuntimeFacts:
    """Describe a runtime with one flag more; absent, with the reason, where this host lacks its value."""
    missing = next(
        (name for name, value in values.items() if not value and f"{{{name}}}" in "".join(knob.options)), ""
    )
    options = tuple(option.format_map(values) for option in knob.options)
    return facts.model_copy(
        update={
            "id": f"{facts.id}+{knob.id}",
            "options": (*facts.options, *options),
            "present": not missing,
            "reason": f"this host has no {missing} to name" if missing else "",
            "knob": KnobFacts(of=facts.id, options=knob.options, effect=knob.effect, expected=knob.expected),
        }
    )


def values_of(user: User) -> dict[str, str]:
    """What stands for the names in a knob's options here; empty where there is no such thing."""
    return {"uid": str(user.uid), "gid": str(user.gid), "home": user.home, "disk": _disk()}


def _disk() -> str:
    """Find the block device that the root file system lies on (its partition, where it has one)."""
    device = Path("/").stat().st_dev
    link = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    path = Path("/dev") / link.resolve().name
    return str(path) if link.exists() and path.is_block_device() else ""
