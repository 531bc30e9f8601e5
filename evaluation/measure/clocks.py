"""The clocks of two hosts: how far apart they are, and how sure that is."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Offset", "boot_id", "offset_of"]

_ROUNDS: Final = 16
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """By how much another host's monotonic clock is ahead of ours; the truth is within ``bound_ns`` of it."""

    ns: int
    bound_ns: int


def offset_of(ask: Callable[[], int], clock: Callable[[], int] = time.monotonic_ns) -> Offset:
    """Measure it: ``ask`` gives the other's clock, which was read at some moment between question and answer.

    The middle between sending and receiving is taken for that moment, of the quickest of some exchanges: so
    it is off by half of that exchange's duration at most, however unlike the two ways are (D. L. Mills,
    RFC 5905, clock filter). By how much clocks drift apart during a level, some seconds, is not in it.
    """

    def exchange() -> Offset:
        sent = clock()
        theirs = ask()
        received = clock()
        return Offset(ns=theirs - (sent + received) // 2, bound_ns=(received - sent + 1) // 2)

    return min((exchange() for _ in range(_ROUNDS)), key=lambda each: each.bound_ns)


def boot_id() -> str:
    """Name this start of this kernel: who gives the same has the same clock. Empty where it is not told."""
    with suppress(OSError):
        return _BOOT.read_text().strip()
    return ""
