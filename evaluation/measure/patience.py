"""When to give a runtime up that does not end: after a few turns, not after a minute for each of hundreds."""

from __future__ import annotations

from collections import Counter

from evaluation.store import Turn

__all__ = ["LIMIT", "Patience"]

LIMIT = 3
"""So many turns in a row may run into their time limit."""


class Patience:
    """Counts turns in a row that had to be ended: of a runtime, and of one probe on it."""

    def __init__(self) -> None:
        self._hung: Counter[tuple[str, ...]] = Counter()

    def lost_with(self, turn: Turn) -> str:
        """Say why a turn is not worth taking; empty when it is."""
        if self._hung[turn.runtime,] >= LIMIT:
            return f"{turn.runtime} did not end within the time limit in {LIMIT} turns in a row: given up"
        if self._hung[turn.runtime, turn.probe] >= LIMIT:
            return f"it did not end within its time limit in {LIMIT} blocks in a row: given up"
        return ""

    def note(self, turn: Turn, *, hung: bool) -> None:
        """Note how a turn ended."""
        for key in ((turn.runtime,), (turn.runtime, turn.probe)):
            self._hung[key] = self._hung[key] + 1 if hung else 0
