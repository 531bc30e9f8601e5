"""The order of a sweep, and what ends it, with a crowd that only says what it was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from bench import TINY, measurement, with_runtime

from evaluation.decide.sweeps import Sweep as Read
from evaluation.decide.sweeps import read_sweep
from evaluation.errors import EvaluationError
from evaluation.marks import mark
from evaluation.measure import sweeper
from evaluation.measure.ceilings import Ceiling
from evaluation.measure.crowd import Crowd, Crowded, Launch, Limits
from evaluation.measure.launcher import Command
from evaluation.measure.levels import Kind, Pace, plan, widths
from evaluation.measure.sweeper import Sweep
from evaluation.measure.sweephost import NAMES, engine_cpu_s, remove_abandoned
from evaluation.measure.user import User, ourselves
from evaluation.model import SWEEP
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import Runtime
from evaluation.store import Run

PROBE = "sweep_start"


def test_widths_double_and_end_with_what_was_asked_for() -> None:
    assert widths(1) == (1,)
    assert widths(8) == (1, 2, 4, 8)
    assert widths(12) == (1, 2, 4, 8, 12)
    with pytest.raises(EvaluationError, match="--max: must be at least 1"):
        widths(0)


def test_the_order_climbs_interleaved_then_shuffles_and_follows_from_the_seed() -> None:
    runtimes = ["host", "charliecloud", "docker"]
    levels = list(plan([PROBE], runtimes, 16, 3, 7))
    assert levels == list(plan([PROBE], runtimes, 16, 3, 7))
    assert levels != list(plan([PROBE], runtimes, 16, 3, 8))
    assert len({level.turn.key for level in levels}) == len(levels) == 3 * (5 + 3 * 5 + 3 + 3)
    assert len({(level.runtime, level.repeat, level.place) for level in levels}) == len(levels)
    climb = [level for level in levels if level.kind is Kind.CLIMB]
    assert levels[: len(climb)] == climb
    assert [level.width for level in climb] == sorted(level.width for level in climb)
    for start in range(0, len(climb), 3):
        assert {level.runtime for level in climb[start : start + 3]} == set(runtimes)
    steady = [level.width for level in levels if level.kind is Kind.STEADY]
    assert steady != sorted(steady)
    assert all(level.kind is Kind.COLD_BURST for level in levels[-9:])


@dataclass
class PlayedCrowd:
    """Says which levels it was asked for; some end by distress."""

    distress: dict[tuple[str, int], str] = field(default_factory=dict)
    user: User = field(default_factory=ourselves)
    asked: list[tuple[str, int, int]] = field(default_factory=list)

    def run_level(
        self, command: Command, runtime: Runtime, limits: Limits, *, width: int, launches: int
    ) -> Crowded:
        assert limits.floor_bytes
        assert command.listed.startswith(NAMES)
        self.asked.append((runtime.id, width, launches))
        cause = "signal 9" if (runtime.id, width) in self.distress else ""
        launch = Launch(
            submitted_s=0.0, started_s=0.1, first_output_s=0.2, ended_s=0.5, exit_status=0, cause=cause
        )
        return Crowded(
            launches=(launch,) * width, span_s=1.0, wall_ns=1, memory_used_bytes=width << 20, busy_s=0.5,
            left=(), stopped=self.distress.get((runtime.id, width), ""),
        )  # fmt: skip


@contextmanager
def opened(folder: Path, crowd: PlayedCrowd, *, most: int, budget_s: float = 0.0) -> Iterator[Sweep]:
    made = with_runtime(folder / "ch-run").model_copy(update={"profile": SWEEP, "label": ""})
    path = folder / "results" / made.site / made.run
    run = Run(path) if path.exists() else Run.create(folder / "results", made)
    with measurement(run, folder / "payload", TINY) as measuring:
        yield Sweep(
            run_of=run, crowd=cast("Crowd", crowd), payload=measuring.bench.payload, probes=[PROBE],
            pace=Pace(most=most, repeats=2, budget_s=budget_s),
        )  # fmt: skip


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page cache is emptied, and the machine the tests run on is large enough."""
    monkeypatch.setattr(sweeper, "drop_caches", lambda: "")
    monkeypatch.setattr(sweeper, "ceiling", lambda *_: Ceiling(width=1000, reason="none"))


def kept(folder: Path) -> Read:
    (path,) = (folder / "results").glob("*/*")
    return read_sweep(Run(path))


def asked(crowd: PlayedCrowd, runtime: str) -> Sequence[int]:
    return [width for id_, width, _ in crowd.asked if id_ == runtime]


