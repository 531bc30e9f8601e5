from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from reachable import reachable
from supplied import judged

from evaluation.measure.session import Arm, Bench
from evaluation.model import Outcome
from evaluation.probes.base import Judgement
from evaluation.probes.registry import find
from evaluation.probes.security import privileged_helpers
from evaluation.testing import FakeSession, Recorded, TakesTurns, ended, judge

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can start what root has started")


@pytest.mark.parametrize(
    ("own", "outcome", "verdict"),
    [
        ({"effect": True, "detail": "containerd-shim"}, Outcome.FAILS, "EXPOSED"),
        ({"absent": "every parent is the user's own"}, Outcome.HOLDS, "ABSENT"),
        ({"problem": "nothing was seen of a running container"}, Outcome.ERROR, "ERROR"),
        ({}, Outcome.ERROR, "ERROR"),
    ],
)
def test_the_table(own: Recorded, outcome: Outcome, verdict: str) -> None:
    judgement = judge("B14", own)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


def test_a_container_that_was_not_seen_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(privileged_helpers, "READY_S", 0.0)
    probe = find("B14")
    session = FakeSession(probe=probe, work=tmp_path, on_launch=lambda _: ended(exit_status=1))
    probe.observe(session)
    assert probe.judge(session.observations, {}).verdict == "ERROR"


def test_a_plain_process_needs_nobody(take_turn: TakesTurns) -> None:
    judgement = find("B14").judge(take_turn("B14"), {})
    assert judgement.verdict == "ABSENT"


@AS_ROOT
@pytest.mark.usefixtures("user_namespaces")
def test_a_namespace_with_one_id_needs_nobody_either(take_turn: TakesTurns) -> None:
    own = take_turn("B14", wrap=("unshare", "--user", "--map-current-user"))
    assert find("B14").judge(own, {}).verdict == "ABSENT"


@AS_ROOT
def test_what_needs_a_setuid_bit_is_seen(take_turn: TakesTurns, tmp_path: Path) -> None:
    wrapper = reachable(tmp_path) / "wrapper"
    wrapper.write_text('#!/bin/sh\ngrep -q "NoNewPrivs:.0" /proc/self/status || exit 1\nexec "$@"\n')
    wrapper.chmod(0o755)
    judgement = find("B14").judge(take_turn("B14", wrap=(str(wrapper),)), {})
    assert judgement.verdict == "EXPOSED"
    assert "no_new_privs" in judgement.message


@AS_ROOT
def test_a_setuid_starter_is_named(take_turn: TakesTurns, tmp_path: Path) -> None:
    starter = reachable(tmp_path) / "starter-suid"  # a FAKE: timeout(1), which stays above what it starts
    shutil.copy("/usr/bin/timeout", starter)
    starter.chmod(0o4755)
    judgement = find("B14").judge(take_turn("B14", wrap=(str(starter), "60")), {})
    assert judgement.verdict == "EXPOSED"
    assert "starter-suid, a setuid starter, stands above it" in judgement.message
    starter.chmod(0o755)
    assert find("B14").judge(take_turn("B14", wrap=(str(starter), "60")), {}).verdict == "ABSENT"


@pytest.mark.real
@pytest.mark.parametrize(
    ("runtime", "options", "verdict", "words"),
    [
        ("docker", (), "EXPOSED", "containerd-shim"),
        ("podman", (), "EXPOSED", "newuidmap"),
        ("apptainer", (), "ABSENT", "no setuid helper"),
        ("apptainer", ("--fakeroot",), "EXPOSED", "newuidmap"),
        ("apptainer-sandbox", (), "ABSENT", "no setuid helper"),
        ("charliecloud", (), "ABSENT", "no setuid helper"),
    ],
)
def test_which_mode_needs_whom(
    arm_of: object, bench: Bench, runtime: str, options: tuple[str, ...], verdict: str, words: str
) -> None:
    arm: Arm = arm_of(runtime)  # type: ignore[operator]
    judgement = judged("B14", replace(arm, runtime=arm.runtime.using(options=options)), bench)
    assert isinstance(judgement, Judgement)
    assert judgement.verdict == verdict, judgement.message
    assert words in judgement.message
