"""Clocks that are apart by a known time, over a line that is slower one way than the other."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from evaluation.measure.clocks import boot_id, offset_of


@dataclass
class Line:
    """Time passes only on the way there and back."""

    ahead_ns: int
    there_ns: list[int]
    back_ns: list[int]
    now_ns: int = field(default=10**12)

    def clock(self) -> int:
        return self.now_ns

    def ask(self) -> int:
        self.now_ns += self.there_ns.pop(0)
        theirs = self.now_ns + self.ahead_ns
        self.now_ns += self.back_ns.pop(0)
        return theirs


@pytest.mark.parametrize("ahead_ns", [-(10**15), 0, 7 * 10**9])
def test_the_offset_is_found_within_its_bound_however_unlike_the_ways_are(ahead_ns: int) -> None:
    line = Line(ahead_ns, there_ns=[900_000] * 15 + [90_000], back_ns=[100_000] * 15 + [10_000])
    found = offset_of(line.ask, line.clock)
    assert found.bound_ns == 50_000, "of the quickest exchange"
    assert found.ns - ahead_ns == 40_000, "half of what the ways differ by"
    assert abs(found.ns - ahead_ns) <= found.bound_ns


def test_a_kernel_names_its_start() -> None:
    assert len(boot_id()) == 36
    assert boot_id() == boot_id()
