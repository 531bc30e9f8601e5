"""Progress reads well in a log, and says how long it will take."""

from __future__ import annotations

import time

import pytest

from evaluation.measure.progress import PREFIX, Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_the_time_left_is_that_of_the_turns_left(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    told = Progress("performance", total=110, done=10)
    for _ in range(60):
        told.step("cold_start · docker · block 3")
        clock[0] += 3.0
    told.end(", stopped: enough")
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(PREFIX) for line in lines[:-1])
    assert lines[0] == "  ... performance   9%  cold_start · docker · block 3"  # too early to tell
    assert lines[5] == "  ... performance  14%  cold_start · docker · block 3  (about 5 min left)"
    assert lines[-1] == "performance: 60 turns in 180 s, 10 kept from before, stopped: enough"


def test_a_log_is_not_flooded(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    told = Progress("security", total=1000)
    for _ in range(1000):
        told.step("P15")
        clock[0] += 0.01
    assert 4 <= len(capsys.readouterr().out.splitlines()) <= 6


def test_nothing_to_do_is_no_division_by_zero(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    told = Progress("operations", total=0)
    told.step("?")
    told.end()
    assert clock
    assert capsys.readouterr().out.splitlines()[-1] == "operations: 1 turns in 0 s"
