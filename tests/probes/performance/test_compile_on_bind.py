from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.performance.compile_on_bind import PROBE, UNITS
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, ended, judge

BOTH = answered(
    {"what": "program", "name": "make", "ok": True}, {"what": "program", "name": "gcc", "ok": True}
)


def observed(tmp_path: Path, *, units: int, program: bool = True) -> FakeSession:
    def launch(argv: tuple[str, ...]) -> Completed:
        if "programs" in argv:
            return BOTH
        if argv[0] == "mkdir":
            Path(argv[1]).mkdir()
        if argv[0] == "make":
            out = tmp_path / "project" / "out"
            for unit in range(units):
                (out / f"unit{unit}.o").touch()
            if program:
                (out / "program").touch()
        return ended(b"12.2.0\n", duration_s=3.0)

    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=launch)
    PROBE.observe(session)
    return session


def test_the_wall_time_of_the_build_is_the_value(tmp_path: Path) -> None:
    session = observed(tmp_path, units=UNITS)
    assert session.launched[-1] == ("make", "-j2", "--silent", "-C", "/work/project", "CC=gcc")
    assert PROBE.judge(session.observations, {}).samples == {0: 3.0}


@pytest.mark.parametrize(("units", "program"), [(UNITS - 1, True), (UNITS, False), (0, False)])
def test_a_build_that_made_less_is_no_fast_build(tmp_path: Path, *, units: int, program: bool) -> None:
    judgement = PROBE.judge(observed(tmp_path, units=units, program=program).observations, {})
    assert judgement.outcome is Outcome.ERROR
    assert f"{units} of {UNITS} units were compiled" in judgement.message


def test_an_image_without_compiler_is_said_to_have_none(tmp_path: Path) -> None:
    lacking = answered(
        {"what": "program", "name": "make", "ok": True}, {"what": "program", "name": "gcc", "ok": False}
    )
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: lacking)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert (judgement.outcome, judgement.message) == (Outcome.UNAVAILABLE, "the image has no gcc")


def test_the_bare_host_counts_only_with_the_images_compiler() -> None:
    host: Recorded = {"duration": 2.0, "compiler": "12.2.0"}
    same = judge("compile_on_bind", host, runtime="host", docker={**host, "duration": 3.0})
    assert same.outcome is Outcome.MEASURED
    other = judge("compile_on_bind", host, runtime="host", docker={**host, "compiler": "13.1.0"})
    assert other.outcome is Outcome.UNAVAILABLE
    assert other.message == "the host's gcc 12.2.0 is not the image's (13.1.0)"


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    own = take_turn("compile_on_bind")
    lacking = own.last("unavailable") is not None
    assert PROBE.judge(own, {}).outcome is (Outcome.UNAVAILABLE if lacking else Outcome.MEASURED)
