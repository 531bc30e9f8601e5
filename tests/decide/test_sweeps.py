"""What is read out of a sweep: throughput, quantiles, failures, and where a climb ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_up_run import observation
from made_up_sweep import PROBE, made_up_sweep, steady, sweep_run

from evaluation.decide.sweeps import CLIMB, quantile, read_sweep, sweeps_of
from evaluation.errors import EvaluationError
from evaluation.model import ACROSS
from evaluation.store import Run, Turn


def test_a_width_that_only_the_climb_has_seen_stands_with_that() -> None:
    sweep = made_up_sweep(
        [
            steady("charliecloud", 1, 1.0, 0, kind=CLIMB),
            steady("charliecloud", 2, 1.0, 0, kind=CLIMB),
            steady("charliecloud", 1, 10.0, 1),
            steady("charliecloud", 1, 30.0, 2),
            steady("charliecloud", 1, 20.0, 3),
        ]
    )
    first, second = sweep.cells(PROBE, "charliecloud")
    assert (first.width, second.width) == (1, 2)
    assert first.throughput == pytest.approx(20.0)
    assert second.throughput == pytest.approx(1.0)


def test_what_failed_is_not_in_the_throughput_and_is_not_lost() -> None:
    sweep = made_up_sweep([steady("charliecloud", 4, 50.0, failed=20)])
    (cell,) = sweep.cells(PROBE, "charliecloud")
    assert cell.throughput == pytest.approx(50.0)
    assert len(cell.taken[0].waits) + cell.failed.total() == cell.launched == 100
    assert sweep.failed(PROBE, "charliecloud") == {"exit status 125: made up": 20}


def test_enough_is_the_smallest_width_with_the_share_of_the_highest_rate() -> None:
    levels = [steady("charliecloud", width, rate) for width, rate in ((1, 50), (2, 96), (4, 100), (8, 97))]
    sweep = made_up_sweep(levels)
    found = [sweep.enough(PROBE, "charliecloud", share) for share in (0.95, 0.97, 1.0)]
    assert [cell.width for cell in found if cell] == [2, 4, 4]
    assert sweep.enough(PROBE, "docker", 0.95) is None


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [(100, 0.99, 99), (99, 0.99, None), (20, 0.95, 19), (19, 0.95, None), (3, 0.5, 2), (2, 0.5, None)],
)
def test_a_quantile_is_a_measured_value_or_is_not_given(
    count: int, share: float, expected: int | None
) -> None:
    assert quantile(list(range(count, 0, -1)), share) == expected


def test_the_narrowest_level_that_ended_early_is_where_it_stopped() -> None:
    levels = [
        steady("charliecloud", 4, 9.0),
        replace(steady("charliecloud", 16, 9.0), stopped="later"),
        replace(steady("charliecloud", 8, 9.0), stopped="no memory"),
    ]
    assert made_up_sweep(levels).stopped(PROBE, "charliecloud") == (8, "no memory")


def test_a_run_is_read_with_every_container_of_it(tmp_path: Path) -> None:
    sweep = read_sweep(sweep_run(tmp_path, "20260101T000000Z-a", [1, 2]))
    assert [(level.width, level.launched) for level in sweep.levels] == [(1, 2), (2, 2)]
    assert sweep.levels[0].waits == (0.75,)
    assert sweep.levels[0].starts == (0.25,)
    assert sweep.levels[0].failed == {"signal 9": 1}
    assert sweep.levels[0].throughput == pytest.approx(0.5)
    assert sweep.residue is None


def test_what_the_host_worked_is_a_figure_only_where_every_level_has_it(tmp_path: Path) -> None:
    (level,) = read_sweep(sweep_run(tmp_path, "20260101T000000Z-a", [1])).levels
    assert (level.engine_cpu_s, level.busy_s, level.memory_bytes) == (None, None, None), "no row is no zero"
    (cell,) = made_up_sweep([steady("charliecloud", 1, 1.0)]).cells(PROBE, "charliecloud")
    assert (cell.cpu_each_s, cell.memory_bytes) == (None, None)
    each = [
        steady("docker", 1, 1.0, repeat, engine_cpu_s=used) for repeat, used in enumerate((3.0, 5.0, None))
    ]
    (known,) = made_up_sweep(each[:2]).cells(PROBE, "docker")
    assert known.engine_each_s == pytest.approx(8.0 / 200)
    (partly,) = made_up_sweep(each).cells(PROBE, "docker")
    assert partly.engine_each_s is None


def test_of_a_sites_sweeps_the_widest_is_shown_and_of_equals_the_newest(tmp_path: Path) -> None:
    wide = sweep_run(tmp_path, "20260101T000000Z-a", [1, 2, 4])
    narrow = sweep_run(tmp_path, "20260102T000000Z-b", [1, 2])
    empty = sweep_run(tmp_path, "20260103T000000Z-c", [])
    found = sweeps_of([wide, narrow, empty], "local").widest
    assert found
    assert found.folder.endswith("-a")
    assert sweeps_of([empty], "local").widest is None
    assert sweeps_of([wide], "elsewhere").widest is None


def test_a_run_that_is_no_sweep_although_it_says_so_costs_itself_alone(tmp_path: Path) -> None:
    sound = sweep_run(tmp_path, "20260101T000000Z-a", [1, 2])
    odd = Run.create(tmp_path, sound.manifest.model_copy(update={"run": "20260102T000000Z-b"}))
    turn = Turn(probe="cold_start", runtime="host", block=0)
    odd.append(turn, [observation()], [])
    cut = sweep_run(tmp_path, "20260103T000000Z-c", [4])
    cut.finish("2026-01-01")
    (cut.path / "observations.jsonl").write_text("{}")
    stranger = sweep_run(tmp_path, "20260104T000000Z-d", [8])
    stranger.write_manifest(stranger.manifest.model_copy(update={"runtimes": ()}))
    with pytest.raises(EvaluationError, match="is no sweep"):
        read_sweep(odd)
    found = sweeps_of([sound, odd, cut, stranger], "local")
    assert found.widest
    assert found.widest.folder.endswith("-a")
    cut_off = "is not what the run's sentinel says: cut or changed"
    none = "what it holds is no sweep, although its profile says so"
    assert found.passed_over == (
        f"The run local/20260102T000000Z-b was passed over: {none}.",
        f"The run local/20260103T000000Z-c was passed over: observations.jsonl {cut_off}.",
        f"The run local/20260104T000000Z-d was passed over: {none}.",
    )


def test_a_sweep_across_nodes_is_never_taken_for_one_of_a_host(tmp_path: Path) -> None:
    here = sweep_run(tmp_path, "20260101T000000Z-a", [1, 2])
    older, across = (sweep_run(tmp_path, f"2026010{day}T000000Z-b", [4, 8]) for day in (2, 3))
    for day, run in ((2, older), (3, across)):
        started = f"2026-01-0{day}T00:00:00Z"
        run.write_manifest(run.manifest.model_copy(update={"profile": ACROSS, "started_at": started}))
    runs = [across, here, older]
    widest, newest = sweeps_of(runs, "local").widest, sweeps_of(runs, "local").across
    assert widest is not None
    assert widest.folder.endswith("-a")
    assert newest is not None
    assert newest.manifest.run == across.path.name
    assert sweeps_of([here], "local").across is None
    assert sweeps_of(runs, "elsewhere").across is None
