"""The security checklist's areas, in which the report shows its attempts.

An attempt's area follows from its number, as the checklist is divided; a number that stands in no area is
shown under `FURTHER`, so that a new attempt needs no entry here to be seen.
"""

from __future__ import annotations

from typing import Final

from evaluation.decide.batchcontract import CONTRACT

__all__ = ["AREAS", "FURTHER", "area"]

AREAS: Final = {
    "Privilege": ("P01", "P02", "P03", "P04", "P05", "P06", "P07", "P08", "P09", "P25"),
    "Mounts and devices": (
        "P10", "P11", "P12", "P13", "P14", "P15", "P16", "P24", "P37", "P38", "P39",
    ),
    "Kernel surface": ("P17", "P18", "P19", "P20", "P21", "P22", "P28", "P32"),
    "Isolation between users and jobs": (
        "P23", "P26", "P27", "P29", "P30", "P31", "P33", "P34", "P35", "P36", "P40", "B11",
    ),
    "The batch contract": CONTRACT,
    "Supply chain": ("B12", "B13", "B14"),
}  # fmt: skip
FURTHER: Final = "Further attempts"

_AREA: Final = {number: name for name, numbers in AREAS.items() for number in numbers}


def area(checklist_id: str) -> str:
    """Name the area of the checklist that a number belongs to."""
    return _AREA.get(checklist_id, FURTHER)
