from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.performance.syscall_rate import CALLS, PROBE, REPETITIONS, observe
from evaluation.testing import FakeSession, TakesTurns, answered


def lines(count: int) -> list[dict[str, object]]:
    return [
        {"what": "syscalls", "repetition": i, "calls": CALLS, "elapsed_ns": CALLS * (150 + i)}
        for i in range(count)
    ]


def test_the_median_time_per_call_is_the_value(tmp_path: Path) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(*lines(REPETITIONS)))
    observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.samples is not None
    assert judgement.samples[0] == pytest.approx(152)
    assert {item.repetition for item in session.recorded} == set(range(REPETITIONS))
    assert {item.unit for item in session.recorded} == {PROBE.unit}


def test_a_missing_repetition_is_an_error(tmp_path: Path) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(*lines(REPETITIONS - 1)))
    observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert (judgement.outcome, judgement.message) == (Outcome.ERROR, "4 of 5 repetitions reported")


def test_real_calls_are_measured(take_turn: TakesTurns) -> None:
    samples = PROBE.judge(take_turn("syscall_rate"), {}).samples
    assert samples is not None
    assert samples[0] > 1
