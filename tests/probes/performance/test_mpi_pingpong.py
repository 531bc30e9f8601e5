from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.performance.mpi_pingpong import BYTES, PROBE, ROUNDS
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

PINGPONG = {"what": "pingpong", "elapsed_ns": 10**9, "bytes": 1000, "errors": 0}
QUIET = {"what": "mpi", "exit_status": 0, "said": ""}


def observed(tmp_path: Path, end: Completed) -> FakeSession:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: end)
    PROBE.observe(session)
    return session


def test_bytes_per_second_are_the_value(tmp_path: Path) -> None:
    session = observed(tmp_path, answered(PINGPONG, QUIET))
    assert session.launched == [
        ("python3", "-B", "/payload/mpi_pingpong.py", "/work", str(BYTES), str(ROUNDS))
    ]
    assert PROBE.judge(session.observations, {}).samples == {0: 1000}


@pytest.mark.parametrize(
    ("end", "outcome", "words"),
    [
        (
            answered(PINGPONG, {**QUIET, "said": "Read -1, expected 1048576, errno = 1\nmore"}),
            Outcome.ERROR,
            "MPI did not run as it should (exit status 0): Read -1, expected 1048576, errno = 1",
        ),
        (answered({**QUIET, "exit_status": 1}), Outcome.ERROR, "exit status 1"),
        (answered({**PINGPONG, "errors": 1}, QUIET), Outcome.ERROR, "pingpong had errors"),
        (answered(QUIET), Outcome.ERROR, "0 of 1 repetitions reported"),
        (answered({"what": "mpi", "absent": "mpicc"}), Outcome.UNAVAILABLE, "the image has no mpicc"),
    ],
)
def test_an_mpi_that_fell_back_is_an_error_and_never_a_fast_result(
    tmp_path: Path, end: Completed, outcome: Outcome, words: str
) -> None:
    judgement = PROBE.judge(observed(tmp_path, end).observations, {})
    assert (judgement.outcome, judgement.samples) == (outcome, None)
    assert words in judgement.message


def test_a_host_without_mpi_does_not_spoil_the_others() -> None:
    own: Recorded = {"bytes_per_second": 1e9, "bytes": 1000}
    host: Recorded = {"unavailable": "the host has no mpicc"}
    assert judge("mpi_pingpong", own, host=host).outcome is Outcome.MEASURED


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    own = take_turn("mpi_pingpong")
    lacking = own.last("unavailable") is not None
    assert PROBE.judge(own, {}).outcome is (Outcome.UNAVAILABLE if lacking else Outcome.MEASURED)
