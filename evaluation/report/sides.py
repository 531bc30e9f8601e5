"""Both sides of an attempt: what was started in the runtime, and what the verifier saw on the host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Final

from evaluation.model import Evidence, Observation

__all__ = ["in_runtime", "seen"]

_WORDS: Final = {
    "effect": "the attempt's effect",
    "control": "the effect of the verifier's own control",
    "control_told": "that control",
    "detail": "seen",
    "absent": "nothing to attack",
    "not_planted": "no canary",
    "unavailable": "not possible here",
    "problem": "the attempt broke",
    "error": "the probe broke",
    "runtime_failure": "the runtime failed",
    "refused": "the runtime refuses this",
}
"""How the names under which attempts record are said; any other name stands for itself."""
_QUOTED: Final = {"detail", "absent", "not_planted", "problem", "control_told"}


def in_runtime(evidence: Evidence, command: str) -> bool:
    """Whether a process was the runtime's client; any other one was started on the host by the verifier.

    Parameters
    ----------
    evidence : Evidence
        A process that was started.
    command : str
        The runtime's client, as the run's manifest names it.
    """
    client = PurePath(command).name
    return bool(client) and bool(evidence.argv) and PurePath(evidence.argv[0]).name == client


def seen(observations: Iterable[Observation], *, told: str = "") -> tuple[str, ...]:
    """Say what was recorded of one attempt in one runtime, each value once, in the order of recording.

    A value that was not seen in every turn tells in how many. A text that is ``told`` already (the
    finding's message quotes one) is left out.
    """
    items: Sequence[Observation] = [item for item in observations if not item.warm_up]
    turns = len({item.block for item in items})
    blocks: dict[tuple[str, str], set[int]] = {}
    for item in items:
        blocks.setdefault((item.name, _value(item)), set()).add(item.block)
    return tuple(
        f"{_WORDS.get(name, name.replace('_', ' '))}: {value}"
        + (f" (in {len(where)} of {turns} turns)" if len(where) < turns else "")
        for (name, value), where in blocks.items()
        if not (name in _QUOTED and value in told)
    )


def _value(item: Observation) -> str:
    if item.value is None:
        return "nothing"
    if isinstance(item.value, bool):
        return "yes" if item.value else "no"
    return f"{item.value} {item.unit}".rstrip()
