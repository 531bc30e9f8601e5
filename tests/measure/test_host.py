"""What the kernel tells of the machine."""

from __future__ import annotations

import pytest

from evaluation.measure import host
from evaluation.measure.host import cpu_pressure

PSI = """some avg10=12.50 avg60=27.92 avg300=17.08 total=841397561
full avg10=0.00 avg60=0.00 avg300=0.00 total=0
"""


@pytest.mark.parametrize(
    ("told", "expected"), [(PSI, 0.125), ("", None), ("some avg10=", None), ("some avg10=high", None)]
)
def test_the_pressure_is_that_of_the_last_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, told: str, expected: float | None
) -> None:
    monkeypatch.setattr(host, "_text", lambda _: told)
    assert cpu_pressure() == expected
