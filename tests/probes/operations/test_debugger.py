import shutil
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.operations.debugger import PROBE
from evaluation.testing import FakeSession, TakesTurns, answered, ended

HAS = answered({"what": "program", "name": "gdb", "ok": True})
GOOD = b'Breakpoint 1, 0x401 in main ()\n$1 = 42\n{"done": true}\n[Inferior 1 exited normally]\n'


def observed(tmp_path: Path, end: Completed, has: Completed = HAS) -> FakeSession:
    session = FakeSession(
        probe=PROBE, work=tmp_path, on_launch=lambda argv: has if "programs" in argv else end
    )
    PROBE.observe(session)
    return session


@pytest.mark.parametrize(
    ("end", "outcome", "words"),
    [
        (ended(GOOD), Outcome.HOLDS, "address randomisation off"),
        (
            ended(
                GOOD, stderr=b"warning: Error disabling address space randomization: Operation not permitted"
            ),
            Outcome.HOLDS,
            "could not be turned off",
        ),
        (ended(b"warning: ptrace: Operation not permitted\n"), Outcome.FAILS, "gdb could not debug"),
        (ended(GOOD.replace(b"42", b"41")), Outcome.FAILS, "gdb could not debug"),
        (ended(GOOD, timed_out=True), Outcome.ERROR, "gdb did not end"),
    ],
)
def test_all_three_must_be_seen(tmp_path: Path, end: Completed, outcome: Outcome, words: str) -> None:
    judgement = PROBE.judge(observed(tmp_path, end).observations, {})
    assert judgement.outcome is outcome
    assert words in judgement.message


def test_an_image_without_gdb_is_said_to_have_none(tmp_path: Path) -> None:
    lacking = answered({"what": "program", "name": "gdb", "ok": False})
    judgement = PROBE.judge(observed(tmp_path, ended(), lacking).observations, {})
    assert (judgement.outcome, judgement.message) == (Outcome.UNAVAILABLE, "the image has no gdb")


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    outcome = PROBE.judge(take_turn("debugger"), {}).outcome
    assert outcome is (Outcome.HOLDS if shutil.which("gdb", path="/usr/bin") else Outcome.UNAVAILABLE)
