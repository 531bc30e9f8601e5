import os
import shutil
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.operations.git_on_bind import PROBE, STEPS
from evaluation.testing import FakeSession, TakesTurns, answered, ended

HAS = answered({"what": "program", "name": "git", "ok": True})
HOST_GIT = shutil.which("git", path="/usr/bin")
DUBIOUS = ended(exit_status=128, stderr=b"fatal: detected dubious ownership in repository at '/work'\nmore")


def observed(tmp_path: Path, ends: dict[str, Completed]) -> FakeSession:
    def launch(argv: tuple[str, ...]) -> Completed:
        if "programs" in argv:
            return HAS
        return next((end for step, end in ends.items() if step in argv), ended())

    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=launch)
    PROBE.observe(session)
    return session


@pytest.mark.parametrize(
    ("ends", "outcome", "words"),
    [
        ({}, Outcome.HOLDS, "git made a repository"),
        ({"add": DUBIOUS}, Outcome.FAILS, "git add: fatal: detected dubious ownership"),
        ({"status": ended(b"?? file\n")}, Outcome.FAILS, "git does not work"),
        ({"rm": ended(exit_status=1)}, Outcome.FAILS, "the user cannot remove the repository"),
        ({"mkdir": ended(exit_status=1)}, Outcome.ERROR, "could not be made on the host"),
    ],
)
def test_every_step_must_work(
    tmp_path: Path, ends: dict[str, Completed], outcome: Outcome, words: str
) -> None:
    judgement = PROBE.judge(observed(tmp_path, ends).observations, {})
    assert judgement.outcome is outcome
    assert words in judgement.message


def test_nothing_is_tried_after_a_step_that_failed(tmp_path: Path) -> None:
    launched = observed(tmp_path, {"add": DUBIOUS}).launched
    steps = [argv for argv in launched if argv[0] == "git"]
    assert len(steps) == 2 < len(STEPS)


@pytest.mark.skipif(not HOST_GIT, reason="there is no /usr/bin/git here")
def test_the_user_can_work_on_the_users_directory(take_turn: TakesTurns) -> None:
    assert PROBE.judge(take_turn("git_on_bind"), {}).outcome is Outcome.HOLDS


@pytest.mark.skipif(not HOST_GIT or os.getuid() != 0, reason="root stands for a runtime that runs as root")
def test_root_inside_meets_a_foreign_owner(take_turn: TakesTurns) -> None:
    host, own = take_turn("git_on_bind"), take_turn("git_on_bind", root_inside=True)
    judgement = PROBE.judge(own, {"host": host})
    assert judgement.outcome is Outcome.FAILS
