"""The three units of work: what is asked for, what counts, and that each is done for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Observations
from evaluation.probes.registry import find
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

UNITS = ("unit_of_work_l1proc", "unit_of_work_end_user", "unit_of_work_developer")
COUNTS: dict[str, int | str] = {
    "modules": 287, "started_with": 40, "files": 1300, "opens": 5000, "calls": 100000, "rounds": 20000000,
    "checksum": "abc", "written": 1,
}  # fmt: skip
LINES = (
    {"what": "imports", "modules": 287, "started_with": 40, "elapsed_ns": 1, "failed": []},
    {"what": "walk", "files": 1300, "errors": 0, "elapsed_ns": 1},
    {"what": "opens", "calls": 5000, "errors": 0, "elapsed_ns": 1},
    {"what": "syscalls", "calls": 100000, "elapsed_ns": 1},
    {"what": "cpu", "rounds": 20000000, "checksum": "abc", "elapsed_ns": 1},
    {"what": "write", "ok": True},
)


def observed(
    tmp_path: Path, *lines: dict[str, object], done: bool = True
) -> tuple[FakeSession, Observations]:
    session = FakeSession(
        probe=find(UNITS[0]), work=tmp_path, on_launch=lambda _: answered(*lines, done=done)
    )
    session.probe.observe(session)
    return session, session.observations


def test_every_part_is_asked_for_in_one_container(tmp_path: Path) -> None:
    session, own = observed(tmp_path, *LINES)
    (argv,) = session.launched
    assert argv[:5] == ("python3", "-B", "/payload/import_storm.py", "then", "/payload/probe")
    parts = " ".join(argv[5:]).split(" -- ")
    assert parts == [
        "cd /",
        "walk usr/lib/python3.11 65536",
        "opens usr/lib/python3.11 5000 1",
        "syscalls 100000 1",
        "cpu 20000000 1",
        "write /work/written done",
    ]
    assert own.by_block("whole") == {0: [0.01]}
    assert {name: own.last(name) for name in COUNTS} == COUNTS


def test_what_was_done_goes_with_the_finding(tmp_path: Path) -> None:
    session, own = observed(tmp_path, *LINES)
    judgement = session.probe.judge(own, {"host": own})
    assert judgement.samples == {0: 0.01}
    assert judgement.work == {
        "cold_start": 1.0,
        "import_storm": 1.0,
        "metadata_rate": 1300.0,
        "open_rate": 5000.0,
        "syscall_rate": 100000.0,
        "cpu_rate": 20000000.0,
    }


@pytest.mark.parametrize("place", range(len(LINES)))
def test_without_one_of_its_parts_a_unit_says_nothing(tmp_path: Path, place: int) -> None:
    session, own = observed(tmp_path, *(line for at, line in enumerate(LINES) if at != place))
    judgement = session.probe.judge(own, {})
    assert judgement.outcome is Outcome.ERROR
    assert judgement.message.startswith("not all of the work was done: no ")


@pytest.mark.parametrize(
    ("place", "changed"),
    [(0, {"failed": ["ssl"]}), (1, {"errors": 1}), (2, {"errors": 2}), (5, {"ok": False})],
)
def test_a_part_with_an_error_is_not_done(tmp_path: Path, place: int, changed: dict[str, object]) -> None:
    lines = [{**line, **(changed if at == place else {})} for at, line in enumerate(LINES)]
    session, own = observed(tmp_path, *lines)
    assert session.probe.judge(own, {}).outcome is Outcome.ERROR


def test_a_unit_that_was_cut_short_says_nothing(tmp_path: Path) -> None:
    session, own = observed(tmp_path, *LINES, done=False)
    assert session.probe.judge(own, {}).outcome is Outcome.ERROR


def test_other_work_than_the_bare_hosts_is_an_error() -> None:
    host: Recorded = {"whole": 0.2, **COUNTS}
    assert judge(UNITS[0], {"whole": 0.3, **COUNTS}, host=host).outcome is Outcome.MEASURED
    for name in ("modules", "files", "checksum"):
        other = {"whole": 0.3, **COUNTS, name: 7}
        judgement = judge(UNITS[0], other, host=host)
        assert judgement.outcome is Outcome.ERROR
        assert judgement.message.startswith(f"{name} was 7 and on the bare host")


@pytest.mark.parametrize("unit", UNITS)
def test_a_real_unit_is_done_as_a_whole(take_turn: TakesTurns, unit: str) -> None:
    own = take_turn(unit)
    judgement = find(unit).judge(own, {"host": own})
    assert judgement.outcome is Outcome.MEASURED
    assert judgement.work
    assert all(judgement.work.values())
