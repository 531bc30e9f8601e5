from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.operations.qt_offscreen import PICTURE, PROBE
from evaluation.testing import FakeSession, TakesTurns, answered, ended

LINE = {"what": "qt", "binding": "PyQt5", "ok": True}


@pytest.mark.parametrize(
    ("line", "picture", "outcome", "words"),
    [
        (LINE, b"PNG", Outcome.HOLDS, "(PyQt5)"),
        (LINE, b"", Outcome.FAILS, "Qt could not draw"),
        ({**LINE, "ok": False}, b"PNG", Outcome.FAILS, "Qt could not draw"),
        ({"what": "qt", "absent": "the image has no PyQt5"}, b"", Outcome.UNAVAILABLE, "has no PyQt5"),
        ({"what": "other"}, b"", Outcome.ERROR, "nothing was said about Qt"),
    ],
)
def test_the_picture_is_what_counts(
    tmp_path: Path, line: dict[str, object], picture: bytes, outcome: Outcome, words: str
) -> None:
    (tmp_path / PICTURE).write_bytes(picture)
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(line))
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.outcome is outcome
    assert words in judgement.message


def test_a_qt_without_its_plug_in_is_the_image_s_lack_and_no_error(tmp_path: Path) -> None:
    words = b'qt.qpa.plugin: Could not find the Qt platform plugin "offscreen" in ""'
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: ended(stderr=words, exit_status=-6))
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.outcome is Outcome.UNAVAILABLE
    assert "no plug-in" in judgement.message


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    assert PROBE.judge(take_turn("qt_offscreen"), {}).outcome in {Outcome.HOLDS, Outcome.UNAVAILABLE}
