from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import PreparedForm
from evaluation.probes.performance import launch_cost
from evaluation.probes.performance.launch_cost import PROBE
from evaluation.testing import FakeSession, TakesTurns, answered

LINE = answered({"what": "imports", "elapsed_ns": 250_000_000, "failed": [], "modules": 287})
FORM = PreparedForm(path="/form", size_bytes=1000, convert_s=12.5, first_start_s=0.5)


def observed(tmp_path: Path, form: PreparedForm | None = FORM) -> FakeSession:
    session = FakeSession(
        probe=PROBE, work=tmp_path, on_launch=lambda _: LINE, form=form, engine_processes=("dockerd",)
    )
    PROBE.observe(session)
    return session


def test_the_whole_is_the_sum_and_the_engine_stands_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = iter([100.0, 100.25])
    monkeypatch.setattr(launch_cost, "cpu_of_processes_s", lambda _: next(figures))
    judgement = PROBE.judge((own := observed(tmp_path).observations), {"host": own})
    assert judgement.samples is not None
    assert judgement.samples[0] == pytest.approx(12.51)
    assert "CPU of the engine's daemons 250" in judgement.message
    assert "CPU of client and payload not measurable" in judgement.message


def test_without_an_engine_there_is_no_figure_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch_cost, "cpu_of_processes_s", lambda _: None)
    own = observed(tmp_path).observations
    assert own.values("engine_cpu") == ()
    assert "daemons not measurable" in PROBE.judge(own, {"host": own}).message


def test_without_a_record_of_the_form_it_is_an_error(tmp_path: Path) -> None:
    assert PROBE.judge(observed(tmp_path, None).observations, {}).outcome is Outcome.ERROR


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    own = take_turn("launch_cost", form=FORM)
    judgement = PROBE.judge(own, {"host": own})
    assert judgement.samples is not None
    assert judgement.samples[0] > 12.5
