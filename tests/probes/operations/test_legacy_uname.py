from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.operations.legacy_uname import PROBE
from evaluation.testing import FakeSession, TakesTurns, answered

LINE = {"what": "uname26", "before": "6.1.0", "after": "2.6.61", "ok": True}


@pytest.mark.parametrize(
    ("line", "outcome", "words"),
    [
        (LINE, Outcome.HOLDS, "(2.6.61)"),
        ({**LINE, "ok": False, "error": "Operation not permitted"}, Outcome.FAILS, "Operation not permitted"),
        ({**LINE, "after": "6.1.0"}, Outcome.FAILS, "(6.1.0)"),
        ({"what": "other"}, Outcome.ERROR, "no release was told"),
    ],
)
def test_the_release_is_what_counts(
    tmp_path: Path, line: dict[str, object], outcome: Outcome, words: str
) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(line))
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.outcome is outcome
    assert words in judgement.message


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    assert PROBE.judge(take_turn("legacy_uname"), {}).outcome in {Outcome.HOLDS, Outcome.INERT}
