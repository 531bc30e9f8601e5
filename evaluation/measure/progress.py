"""Where a measurement stands: plain lines that read well in a log, and are redrawn in place on a terminal."""

from __future__ import annotations

import sys
import time

__all__ = ["PREFIX", "Progress"]

PREFIX = "  ... "
"""How a line of progress begins; whoever shows it on a terminal may redraw it in place."""

_EVERY_S = 2.0


class Progress:
    """Counts turns and estimates the time that is left."""

    def __init__(self, title: str, total: int, done: int = 0) -> None:
        self._title = title
        self._total = total
        self._done = self._done_before = done
        self._started = time.monotonic()
        self._told = 0.0

    def step(self, what: str) -> None:
        """Tell that a turn begins; a line is printed every two seconds at most."""
        now = time.monotonic()
        if now - self._told >= _EVERY_S:
            self._told = now
            share = self._done / max(self._total, 1)
            print(f"{PREFIX}{self._title} {share:4.0%}  {what}{self._left(now)}", flush=True)  # noqa: T201
        self._done += 1

    def more(self) -> None:
        """Count one turn that was not foreseen."""
        self._total += 1

    def end(self, why: str = "") -> None:
        """Tell that the group is done."""
        took = time.monotonic() - self._started
        measured = self._done - self._done_before
        kept = f", {self._done_before} kept from before" if self._done_before else ""
        print(f"{self._title}: {measured} turns in {took:.0f} s{kept}{why}", flush=True)  # noqa: T201
        sys.stdout.flush()

    def _left(self, now: float) -> str:
        measured = self._done - self._done_before
        if measured < 5:
            return ""
        left_s = (now - self._started) / measured * (self._total - self._done)
        return f"  (about {left_s / 60:.0f} min left)" if left_s >= 90 else f"  (about {left_s:.0f} s left)"
