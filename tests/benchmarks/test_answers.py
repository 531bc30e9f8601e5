"""What benchmarks conclude from figures; the figures here are made up."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from benchmarks import launching
from benchmarks.blocking import sequential_ratio, share_interval
from benchmarks.growth import growth
from benchmarks.record import Part

IN_C = [0.0005] * 12


def part_with(added_s: float, hyperfine: float | None) -> Part:
    medians = {"our launcher": [value + added_s for value in IN_C], "loop in C": IN_C}
    return launching.conclude(medians | ({} if hyperfine is None else {"hyperfine -N": [hyperfine] * 12}))


@pytest.mark.parametrize(
    ("added_s", "hyperfine", "answer"),
    [
        (0.00005, 0.0006, "is met. The launcher is faster than"),
        (0.0002, 0.0006, "is missed. The launcher is slower than"),
        (0.00025, 0.00075, "cannot be told apart"),
    ],
)
def test_the_answer_goes_by_the_interval(added_s: float, hyperfine: float, answer: str) -> None:
    assert answer in part_with(added_s, hyperfine).answer


def test_an_interval_across_the_goal_decides_nothing() -> None:
    ours = [value + added for value, added in zip(IN_C, [0.00005, 0.00015] * 6, strict=True)]
    answer = launching.conclude({"our launcher": ours, "loop in C": IN_C}).answer
    assert "cannot be told" in answer


def test_without_hyperfine_its_absence_is_said_with_what_to_do() -> None:
    part = part_with(0.00005, None)
    assert "apt-get install hyperfine" in part.skipped
    assert not any("hyperfine" in row.name for row in part.rows)


def test_all_ways_really_launch(tmp_path: Path) -> None:
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    part = launching.launching(tmp_path, blocks=3)
    assert {len(taken) for taken in part.raw.values()} == {3}
    assert all(value > 0 for taken in part.raw.values() for value in taken)


def test_a_proportion_s_interval_is_wilson_s() -> None:
    # A worked example: 81 of 263 (R. G. Newcombe, Statistics in Medicine 17, 1998, table I): 0.2553, 0.3662
    low, high = share_interval(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_a_ratio_of_means_has_the_interval_of_its_standard_errors() -> None:
    ratio = sequential_ratio([1.0, 3.0], [4.0, 4.0])
    assert ratio.estimate == 2.0
    assert math.isclose(math.log(ratio.high / 2), 1.96 * math.sqrt(2 / 2 / 4), rel_tol=1e-3)
    assert math.isclose(ratio.low * ratio.high, 4.0)


def test_a_small_run_keeps_what_each_turn_cost(tmp_path: Path) -> None:
    part = growth(tmp_path, repeats=3)
    assert all(len(taken) == 3 and min(taken) > 0 for taken in part.raw.values())
