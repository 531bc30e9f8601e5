from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.hostprocesses import HostProcess
from evaluation.probes.performance import container_memory
from evaluation.probes.performance.container_memory import BYTES, PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

HELD = answered({"what": "hold", "bytes": BYTES, "peak_bytes": BYTES, "ok": True})
ACCOUNTED = replace(HELD, evidence=replace(HELD.evidence, max_rss_bytes=BYTES + 1))


def test_the_containers_own_group_is_asked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_memory, "wait_for", lambda *_: True)
    someone = HostProcess(pid=1, parent=0, name="probe", began=0)
    monkeypatch.setattr(container_memory, "found_by", lambda *_: someone)
    monkeypatch.setattr(container_memory, "memory_peak_bytes", lambda *_, **__: BYTES + 5)
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: ACCOUNTED)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.samples == {0: BYTES + 5}
    assert judgement.message.endswith("from its control group")


def test_without_such_a_group_the_kernels_accounting_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_memory, "READY_S", 0.01)
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: ACCOUNTED)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.samples == {0: BYTES + 1}
    assert judgement.message.endswith("(rusage)")


def test_where_neither_is_it_is_not_measurable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_memory, "READY_S", 0.01)
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: HELD)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.outcome is Outcome.UNAVAILABLE
    assert judgement.message.startswith("not measurable")


def test_figures_of_two_kinds_are_not_mixed() -> None:
    own: Recorded = {"peak": [1.0, 2.0], "source": ["rusage", "control group"]}
    assert judge("container_memory", own).outcome is Outcome.ERROR


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    judgement = PROBE.judge(take_turn("container_memory"), {})
    assert judgement.samples is not None
    assert BYTES <= judgement.samples[0] < 2 * BYTES
