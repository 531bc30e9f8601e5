from pathlib import Path

import pytest
from reachable import reachable

from evaluation.measure.session import TurnSession
from evaluation.model import Outcome
from evaluation.probes.operations import content_identity
from evaluation.probes.operations.content_identity import PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

DIGEST = "a" * 64


def test_the_digest_is_taken_inside(tmp_path: Path) -> None:
    end = answered({"what": "digest", "sha256": DIGEST})
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: end)
    PROBE.observe(session)
    assert session.launched == [("/payload/probe", "digest", "/", "/payload/contents/small")]
    own = session.observations
    assert PROBE.judge(own, {"host": own}).outcome is Outcome.HOLDS


def test_a_file_that_could_not_be_read_is_an_error(tmp_path: Path) -> None:
    end = answered({"what": "digest", "errors": 1, "first_error": "usr/x: Permission denied"})
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: end)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert (judgement.outcome, judgement.message) == (Outcome.ERROR, "usr/x: Permission denied")


@pytest.mark.parametrize(
    ("own", "host", "outcome"),
    [
        ({"digest": "a"}, {"digest": "a"}, Outcome.HOLDS),
        ({"digest": "b"}, {"digest": "a"}, Outcome.FAILS),
        ({"digest": ["a", "b"]}, {"digest": ["a", "b"]}, Outcome.FAILS),
        ({"digest": "a"}, {"problem": "x"}, Outcome.ERROR),
        ({"problem": "x"}, {"digest": "a"}, Outcome.ERROR),
    ],
)
def test_equal_digests_are_the_gate(own: Recorded, host: Recorded, outcome: Outcome) -> None:
    assert judge("content_identity", own, host=host).outcome is outcome


def test_a_real_turn_sees_a_changed_file(
    take_turn: TakesTurns, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = reachable(tmp_path_factory.mktemp("tree"))
    (tree / "usr").mkdir()
    (tree / "usr" / "file").write_text("one")
    own = tree / "own"  # the image's list of paths: of this tree, in place of small's
    own.write_text("usr\nusr/file\n")
    monkeypatch.setattr(content_identity, "ROOT", str(tree))
    monkeypatch.setattr(TurnSession, "image_contents", str(own))
    host = take_turn("content_identity")
    assert PROBE.judge(host, {}).outcome is Outcome.HOLDS
    (tree / "usr" / "file").write_text("two")
    assert PROBE.judge(take_turn("content_identity"), {"host": host}).outcome is Outcome.FAILS
