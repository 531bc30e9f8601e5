"""The flags, and the arms that they make."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_run import manifest

from evaluation.measure import variants as module
from evaluation.measure.knobs import KNOBS, Knob
from evaluation.measure.preparation import Prepared
from evaluation.measure.user import ourselves
from evaluation.measure.variants import values_of, with_knobs
from evaluation.model import Effect
from evaluation.runtimes import known_runtimes
from evaluation.store import RuntimeFacts

DOCKER = RuntimeFacts(id="docker", family="docker", mode="fake", present=True, options=("--first",))
USER = replace(ourselves(), uid=12, gid=34, home="/home/somebody")


def arms(*runtimes: RuntimeFacts, of: tuple[str, ...] = ("docker",)) -> dict[str, RuntimeFacts]:
    prepared = Prepared(runtimes=(*manifest().runtimes, *runtimes), image=None, unavailable={})
    return {facts.id: facts for facts in with_knobs(prepared, of, USER).runtimes}


def test_there_are_enough_flags_each_once_and_one_that_changes_nothing() -> None:
    many = Counter(knob.family for knob in KNOBS if knob.effect is not Effect.NOTHING)
    assert many["docker"] >= 24
    assert many["apptainer"] >= 8
    assert Counter(knob.family for knob in KNOBS if knob.effect is Effect.NOTHING) == dict.fromkeys(many, 1)
    assert len({(knob.family, knob.id) for knob in KNOBS}) == len(KNOBS)
    assert len({(knob.family, knob.options) for knob in KNOBS}) == len(KNOBS)
    assert {knob.family for knob in KNOBS} <= {runtime.family for runtime in known_runtimes().values()}


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: f"{knob.family}+{knob.id}")
def test_a_flag_says_what_it_is_expected_to_do_in_a_sentence(knob: Knob) -> None:
    assert knob.expected.endswith(".")
    assert knob.options[0].startswith("--")


def test_each_flag_is_an_arm_of_its_own_behind_the_options_of_the_runtime() -> None:
    found = arms(DOCKER)
    assert found["docker"] == DOCKER
    assert found["docker+user"].options == ("--first", "--user", "12:34")
    knob = found["docker+user"].knob
    assert knob is not None
    assert (knob.of, knob.options, knob.effect) == ("docker", ("--user", "{uid}:{gid}"), Effect.HARDENS)
    assert len(found) == 3 + sum(knob.family == "docker" for knob in KNOBS)


def test_no_arm_is_made_of_a_runtime_that_is_not_here_or_not_asked_for() -> None:
    gone = DOCKER.model_copy(update={"present": False, "reason": "not here"})
    assert set(arms(gone)) == {"host", "shifter", "docker"}
    assert set(arms(DOCKER, of=("apptainer",))) == {"host", "shifter", "docker"}


def test_a_flag_whose_value_this_host_lacks_is_absent_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_disk", lambda: "")
    disk = arms(DOCKER)["docker+disk"]
    assert not disk.present
    assert disk.reason == "this host has no disk to name"
    assert arms(DOCKER)["docker+user"].present


def test_the_disk_is_a_block_device_or_none() -> None:
    disk = values_of(USER)["disk"]
    assert disk == "" or Path(disk).is_block_device()
