"""What benchmarks conclude from figures; the figures here are made up."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from benchmarks import launching, sweeping
from benchmarks.blocking import sequential_ratio, share_interval
from benchmarks.deciding import deciding
from benchmarks.growth import growth
from benchmarks.record import Part

IN_C = [0.0005] * 20
QUIET = [0.0] * 20


def part_with(added_s: float, hyperfine: float | None) -> Part:
    medians = {"our launcher": [value + added_s for value in IN_C], "loop in C": IN_C}
    return launching.conclude(
        medians | ({} if hyperfine is None else {"hyperfine -N": [hyperfine] * 20}), QUIET
    )


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
    ours = [value + added for value, added in zip(IN_C, [0.00005, 0.00015] * 10, strict=True)]
    answer = launching.conclude({"our launcher": ours, "loop in C": IN_C}, QUIET).answer
    assert "cannot be told" in answer


def test_blocks_on_a_busy_machine_are_set_aside() -> None:
    ours = [value + 0.00005 for value in IN_C]
    part = launching.conclude(
        {"our launcher": [*ours, 9.0, 9.0], "loop in C": [*IN_C, 0.1, 0.1]}, [*QUIET, 0.9, 0.9]
    )
    assert part.answer.startswith("20 of 22 blocks were quiet enough to count. The goal")
    assert part.rows[0].high == ours[0]
    assert len(part.raw["our launcher"]) == 22


def test_a_machine_that_is_always_busy_allows_no_answer() -> None:
    ours = [value + 0.00005 for value in IN_C]
    part = launching.conclude({"our launcher": ours, "loop in C": IN_C}, [0.9] * 20)
    assert "too few to say anything" in part.answer
    assert "goal" not in part.answer


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


def test_deciding_times_each_method_beside_its_oracle(tmp_path: Path) -> None:
    part = deciding(tmp_path, blocks=6, draws=200, theirs=2)
    names = [row.name for row in part.rows]
    assert names[:4] == ["additive value", "PROMETHEE II", "TOPSIS", "rank acceptability"]
    assert sum("pymcdm over ours" in name for name in names) == 3
    apart = [row.estimate for row in part.rows if "largest difference from pymcdm" in row.name]
    assert len(apart) == 3
    assert max(apart) < 1e-9
    assert all(len(values) == 6 for values in part.raw.values())


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (1.1, "is met everywhere"),
        (0.8, "is missed with charliecloud, 4 at once"),
        (0.95, "cannot be told with"),
    ],
)
def test_the_sweep_is_held_against_xargs_at_the_same_width(ratio: float, said: str) -> None:
    xargs = [100.0, 102.0, 98.0, 101.0, 99.0, 100.0, 103.0, 97.0]
    wobble = [1.0, 1.02, 0.98, 1.01, 0.99, 1.02, 0.98, 1.0]
    ours = [rate * ratio * each for rate, each in zip(xargs, wobble, strict=True)]
    part = sweeping.conclude({"ours: charliecloud, 4 at once": ours, "xargs: charliecloud, 4 at once": xargs})
    assert said in part.answer
    assert part.rows[-1].estimate == pytest.approx(ratio, rel=0.02)
