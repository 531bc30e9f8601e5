from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from supplied import judged

from evaluation.measure.session import Arm, Bench
from evaluation.model import Outcome
from evaluation.probes import signing
from evaluation.probes.base import Judgement
from evaluation.probes.registry import find
from evaluation.probes.roles import takes_part
from evaluation.probes.signing import WAYS, Tried
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError
from evaluation.testing import FakeSession, ended

PROBE = find("B13")


@pytest.mark.parametrize(
    ("tried", "outcome", "verdict"),
    [
        (Tried(signed=True, unasked=True, told="refused"), Outcome.HOLDS, "DENIED"),
        (Tried(unsigned=True, signed=True, unasked=True), Outcome.FAILS, "EXPOSED"),
        (Tried(unsigned=True), Outcome.FAILS, "EXPOSED"),
        (Tried(signed=False, unasked=True), Outcome.INERT, "INERT"),  # the policy refuses whatever there is
        (Tried(signed=True, unasked=False), Outcome.INERT, "INERT"),  # the image does not start anyway
        (Tried(problem="no key could be made to sign with"), Outcome.INERT, "INERT"),
    ],
)
def test_a_refusal_counts_only_beside_both_controls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tried: Tried, outcome: Outcome, verdict: str
) -> None:
    monkeypatch.setattr("evaluation.probes.security.unsigned_image.WAYS", {"docker": lambda *_: tried})
    session = FakeSession(
        probe=PROBE, work=tmp_path, on_launch=lambda _: ended(), adapter=known_runtimes()["docker"]
    )
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)
    assert tried.problem in judgement.message


def test_of_a_family_without_a_known_way_nothing_is_claimed(tmp_path: Path) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: ended())
    PROBE.observe(session)
    assert PROBE.judge(session.observations, {}).verdict == "ERROR"
    assert not session.launched


@pytest.mark.parametrize("runtime", ["charliecloud", "host"])
def test_what_knows_no_signatures_cannot_by_design(tmp_path: Path, runtime: str) -> None:
    session = FakeSession(
        probe=PROBE, work=tmp_path, on_launch=lambda _: ended(), adapter=known_runtimes()[runtime]
    )
    with pytest.raises(RuntimeRefusalError):
        PROBE.observe(session)


def test_without_gpg_nothing_is_claimed(tmp_path: Path) -> None:
    session = FakeSession(
        probe=PROBE,
        work=tmp_path,
        on_launch=lambda argv: ended(exit_status=127, stderr=b"gpg: not found") if "gpg" in argv else ended(),
        adapter=known_runtimes()["podman"],
    )
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.verdict == "INERT"
    assert "no key could be made to sign with: gpg: not found" in judgement.message


@pytest.mark.parametrize("runtime", ["podman", "apptainer"])
def test_a_key_to_be_thrown_away_is_no_longer_than_need_be(tmp_path: Path, runtime: str) -> None:
    told = ended(stdout=b"APPTAINER_CONFDIR=/nowhere\n")
    session = FakeSession(
        probe=PROBE,
        work=tmp_path,
        on_launch=lambda argv: ended(exit_status=1) if "gpg" in argv else told,
        adapter=known_runtimes()[runtime],
    )
    PROBE.observe(session)
    made = [asked.argv for asked in session.asked if {"newpair", "--quick-generate-key"} & {*asked.argv}]
    assert made
    assert all({"2048", "rsa2048"} & {*argv} for argv in made)


def test_every_family_has_its_way_or_says_why_not() -> None:
    every = known_runtimes().values()
    asked = {
        runtime.dialect
        for runtime in every
        if takes_part(runtime.role, PROBE, timed=True) and runtime.knows_signatures
    }
    assert asked == set(WAYS)


@pytest.mark.real
@pytest.mark.parametrize(
    ("runtime", "verdict"),
    [
        ("docker", "EXPOSED"),
        ("podman", "DENIED"),
        ("apptainer", "DENIED"),
        ("apptainer-sandbox", "EXPOSED"),
        ("charliecloud", "it knows no signatures"),
    ],
)
def test_what_a_policy_comes_to(arm_of: object, bench: Bench, runtime: str, verdict: str) -> None:
    arm: Arm = arm_of(runtime)  # type: ignore[operator]
    answer = judged("B13", arm, bench)
    if isinstance(answer, Judgement):
        assert answer.verdict == verdict, answer.message
    else:
        assert verdict in answer


@pytest.mark.real
def test_a_policy_that_accepts_everything_lets_the_unsigned_image_in(
    arm_of: object, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = {"default": [{"type": "insecureAcceptAnything"}]}
    monkeypatch.setattr(signing, "_simple_signing", lambda _: everything)
    arm: Arm = arm_of("podman")  # type: ignore[operator]
    judgement = judged("B13", replace(arm), bench)
    assert isinstance(judgement, Judgement)
    assert judgement.verdict == "EXPOSED"
