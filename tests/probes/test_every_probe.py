"""What must be true of every probe, whatever it asks."""

import importlib
import os
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes import signalling
from evaluation.probes.base import Probe
from evaluation.probes.registry import discover
from evaluation.testing import FakeSession, ended

PROBES = pytest.mark.parametrize("probe", discover().values(), ids=lambda probe: probe.id)
FAILING = ended(exit_status=125, stderr=b"cannot connect to the daemon")


def observe_failing(probe: Probe, session: FakeSession, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (importlib.import_module(probe.observe.__module__), signalling):
        for patience in ("READY_S", "MARK_S"):
            if hasattr(module, patience):
                monkeypatch.setattr(module, patience, 0.01)
    probe.observe(session)


NOT_PLANTED = {Outcome.INERT, Outcome.UNAVAILABLE}


@PROBES
def test_a_runtime_that_does_not_start_never_passes(
    probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = FakeSession(probe=probe, work=tmp_path, user_home=tmp_path, on_launch=lambda _: FAILING)
    observe_failing(probe, session, monkeypatch)
    judgement = probe.judge(session.observations, {})
    not_planted = judgement.outcome in NOT_PLANTED and not session.launched
    assert judgement.outcome is Outcome.ERROR or not_planted
    assert judgement.samples is None


@PROBES
@pytest.mark.skipif(os.getuid() != 0, reason="only root can plant canaries")
def test_nor_does_it_when_root_has_planted_the_canaries(
    probe: Probe, tmp_path: Path, payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = FakeSession(
        probe=probe,
        work=tmp_path,
        user_home=tmp_path,
        on_launch=lambda _: FAILING,
        privileged=True,
        payload=payload,
    )
    observe_failing(probe, session, monkeypatch)
    outcome = probe.judge(session.observations, {}).outcome
    not_planted = outcome in NOT_PLANTED and not session.launched  # not every root can make a loop device
    assert outcome is Outcome.ERROR or not_planted
    left = {path.name for path in tmp_path.iterdir()} - {"parameters"}
    assert not left, "whatever was planted is gone, the signalling probe's parameters apart"


@PROBES
def test_nothing_observed_is_an_error(probe: Probe) -> None:
    session = FakeSession(probe=probe, work=Path(), on_launch=lambda _: FAILING)
    assert probe.judge(session.observations, {}).outcome is Outcome.ERROR
