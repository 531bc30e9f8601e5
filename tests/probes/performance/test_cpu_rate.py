from pathlib import Path

from evaluation.model import Outcome
from evaluation.probes.performance.cpu_rate import PROBE, REPETITIONS, ROUNDS, observe
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge


def lines(count: int, checksum: str = "abc") -> list[dict[str, object]]:
    return [
        {"what": "cpu", "repetition": i, "rounds": ROUNDS, "elapsed_ns": 50_000_000, "checksum": checksum}
        for i in range(count)
    ]


def test_rounds_per_second_are_the_value(tmp_path: Path) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(*lines(REPETITIONS)))
    observe(session)
    assert PROBE.judge(session.observations, {}).samples == {0: ROUNDS / 0.05}


def test_a_missing_repetition_is_an_error(tmp_path: Path) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(*lines(2)))
    observe(session)
    assert PROBE.judge(session.observations, {}).outcome is Outcome.ERROR


def test_another_result_than_the_controls_is_an_error() -> None:
    own: Recorded = {"rounds_per_second": 4e8, "checksum": "abc"}
    assert judge("cpu_rate", own, host=own).outcome is Outcome.MEASURED
    assert judge("cpu_rate", own, host={**own, "checksum": "abd"}).outcome is Outcome.ERROR


def test_the_same_work_is_really_done_each_time(take_turn: TakesTurns) -> None:
    own, host = take_turn("cpu_rate"), take_turn("cpu_rate")
    assert PROBE.judge(own, {"host": host}).outcome is Outcome.MEASURED
    assert len(set(own.values("checksum"))) == 1
