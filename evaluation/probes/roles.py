"""Which runtime is asked which question; see ``docs/decisions/0008-roles.md``."""

from __future__ import annotations

from evaluation.model import Role
from evaluation.probes.base import Probe
from evaluation.probes.registry import group_of

__all__ = ["takes_part"]

_ONCE = ("security", "operations", "batch")
_ASKED = {Role.ALTERNATIVE: _ONCE, Role.VARIANT: _ONCE, Role.POSITIVE_CONTROL: ("security",)}
"""Groups of which a runtime that is not timed is asked what is asked once."""


def takes_part(role: Role, probe: Probe, *, timed: bool) -> bool:
    """Say whether a runtime is asked this question in a run.

    ``timed`` ones are asked everything; what stands beside the containers only what says so of itself, and
    modes what they are asked once and how they start.
    """
    if role is Role.BESIDE:
        return probe.beside
    if timed or (role is Role.VARIANT and probe.modes):
        return True
    return probe.repeat == "once" and group_of(probe.id) in _ASKED.get(role, ())