def test_every_level_is_taken_and_every_container_kept(tmp_path: Path) -> None:
    crowd = PlayedCrowd()
    with opened(tmp_path, crowd, most=4) as sweep:
        assert sweep.run() == "every level was taken"
    assert Counter(asked(crowd, "charliecloud")) == {1: 3, 2: 3, 4: 3 + 4}
    found = kept(tmp_path)
    assert found.launched(PROBE, "host") == sum(asked(crowd, "host"))
    assert [cell.width for cell in found.cells(PROBE, "charliecloud")] == [1, 2, 4]


def test_at_the_first_distress_a_runtime_goes_no_further_and_the_others_do(tmp_path: Path) -> None:
    crowd = PlayedCrowd(distress={("charliecloud", 4): "no memory"})
    with opened(tmp_path, crowd, most=16) as sweep:
        said = sweep.run()
    assert said == "every level was taken; charliecloud stopped at 2: no memory"
    widths_asked = Counter(asked(crowd, "charliecloud"))
    assert widths_asked[4] == 1  # in the climb, and never again
    assert widths_asked[2] == 3 + 4  # its bursts are no wider
    assert max(widths_asked) == 4
    assert max(asked(crowd, "host")) == 16
    found = kept(tmp_path)
    assert found.stopped(PROBE, "charliecloud") == (4, "no memory")
    assert found.failed(PROBE, "charliecloud") == {"signal 9": 4}


def test_a_ceiling_ends_a_climb_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "ceiling", lambda *_: Ceiling(width=3, reason="loop devices: 8 in all"))
    crowd = PlayedCrowd()
    with opened(tmp_path, crowd, most=8) as sweep:
        sweep.run()
    assert max(asked(crowd, "charliecloud")) == 2
    stopped = kept(tmp_path).stopped(PROBE, "charliecloud")
    assert stopped == (4, "no more than 3 at once are safe here (loop devices: 8 in all)")


def test_an_interrupted_sweep_goes_on_where_it_was_and_remembers_its_limits(tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    class Dying(PlayedCrowd):
        def run_level(
            self, command: Command, runtime: Runtime, limits: Limits, *, width: int, launches: int
        ) -> Crowded:
            if len(self.asked) == 9:
                raise KilledError
            return super().run_level(command, runtime, limits, width=width, launches=launches)

    whole, distress = (
        PlayedCrowd(distress={("charliecloud", 4): "no memory"}),
        {("charliecloud", 4): "no memory"},
    )
    with opened(tmp_path / "whole", whole, most=8) as sweep:
        sweep.run()
    first, second = Dying(distress=distress), PlayedCrowd(distress=distress)
    with opened(tmp_path / "cut", first, most=8) as sweep, pytest.raises(KilledError):
        sweep.run()
    with opened(tmp_path / "cut", second, most=8) as sweep:
        sweep.run()
    assert first.asked + second.asked == whole.asked


def test_when_the_time_is_spent_the_climb_alone_is_taken(tmp_path: Path) -> None:
    crowd = PlayedCrowd()
    with opened(tmp_path, crowd, most=4, budget_s=1e-9) as sweep:
        assert "was spent before" in sweep.run()
    assert sorted(asked(crowd, "charliecloud")) == [1, 2, 4]


def test_containers_of_a_sweep_that_is_gone_are_removed_and_no_others(tmp_path: Path) -> None:
    here = ".".join(mark().split(".")[:3])
    began = Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19]
    names = [f"{NAMES}{here}.{who}-ab-{n}" for who in (f"1.{began}", f"{2**22 + 1}.7") for n in (0, 1)]
    others = [f"{NAMES}ffffff{here[6:]}.{2**22 + 1}.7-ab-0", f"{NAMES}{2**22 + 1}-ab-0"]
    listed = tmp_path / "listed"
    listed.write_text("\n".join([*names, *others, "somebody-elses"]))
    client = tmp_path / "client"
    client.write_text(
        f'#!/bin/sh\n[ $1 = ps ] && cat {listed}\n[ $1 = rm ] && echo "$3" >> {tmp_path}/removed\n'
    )
    client.chmod(0o755)
    docker = known_runtimes()["docker"].using(command=str(client))
    with Crowd(ourselves()) as crowd:
        assert remove_abandoned(crowd, docker) == tuple(names[2:])
    assert (tmp_path / "removed").read_text().split() == names[2:]


def test_an_engines_daemons_are_found_by_name_and_nothing_is_counted_for_none() -> None:
    assert (engine_cpu_s(("pytest", "python", "python3")) or 0) > 0
    assert engine_cpu_s(()) == 0
