"""What a benchmark gives: rows with intervals, the raw figures, the machine and how busy it was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.model import Interval
from evaluation.units import between, quantity

__all__ = ["CONFIDENCE", "Part", "Row", "load", "of_interval", "save", "table"]

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table; an interval's ends are ``None`` where there is none."""

    name: str
    unit: str
    estimate: float
    low: float | None = None
    high: float | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One benchmark's results.

    ``raw`` holds what the rows were computed from, by name; ``skipped`` says why something was left out.
    ``load`` is the load average before and after: how many processes wanted the cores.
    """

    name: str
    title: str
    answer: str
    rows: tuple[Row, ...]
    raw: Mapping[str, Sequence[float]]
    skipped: str = ""
    machine: str = ""
    day: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d}")
    load: tuple[float, float] = (0.0, 0.0)
    took_s: float = 0.0


def of_interval(name: str, interval: Interval | None, unit: str, remark: str = "") -> Row:
    """Make a row of an interval.

    Raises
    ------
    EvaluationError
        There were too few blocks for one.
    """
    if interval is None:
        raise EvaluationError("too few blocks for an interval", where=name)
    return Row(
        name=name,
        unit=unit,
        estimate=interval.estimate,
        low=interval.low,
        high=interval.high,
        remark=remark,
    )


def table(part: Part) -> str:
    """Write a part as a table in Markdown, which reads well in a terminal too."""
    lines = ["| | estimate | 95 % interval | |", "| --- | --- | --- | --- |"]
    for row in part.rows:
        ends = "none"
        if row.low is not None and row.high is not None:
            ends = between(Interval(estimate=row.estimate, low=row.low, high=row.high), row.unit)
        lines.append(f"| {row.name} | {quantity(row.estimate, row.unit)} | {ends} | {row.remark} |")
    said = [part.answer, *([part.skipped] if part.skipped else [])]
    busy = f"load average {part.load[0]:.1f} before and {part.load[1]:.1f} after"
    where = f"{part.machine}; {part.day}; {busy}; took {part.took_s:.0f} s."
    return "\n".join([*said, "", *lines, "", where])


def save(part: Part, folder: Path) -> Path:
    """Keep a part as JSON, raw figures to a nanosecond."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = asdict(part)
    whole["raw"] = {name: [round(value, 9) for value in values] for name, values in part.raw.items()}
    path = folder / f"{part.name}.json"
    raw = json.dumps(whole.pop("raw"))
    text = json.dumps(whole, indent=1, ensure_ascii=False).removesuffix("\n}")
    path.write_text(f'{text},\n "raw": {raw}\n}}\n')
    return path


def load(path: Path) -> Part:
    """Read a part that was kept."""
    whole = json.loads(path.read_text())
    rows = tuple(Row(**row) for row in whole.pop("rows"))
    before, after = whole.pop("load")
    return Part(**whole, rows=rows, load=(before, after))


def busyness() -> float:
    """Load average of the last minute."""
    return os.getloadavg()[0]
