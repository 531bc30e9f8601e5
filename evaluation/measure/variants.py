"""The arms of a calibration: every runtime as it is, and the same with one flag more."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from evaluation.images.process import without_addresses
from evaluation.manifest import FormFacts, KnobFacts, RuntimeFacts
from evaluation.measure.knobs import KNOBS, Knob
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.preparation import Prepared
from evaluation.measure.user import User
from evaluation.model import PAYLOAD, Bind, Task
from evaluation.payload.build import PROBE
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import Runtime

__all__ = ["adapter", "values_of", "variant", "with_knobs"]

_START_S = 60.0


def with_knobs(prepared: Prepared, asked: Collection[str], launcher: Launcher, payload: Path) -> Prepared:
    """Add an arm for each knob that is asked for, and start it once.

    A flag with which the runtime does not start here at all makes an absent arm, with what it said.
    A flag that a mode has already makes none.

    Parameters
    ----------
    asked : collection of str
        Runtimes, for all their knobs, or single arms (``docker+null``).
    """
    values = values_of(launcher.user)
    forms = {form.runtime: form for form in prepared.image.forms} if prepared.image else {}
    arms = [
        _started(arm, forms[facts.id], launcher, payload)
        for facts in prepared.runtimes
        if facts.present and facts.id in forms
        for knob in KNOBS
        if knob.family == facts.family
        for arm in [variant(facts, knob, values)]
        if (facts.id in asked or arm.id in asked) and not _twice(arm, len(facts.options))
    ]
    return replace(prepared, runtimes=(*prepared.runtimes, *arms))


def variant(facts: RuntimeFacts, knob: Knob, values: Mapping[str, str]) -> RuntimeFacts:
    """Describe a runtime with one flag more; absent, with the reason, where this host lacks its value."""
    words = "".join(knob.options)
    missing = next((name for name, value in values.items() if not value and f"{{{name}}}" in words), "")
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


def adapter(facts: RuntimeFacts) -> Runtime:
    """Give the adapter of a runtime as it was found, with its one flag more where it has one."""
    known = known_runtimes()[facts.knob.of if facts.knob else facts.id]
    return replace(
        known.using(command=facts.command),
        options=facts.options,
        engine_options=facts.engine_options,
        settings=(*known.settings, ("version", facts.version)),
    )


def _twice(arm: RuntimeFacts, own: int) -> bool:
    """Whether the flag behind so many options of the runtime's own stands among those already."""
    options, flag = arm.options[:own], arm.options[own:]
    return any(options[at : at + len(flag)] == flag for at in range(own))


def values_of(user: User) -> dict[str, str]:
    """What stands for the names in a knob's options here; empty where there is no such thing."""
    return {"uid": str(user.uid), "gid": str(user.gid), "home": user.home, "disk": _disk()}


def _started(arm: RuntimeFacts, form: FormFacts, launcher: Launcher, payload: Path) -> RuntimeFacts:
    """Start an arm once; what the runtime itself says against it makes it absent."""
    if not arm.present:
        return arm
    runtime = adapter(arm)
    task = Task(
        image=form.reference,
        argv=(f"{PAYLOAD}/{PROBE}", "nothing"),
        binds=(Bind(source=str(payload), target=PAYLOAD, read_only=runtime.read_only_binds),),
        name=f"container-evaluation-{secrets.token_hex(6)}",
    )
    command = Command(
        argv=runtime.argv(task),
        env=launcher.user.env,
        cleanup=runtime.cleanup(task),
        listing=runtime.listing(),
        listed=task.name,
    )
    done = launcher.run(command, timeout_s=_START_S)
    said = runtime.own_failure(done.evidence.exit_status, done.stderr.decode(errors="replace"))
    if not said:
        return arm
    reason = f"it does not start so here: {without_addresses(said)}"
    return arm.model_copy(update={"present": False, "reason": reason})


def _disk() -> str:
    """Find the block device that the root file system lies on (its partition, where it has one)."""
    device = Path("/").stat().st_dev
    link = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    path = Path("/dev") / link.resolve().name
    return str(path) if link.exists() and path.is_block_device() else ""
