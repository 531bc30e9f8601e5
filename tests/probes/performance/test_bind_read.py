from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.performance.bind_read import BYTES, PROBE
from evaluation.testing import FakeSession, TakesTurns, answered

MADE = {"what": "bind-write", "ok": True, "errors": 0, "bytes": BYTES, "checksum": "a1", "elapsed_ns": 1}
READ = {**MADE, "what": "bind-read", "elapsed_ns": 500_000_000}


def observed(tmp_path: Path, made: Completed, read: Completed) -> FakeSession:
    ends = {"bind-write": made, "bind-read": read}
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda argv: ends[argv[1]])
    PROBE.observe(session)
    return session


def test_bytes_per_second_are_the_value(tmp_path: Path) -> None:
    session = observed(tmp_path, answered(MADE), answered(READ))
    assert session.launched == [
        ("/payload/probe", "bind-write", f"{tmp_path}/data", str(BYTES)),
        ("/payload/probe", "bind-read", "/work/data"),
    ]
    own = session.observations
    assert PROBE.judge(own, {"host": own}).samples == {0: 2 * BYTES}


@pytest.mark.parametrize(
    ("made", "read", "words"),
    [
        ({**MADE, "ok": False, "error": "No space left on device"}, READ, "No space left on device"),
        (MADE, {**READ, "checksum": "a2"}, "other bytes were read than were written"),
        (MADE, {**READ, "errors": 1, "error": "Input/output error"}, "Input/output error"),
    ],
)
def test_a_faulty_turn_is_an_error(
    tmp_path: Path, made: dict[str, object], read: dict[str, object], words: str
) -> None:
    own = observed(tmp_path, answered(made), answered(read)).observations
    judgement = PROBE.judge(own, {"host": own})
    assert judgement.outcome is Outcome.ERROR
    assert words in judgement.message


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    own, host = take_turn("bind_read"), take_turn("bind_read")
    assert PROBE.judge(own, {"host": host}).outcome is Outcome.MEASURED
