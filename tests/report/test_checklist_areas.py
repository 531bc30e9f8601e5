"""The checklist's areas hold each number once."""

from __future__ import annotations

from evaluation.report.checklist import AREAS, FURTHER, area


def test_every_number_of_the_checklist_has_one_area() -> None:
    numbers = [number for found in AREAS.values() for number in found]
    wanted = [f"P{n:02}" for n in range(1, 41)] + [f"B{n:02}" for n in range(1, 15)]
    assert sorted(numbers) == sorted(wanted)


def test_an_area_follows_from_the_number() -> None:
    assert area("P25") == "Privilege"
    assert area("B11") == "Isolation between users and jobs"
    assert area("P99") == FURTHER
