"""Results of benchmarks: kept whole, and printed with their intervals."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.page import PAGE, RESULTS, filled
from benchmarks.record import Part, Row, load, of_interval, save, table
from evaluation.errors import EvaluationError

PART = Part(
    name="made_up",
    title="Made up",
    answer="Nothing was measured.",
    rows=(
        Row(name="a", unit="s", estimate=0.002, low=0.001, high=0.003, remark="by block"),
        Row(name="b", unit="1", estimate=2.0),
    ),
    raw={"a": [0.001, 0.002, 0.003]},
    skipped="Something is missing.",
    machine="a machine",
    day="2026-11-23",
    load=(0.5, 6.25),
    took_s=3.0,
)


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    assert load(save(PART, tmp_path / "new")) == PART


def test_a_table_has_intervals_units_and_how_busy_the_machine_was() -> None:
    text = table(PART).replace("\N{NO-BREAK SPACE}", " ")
    assert "| a | 2 ms | 1\N{EN DASH}3 ms | by block |" in text
    assert "| b | 2.00\N{MULTIPLICATION SIGN} | none |" in text
    assert text.startswith("Nothing was measured.\nSomething is missing.\n")
    assert "a machine; 2026-11-23; load average 0.5 before and 6.2 after" in text


def test_too_few_blocks_are_an_error_and_no_row() -> None:
    with pytest.raises(EvaluationError, match="too few blocks"):
        of_interval("a", None, "s")


def test_the_page_s_slots_take_the_kept_figures(tmp_path: Path) -> None:
    save(PART, tmp_path)
    page = filled("before\n<!-- made_up -->\nold\n<!-- end -->\nafter\n", tmp_path)
    assert page == f"before\n<!-- made_up -->\n{table(PART)}\n<!-- end -->\nafter\n"


def test_the_page_shows_the_figures_that_are_kept() -> None:
    text = PAGE.read_text()
    assert filled(text, RESULTS) == text, "run: python -m benchmarks --page"
    for path in RESULTS.glob("*.json"):
        assert f"<!-- {path.stem} -->" in text
