"""A sweep across nodes whose nodes are threads that play a share each, on clocks of their own."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from bench import with_runtime

from evaluation.decide.sweeps import Sweep as Read
from evaluation.decide.sweeps import read_sweep
from evaluation.errors import EvaluationError
from evaluation.manifest import BatchFacts, JobFacts
from evaluation.measure.across import Across, Seated, merged, shares_of
from evaluation.measure.clocks import Offset, boot_id
from evaluation.measure.crowd import Crowded, Launch
from evaluation.measure.launcher import Command
from evaluation.measure.levels import Kind, Pace, plan_across
from evaluation.measure.meeting import Address, Meeting, attend
from evaluation.measure.share import Order, Share
from evaluation.measure.submission import Executor, LostError
from evaluation.measure.sweep import sweep_across
from evaluation.model import ACROSS
from evaluation.report.spreading import spread
from evaluation.sites import load_site
from evaluation.store import Run

ROOT = Path(__file__).parents[2]

PROBE = "sweep_start"
AHEAD_NS = 5 * 10**12
"""By how much the clock of a played node is ahead of ours."""
BATCH = BatchFacts(engine="slurm", version="", submitted_by="parsl", jobs=(JobFacts(id="0", node="n0"),))
COMMAND = Command(argv=("run", "it"), env={}, listed="it")


@dataclass
class PlayedNodes(Executor):
    """Each share is a thread with a clock of its own; some are lost, some can take little."""

    ours: bool = False
    lose: tuple[str, int] | None = None
    most: int = 100
    asked: list[Order] = field(default_factory=list)
    lost: list[Order] = field(default_factory=list)
    id = "played"
    engine = "local"

    def submit(self, function: Callable[..., Any], *args: object) -> Future[Any]:
        told: Future[Any] = Future()
        order, address = cast("tuple[Order, Address]", args)
        assert function.__name__ == "take_share"
        threading.Thread(target=self.play, args=(order, address, told), daemon=True).start()
        return told

    def play(self, order: Order, address: Address, told: Future[Any]) -> None:
        with suppress(EOFError):  # the sweep has ended
            self._play(order, address, told)

    def _play(self, order: Order, address: Address, told: Future[Any]) -> None:
        ahead_ns = 0 if self.ours else AHEAD_NS
        with attend(address) as seat:
            assert seat.hear()["programs"] == {"probe": "x"}
            seat.say(
                index=order.index,
                node=f"n{order.index}",
                job=str(order.index),
                called_ns=time.monotonic_ns() + ahead_ns,
                boot=boot_id() if self.ours else f"boot {order.index}",
                most=self.most,
                reason="made up",
            )
            while (said := seat.hear()) == {"what": "clock"}:
                seat.say(ns=time.monotonic_ns() + ahead_ns)
            if not said["go"]:
                told.set_result(None)
                return
            self.asked.append(order)
            if self.lose == (order.runtime, order.index):
                self.lost.append(order)
                return  # its connection ends, and its future never does
            begins_ns = said["at_ns"] + 10**9 * order.index  # the second one is a second late
        launch = Launch(
            submitted_s=0.0, started_s=0.1, first_output_s=0.2, ended_s=0.5, exit_status=0,
            node=f"n{order.index}",
        )  # fmt: skip
        taken = Crowded(
            launches=(launch,) * order.launches, span_s=1.0, wall_ns=1, memory_used_bytes=order.width << 20,
            busy_s=2.0, left=(), began_ns=begins_ns,
        )  # fmt: skip
        told.set_result(Share(taken=taken, command=COMMAND, engine_cpu_s=1.0))

    def run(self, argv: Sequence[str], output: Path) -> Future[int]:
        raise NotImplementedError(argv, output)

    def jobs(self) -> tuple[str, ...]:
        return ("0", "1")

    def close(self) -> None: ...


@contextmanager
def opened(folder: Path, nodes: PlayedNodes, *, most: int = 4) -> Iterator[Across]:
    made = with_runtime(folder / "ch-run").model_copy(update={"profile": ACROSS, "label": "", "batch": BATCH})
    path = folder / "results" / made.site / made.run
    run = Run(path) if path.exists() else Run.create(folder / "results", made)
    with Meeting("127.0.0.1") as meeting:
        yield Across(
            run_of=run, probes=[PROBE], pace=Pace(most=most, repeats=1), executor=nodes, meeting=meeting,
            nodes=2, user="", programs={"probe": "x"}, start_within_s=10.0,
            ending=lambda job: f"CANCELLED {job}",
        )  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.measure.across._AHEAD_NS", 1_000_000)
    monkeypatch.setattr("evaluation.measure.across._LATE_S", 0.2)


def kept(folder: Path) -> Read:
    (path,) = (folder / "results").glob("*/*")
    return read_sweep(Run(path))


def test_each_width_is_taken_on_one_node_and_on_all_and_none_is_smaller_than_they_are_many() -> None:
    levels = list(plan_across([PROBE], ["host", "docker"], 8, 2, 4, 7))
    assert levels == list(plan_across([PROBE], ["host", "docker"], 8, 2, 4, 7))
    assert {(level.width, level.nodes) for level in levels} == {(4, 1), (4, 4), (8, 1), (8, 4)}
    assert len({level.turn.key for level in levels}) == len(levels) == 2 * 2 * 2 * 3
    assert len({(level.runtime, level.repeat, level.place) for level in levels}) == len(levels)
    assert [level.width for level in levels if level.kind is Kind.CLIMB] == [4] * 4 + [8] * 4
    with pytest.raises(EvaluationError, match="--max: must be at least 4"):
        list(plan_across([PROBE], ["host"], 2, 1, 4, 7))


def test_cpu_time_of_daemons_needs_a_figure_of_every_host() -> None:
    taken = Crowded(launches=(), span_s=1.0, wall_ns=1, memory_used_bytes=1, busy_s=1.0, left=())

    def seen(**hosts: Sequence[float | None]) -> float | None:
        shares = [
            (
                Seated(
                    index=0, node="n", job="1", boot=boot, most=1, reason="", clock=Offset(ns=0, bound_ns=0),
                    same_clock=True, handed_over_s=0.0, width=1, launches=1,
                ),
                Share(taken=taken, command=COMMAND, engine_cpu_s=used),
            )
            for boot, each in hosts.items()
            for used in each
        ]  # fmt: skip
        return merged(shares, 1, [])[1]

    assert seen(one=[1.0, 3.0], other=[2.0]) == 5.0, "a host that is two nodes is counted once"
    assert seen(one=[0.0], other=[0.0]) == 0.0
    assert seen(one=[1.0], other=[None]) is None
    assert seen() is None


def test_a_width_is_split_as_evenly_as_can_be() -> None:
    assert shares_of(7, 3) == (3, 2, 2)
    assert shares_of(4, 1) == (4,)


def test_all_times_are_on_our_clock_and_every_container_is_kept_with_its_node(tmp_path: Path) -> None:
    nodes = PlayedNodes()
    with opened(tmp_path, nodes) as sweep:
        assert sweep.run() == "every level was taken"
    both = [level for level in kept(tmp_path).levels if len(level.nodes) == 2]
    assert len(both) == 2 * 2 * 2  # runtimes, widths, climb and repeat
    for level in both:
        assert level.launched == len(level.waits) == 32
        assert level.span_s == pytest.approx(2.0, abs=0.1), "the second node was a second late"
        assert set(level.waits) == {0.5}
        assert sum(node.width for node in level.nodes) == level.width
        assert [node.name for node in level.nodes] == ["n0", "n1"]
        assert all(0 <= node.handed_over_s < 10 for node in level.nodes)
        assert all(0 < node.bound_s < 1 for node in level.nodes)
        assert level.busy_s == 4.0, "two machines"
    (path,) = (tmp_path / "results").glob("*/*")
    rows = [item for item in Run(path).observations() if item.block == 1 and item.runtime == "host"]
    named = Counter(str(item.value) for item in rows if item.name == "node")
    assert named == {"n0": 2 * (32 + 16), "n1": 2 * 16}
    batch = Run(path).manifest.batch
    assert batch is not None
    assert [(job.id, job.node) for job in batch.jobs] == [("0", "n0"), ("1", "n1")], (
        "so that an archive hides it"
    )
    late = [item for item in rows if item.name == "submitted" and float(item.value or 0) > 0.5]
    assert len(late) == 2 * 16


def test_nodes_that_are_one_machine_have_one_clock_and_are_counted_once(tmp_path: Path) -> None:
    with opened(tmp_path, PlayedNodes(ours=True)) as sweep:
        sweep.run()
    found = kept(tmp_path)
    for level in found.levels:
        assert level.busy_s == 2.0
        assert {node.bound_s for node in level.nodes} == {0.0}
    assert {row.clocks for row in spread(found)} == {"one"}


def test_what_is_not_safe_for_a_machine_that_is_both_nodes_is_not_started(tmp_path: Path) -> None:
    nodes = PlayedNodes(ours=True, most=3)
    with opened(tmp_path, nodes) as sweep:
        said = sweep.run()
    assert "no more than 3 at once are safe on n0 (made up)" in said
    assert max(order.width for order in nodes.asked) == 2, "4 on one, and 2 on each of the same, are too many"
    assert {level.width for level in kept(tmp_path).levels if level.launched} == {2}


def test_a_lost_share_counts_with_its_cause_and_is_never_taken_again(tmp_path: Path) -> None:
    dying = PlayedNodes(lose=("charliecloud", 1))
    with opened(tmp_path, dying) as sweep, pytest.raises(LostError, match="lost with node n1: job 1 ended"):
        sweep.run()
    (lost,) = dying.lost
    found = kept(tmp_path)
    assert found.failed(PROBE, "charliecloud") == {"lost with node n1: job 1 ended: CANCELLED 1": 16}
    (level,) = [level for level in found.levels if level.failed]
    assert (level.launched, len(level.waits)) == (32, 16), "what the other node did is kept"
    second = PlayedNodes()
    with opened(tmp_path, second) as sweep:
        assert "charliecloud stopped at" in sweep.run()
    asked = Counter((each.runtime, each.width, each.index) for each in [*dying.asked, *second.asked])
    assert asked["host", 2, 0] == 2 * 2, "each level once: 2 on one node, 4 on two; climb and repeat"
    assert asked["host", 2, 1] == asked["host", 1, 0] == asked["host", 1, 1] == asked["host", 4, 0] == 2
    taken = [each for each in kept(tmp_path).levels if each.runtime == lost.runtime]
    assert [each.failed.total() for each in taken if each.failed] == [16], "it stands as it was"
    assert max(each.width for each in taken) == level.width


def test_a_node_that_never_comes_ends_the_wait_and_nothing_was_started(tmp_path: Path) -> None:
    class OneNode(PlayedNodes):
        def play(self, order: Order, address: Address, told: Future[Any]) -> None:
            if order.index == 0:
                super().play(order, address, told)

    nodes = OneNode()
    with opened(tmp_path, nodes) as sweep:
        sweep.start_within_s = 0.5
        with pytest.raises(LostError, match=r"only 1 of 2 nodes came within 0 s; job 1 CANCELLED 1"):
            sweep.run()
    assert {order.width for order in nodes.asked} <= {2}, "on one node alone"


def test_nodes_that_cannot_connect_back_are_not_swept_together(tmp_path: Path) -> None:
    """It waited in the queue, and then for shares that could never come."""
    there = load_site("slurm-test", ROOT / "sites")
    site = there.model_copy(update={"batch": there.batch.model_copy(update={"submit_by": "psij"})})
    with pytest.raises(EvaluationError, match="nodes of slurm-test cannot connect to this host"):
        sweep_across(site, nodes=2, results=tmp_path / "results", images=ROOT / "images")
    assert not list(tmp_path.iterdir())
