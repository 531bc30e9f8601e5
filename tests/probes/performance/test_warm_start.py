from pathlib import Path

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.performance.warm_start import PROBE, STARTS
from evaluation.testing import FakeSession, TakesTurns, ended


def test_the_first_start_is_kept_apart(tmp_path: Path) -> None:
    durations = iter([9.0, *[0.25] * STARTS])
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: ended(duration_s=next(durations)))
    PROBE.observe(session)
    assert session.launched == [("/bin/true",)] * (STARTS + 1)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.samples == {0: 0.25}
    assert judgement.message.endswith("the start before them took 9 s")


def test_one_unclean_start_spoils_the_turn(tmp_path: Path) -> None:
    ends: list[Completed] = [ended(), ended(exit_status=1)]
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: ends.pop(0))
    PROBE.observe(session)
    assert PROBE.judge(session.observations, {}).outcome is Outcome.ERROR


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    own = take_turn("warm_start")
    assert len(own.values("start")) == STARTS
    assert PROBE.judge(own, {}).outcome is Outcome.MEASURED
