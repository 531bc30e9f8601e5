"""The flags, and the arms that they make."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import fake_executable
from made_up_run import manifest

from evaluation.manifest import FormFacts, ImageFacts, KnobFacts
from evaluation.measure import variants as module
from evaluation.measure.knobs import CALIBRATED, KNOBS, Knob
from evaluation.measure.launcher import Launcher
from evaluation.measure.preparation import Prepared
from evaluation.measure.user import ourselves
from evaluation.measure.variants import adapter, values_of, variant, with_knobs
from evaluation.model import Effect
from evaluation.runtimes import known_runtimes
from evaluation.store import RuntimeFacts

DOCKER = RuntimeFacts(id="docker", family="docker", mode="fake", present=True, options=("--first",))
Starts = Callable[..., dict[str, RuntimeFacts]]
USER = replace(ourselves(), uid=12, gid=34, home="/home/somebody")


@pytest.fixture
def starts(tmp_path: Path) -> Iterator[Starts]:
    """Make the arms of a fake Docker that refuses to start with some flags."""
    script = 'for w in "$@"; do [ "$w" = --privileged ] && echo "docker: made up: no." >&2 && exit 125; done'
    docker = DOCKER.model_copy(
        update={"command": str(fake_executable(tmp_path / "docker", f"{script}; exit 1"))}
    )
    form = FormFacts.model_validate(
        {"runtime": "docker", "form": "docker-store", "reference": "made-up:1", "digest": "made up",
         "size_bytes": 1, "convert_s": 0.0}
    )  # fmt: skip
    image = ImageFacts(
        name="small", recipe="", recipe_sha256="", digest="made up", tar_bytes=1, build_s=0.0, packages=(),
        forms=(form,),
    )  # fmt: skip

    with Launcher(replace(USER, uid=os.getuid(), gid=os.getgid())) as launcher:

        def arms(*asked: str, **changes: object) -> dict[str, RuntimeFacts]:
            runtimes = (*manifest().runtimes, docker.model_copy(update=changes))
            prepared = Prepared(runtimes=runtimes, image=image, unavailable={})
            made = with_knobs(prepared, asked, launcher, tmp_path)
            return {facts.id: facts for facts in made.runtimes}

        yield arms


def test_there_are_enough_flags_each_once_and_one_that_changes_nothing() -> None:
    many = Counter(knob.family for knob in KNOBS if knob.effect is not Effect.NOTHING)
    assert many["docker"] >= 24
    assert many["apptainer"] >= 8
    assert Counter(knob.family for knob in KNOBS if knob.effect is Effect.NOTHING) == dict.fromkeys(many, 1)
    assert len({(knob.family, knob.id) for knob in KNOBS}) == len(KNOBS)
    assert len({(knob.family, knob.options) for knob in KNOBS}) == len(KNOBS)
    assert {knob.family for knob in KNOBS} <= {runtime.family for runtime in known_runtimes().values()}


def test_every_runtime_whose_flags_are_tried_has_one_that_changes_nothing() -> None:
    null = {knob.family for knob in KNOBS if knob.effect is Effect.NOTHING}
    assert {known_runtimes()[id_].family for id_ in CALIBRATED} == null


def test_the_same_flags_are_tried_above_the_setuid_starter_and_in_a_user_namespace() -> None:
    assert {"apptainer", "apptainer-userns"} <= {*CALIBRATED}
    assert ("apptainer", ("--userns",)) in {(knob.family, knob.options) for knob in KNOBS}


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: f"{knob.family}+{knob.id}")
def test_a_flag_says_what_it_is_expected_to_do_in_a_sentence(knob: Knob) -> None:
    assert knob.expected.endswith(".")
    assert knob.options[0].startswith("--")


def test_each_flag_is_an_arm_of_its_own_behind_the_options_of_the_runtime() -> None:
    knob = next(knob for knob in KNOBS if (knob.family, knob.id) == ("docker", "user"))
    arm = variant(DOCKER, knob, values_of(USER))
    assert arm.id == "docker+user"
    assert arm.options == ("--first", "--user", "12:34")
    assert arm.knob == KnobFacts(
        of="docker", options=("--user", "{uid}:{gid}"), effect=Effect.HARDENS, expected=knob.expected
    )
    assert adapter(arm).options == arm.options
    assert adapter(arm).id == "docker"


def test_a_runtime_gets_an_arm_for_each_of_its_flags(starts: Starts) -> None:
    found = starts("docker")
    assert len(found) == 3 + sum(knob.family == "docker" for knob in KNOBS)
    assert found["docker"].knob is None
    assert found["docker+null"].present  # that the payload fails is for the attempts to see


def test_a_flag_with_which_the_runtime_does_not_start_is_absent_with_what_it_said(starts: Starts) -> None:
    arm = starts("docker+privileged")["docker+privileged"]
    assert not arm.present
    assert arm.reason == "it does not start so here: docker: made up: no."


def test_no_arm_is_made_of_a_runtime_that_is_not_here_or_not_asked_for(starts: Starts) -> None:
    assert set(starts("docker", present=False)) == {"host", "shifter", "docker"}
    assert set(starts("apptainer")) == {"host", "shifter", "docker"}
    assert set(starts("docker+null")) == {"host", "shifter", "docker", "docker+null"}


def test_a_flag_that_a_mode_has_already_makes_no_arm(starts: Starts) -> None:
    options = ("--cap-drop", "SETUID", "--user", f"{os.getuid()}:{os.getgid()}", "--init")
    without = {"docker+no-setuid", "docker+user", "docker+init"}
    assert set(starts("docker")) - set(starts("docker", options=options)) == without
    assert "docker+cap-none" in starts("docker", options=("--cap-drop", "SETUID", "ALL"))


def test_a_flag_whose_value_this_host_lacks_is_absent_with_the_reason(
    starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_disk", lambda: "")
    disk = starts("docker+disk")["docker+disk"]
    assert not disk.present
    assert disk.reason == "this host has no disk to name"


def test_the_disk_is_a_block_device_or_none() -> None:
    disk = values_of(USER)["disk"]
    assert disk == "" or Path(disk).is_block_device()
