import os
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.operations.output_ownership import PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

USERS = {"owner_uid": 1000, "owner_gid": 1000, "mode": "0o755", "is_users": True, "deletable": True}
ROOTS = {"owner_uid": 0, "owner_gid": 0, "mode": "0o755", "is_users": False, "deletable": False}


@pytest.mark.parametrize(
    ("own", "host", "outcome", "words"),
    [
        (
            USERS,
            USERS,
            Outcome.HOLDS,
            "belongs to 1000:1000 on the host, mode 0o755; the user could remove it",
        ),
        ({**USERS, "mode": "0o700"}, USERS, Outcome.HOLDS, "mode 0o700 (bare: 0o755)"),
        (ROOTS, USERS, Outcome.FAILS, "belongs to 0:0 on the host, mode 0o755; the user could not remove it"),
        ({**USERS, "deletable": False}, USERS, Outcome.FAILS, "could not remove it"),
        ({**USERS, "owner_gid": 5, "is_users": False}, USERS, Outcome.FAILS, "belongs to 1000:5"),
        (ROOTS, ROOTS, Outcome.INERT, "a plain job's output is no better here"),
        ({"problem": "no sentinel"}, USERS, Outcome.ERROR, "no sentinel"),
        ({}, USERS, Outcome.ERROR, "nothing was observed"),
    ],
)
def test_the_table(own: Recorded, host: Recorded, outcome: Outcome, words: str) -> None:
    judgement = judge("output_ownership", own, host=host)
    assert judgement.outcome is outcome
    assert words in judgement.message


def test_the_users_own_output_holds(take_turn: TakesTurns) -> None:
    own = take_turn("output_ownership")
    assert PROBE.judge(own, {}).outcome is Outcome.HOLDS


@pytest.mark.skipif(os.getuid() != 0, reason="only root can stand for a runtime that runs as root")
def test_roots_output_fails_and_nothing_is_left(take_turn: TakesTurns) -> None:
    host, own = take_turn("output_ownership"), take_turn("output_ownership", root_inside=True)
    judgement = PROBE.judge(own, {"host": host})
    assert judgement.outcome is Outcome.FAILS
    assert own.last("deletable") is False


def test_the_group_alone_is_not_enough(tmp_path: Path) -> None:
    def launch(argv: tuple[str, ...]) -> Completed:
        if "make-tree" in argv:
            (tmp_path / "output").mkdir()
        return answered({"what": argv[1], "ok": True})

    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=launch, uid=os.getuid() + 1, gid=os.getgid())
    PROBE.observe(session)
    assert session.observations.last("is_users") is False
