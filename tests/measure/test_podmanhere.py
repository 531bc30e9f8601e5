"""How Podman is found to work: by a FAKE podman; no container is started here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import fake_executable

from evaluation.errors import EvaluationError
from evaluation.images.build import BuiltImage
from evaluation.images.convert import ConvertedForm
from evaluation.manifest import RuntimeFacts, fact
from evaluation.measure import forms
from evaluation.measure.discovery import FoundRuntime, discover
from evaluation.measure.launcher import Launcher
from evaluation.measure.podmanhere import confinement
from evaluation.measure.user import ourselves
from evaluation.model import Form
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import Runtime
from evaluation.sites import RuntimeSetting, load_site

LOCAL = load_site("local", Path(__file__).parents[2] / "sites")
Told = Callable[..., dict[str, RuntimeFacts]]

FAKE = """
manager=%s; low=crun
while true; do case $1 in
    --cgroup-manager) manager=$2; shift 2 ;;
    --runtime) low=$2; shift 2 ;;
    *) break ;;
esac; done
case $1 in
    --version) echo podman version 5.4.2 ;;
    info) echo '{"host": {"cgroupVersion": "v2", "cgroupManager": "'$manager'",
        "ociRuntime": {"name": "'$low'"}, "security": {"rootless": true, "capabilities": "CAP_KILL"}},
        "store": {"graphDriverName": "overlay"}}' ;;
    *) exit 1 ;;
esac
"""
"""Answers ``podman info`` as 5.4.2 does, for the engine that its options ask for; it has no other command."""


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    for tool in ("sh", "env", "uname", "true", "unshare"):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    with Launcher(replace(ourselves(), env={"PATH": str(tmp_path)})) as started:
        yield started


@pytest.fixture
def told(tmp_path: Path, launcher: Launcher, monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr("evaluation.measure.discovery.user_namespaces", lambda _: None)

    def look(manager: str = "systemd", options: tuple[str, ...] = ()) -> dict[str, RuntimeFacts]:
        fake_executable(tmp_path / "podman", FAKE % manager)
        site = LOCAL.model_copy(update={"runtimes": {"podman": RuntimeSetting(options=options)}})
        return {item.facts.id: item.facts for item in discover(site, launcher)}

    return look


def groups(facts: RuntimeFacts) -> str:
    return fact(facts.security, "cgroups")


def test_each_mode_says_who_makes_its_control_group(told: Told) -> None:
    found = told("systemd")
    assert {id_: groups(facts) for id_, facts in found.items() if facts.family == "podman"} == {
        "podman": "v2, systemd",
        "podman-keep-id": "v2, systemd",
        "podman-cgroupfs": "v2, cgroupfs",
        "podman-cgroups-disabled": "v2, disabled",
    }
    assert all(found[id_].present for id_ in ("podman", "podman-cgroupfs", "podman-cgroups-disabled"))


def test_the_cgroupfs_manager_is_no_mode_where_it_is_the_bases_own(told: Told) -> None:
    found = told("cgroupfs")
    mode = found["podman-cgroupfs"]
    assert (mode.present, mode.reason) == (
        False,
        "podman itself runs with the manager cgroupfs here: it would be the same thing twice",
    )
    assert found["podman-cgroups-disabled"].present
    assert found["podman-keep-id"].present


def test_what_a_site_asks_of_the_base_holds_for_its_modes(told: Told) -> None:
    found = told("systemd", ("--cgroups=disabled",))
    assert groups(found["podman"]) == groups(found["podman-keep-id"]) == "v2, disabled"


def test_podman_that_does_not_say_is_not_spoken_for(tmp_path: Path, launcher: Launcher) -> None:
    runtime = known_runtimes()["podman-cgroups-disabled"]
    for answer in ("exit 1", "echo '[]'", "echo '{\"host\": {}}'"):
        fake_executable(tmp_path / "podman", answer)
        assert confinement(runtime, launcher) == ("cgroups: not told",)


# -- what the trial start changes ----------------------------------------------------------------------


def prepared(
    monkeypatch: pytest.MonkeyPatch, launcher: Launcher, payload: Path, starts: Callable[[Runtime], str]
) -> dict[str, FoundRuntime]:
    """Make every mode ready where a start fails with what ``starts`` gives; empty: it runs."""

    def form(runtime: Runtime) -> ConvertedForm:
        if reason := starts(runtime):
            raise EvaluationError(reason)
        return ConvertedForm(
            runtime=runtime.id,
            form=Form.PODMAN_STORE,
            reference="image:1",
            size_bytes=1,
            convert_s=1.0,
            digest="d",
        )

    monkeypatch.setattr(forms, "place_contents", lambda *_: None)
    monkeypatch.setattr(forms, "convert", lambda _, runtime, *__: form(runtime))
    monkeypatch.setattr(forms, "shared_form", lambda _, runtime, *__: form(runtime))
    monkeypatch.setattr(forms, "user_namespaces", lambda _: None)
    monkeypatch.setattr("evaluation.measure.discovery.user_namespaces", lambda _: None)
    image = BuiltImage(
        name="small", recipe_sha256="", tar_sha256="", tar_bytes=1, build_s=1.0, packages=(), folder="/none"
    )
    everything = [item for item in discover(LOCAL, launcher) if item.facts.family == "podman"]
    shelf = forms.Shelf(everything=everything, launcher=launcher, payload=payload)
    return {item.facts.id: shelf.ready(item.facts.id, image)[0] for item in everything}


def test_a_base_that_starts_with_runc_alone_takes_that_manager_and_its_mode_goes(
    tmp_path: Path, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_executable(tmp_path / "podman", FAKE % "systemd")
    refused = "crun: cgroups in hybrid mode not supported"
    found = prepared(
        monkeypatch, launcher, tmp_path, lambda runtime: "" if "runc" in runtime.engine_options else refused
    )
    assert groups(found["podman"].facts) == "v2, cgroupfs"
    assert fact(found["podman"].facts.security, "low-level runtime") == "runc"
    assert "the same thing twice" in found["podman-cgroupfs"].facts.reason
    assert found["podman-cgroups-disabled"].facts.reason == f"installed, but cannot run the image: {refused}"


def test_runc_says_itself_that_it_needs_control_groups(
    tmp_path: Path, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What 4.3.1 says of ``--cgroups=disabled`` with runc, and of crun where there is none."""
    fake_executable(tmp_path / "podman", FAKE % "systemd")
    refused = "requested OCI runtime runc is not compatible with NoCgroups: invalid argument"

    def starts(runtime: Runtime) -> str:
        if "crun" in runtime.engine_options:
            return 'default OCI runtime "crun" not found: invalid argument'
        return refused if "--cgroups=disabled" in runtime.options else ""

    found = prepared(monkeypatch, launcher, tmp_path, starts)
    assert found["podman"].facts.present
    assert found["podman-cgroups-disabled"].facts.reason == f"installed, but cannot run the image: {refused}"


def test_crun_is_taken_for_it_where_it_is_here_beside_runc(
    tmp_path: Path, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_executable(tmp_path / "podman", FAKE % "systemd")

    def starts(runtime: Runtime) -> str:
        disabled = "--cgroups=disabled" in runtime.options
        return "not compatible" if disabled and "crun" not in runtime.engine_options else ""

    mode = prepared(monkeypatch, launcher, tmp_path, starts)["podman-cgroups-disabled"]
    assert mode.facts.present
    assert mode.facts.engine_options == ("--runtime", "crun")
    assert groups(mode.facts) == "v2, disabled"
    assert mode.facts.adaptation == "it does not start with its defaults here: not compatible"
