"""Building in every runtime's own way: what counts as built, as whom, and that the real thing does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from supplied import judged

from evaluation.errors import EvaluationError
from evaluation.measure.discovery import FoundRuntime
from evaluation.measure.forms import form_facts, ready
from evaluation.measure.images import built_image, runner
from evaluation.measure.launcher import Launcher
from evaluation.measure.measurement import prepared_form
from evaluation.measure.session import Arm, Bench
from evaluation.model import Outcome
from evaluation.probes import building
from evaluation.probes.base import Completed, Judgement, PreparedForm
from evaluation.probes.registry import find
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError
from evaluation.testing import FakeSession, ended

NAMES = ("unprivileged_build", "offline_build", "automated_build")
CHARLIECLOUD = ("charliecloud", "charliecloud-squashfs")
FORM = PreparedForm(path="/forms/x", size_bytes=1, convert_s=1.0, first_start_s=1.0, reference="x:1")
OWN_MAP = "0 1001 1\n1 100000 65536\n"
HOST_MAP = "0 0 4294967295\n"


def turn(
    name: str,
    tmp_path: Path,
    *,
    runtime: str = "podman",
    fails: str = "",
    ids: str = OWN_MAP,
    devices: str = "lo: 0",
    other_word: bool = False,
) -> tuple[Judgement, list[tuple[str, ...]]]:
    """Let a probe build with a builder that does as it is told."""

    def answer(argv: tuple[str, ...]) -> Completed:
        if argv[0] == "/bin/cat":
            text = "".join(path.read_text() for path in sorted(tmp_path.iterdir()) if path.is_file())
            word = "another" if other_word else text.partition("echo ")[2].split()[0]
            return ended(f"{word}\n{ids}Inter-| Receive\n face |bytes\n {devices}\n".encode())
        if fails and fails in argv:
            return ended(exit_status=1, stderr=b"it went wrong")
        return ended()

    session = FakeSession(
        probe=find(name), work=tmp_path, on_launch=answer, adapter=known_runtimes()[runtime], form=FORM
    )
    find(name).observe(session)
    return find(name).judge(session.observations, {}), session.launched


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("runtime", ["docker", "podman", "apptainer", "apptainer-sandbox", *CHARLIECLOUD])
def test_what_was_built_and_runs_holds(name: str, runtime: str, tmp_path: Path) -> None:
    assert turn(name, tmp_path, runtime=runtime)[0].outcome is Outcome.HOLDS


@pytest.mark.parametrize("name", NAMES)
def test_a_builder_that_fails_or_builds_something_else_fails(name: str, tmp_path: Path) -> None:
    for place, changes in enumerate(({"fails": "build"}, {"other_word": True})):
        (folder := tmp_path / str(place)).mkdir()
        judgement, _ = turn(name, folder, **changes)  # type: ignore[arg-type]
        assert judgement.outcome is Outcome.FAILS
        assert ("it went wrong" if place == 0 else "does not run") in judgement.message


def test_charliecloud_builds_into_the_form_that_it_runs(tmp_path: Path) -> None:
    for runtime, bringing, kind in zip(
        CHARLIECLOUD, ("import", "ch-convert"), ("dir", "squash"), strict=True
    ):
        (tmp_path / runtime).mkdir()
        _, launched = turn("offline_build", tmp_path / runtime, runtime=runtime)
        assert any(bringing in argv and "/forms/x" in argv for argv in launched)
        assert any(("-o", kind, "built") == argv[-4:-1] for argv in launched)


def test_a_step_of_the_hosts_own_root_is_not_without_root(tmp_path: Path) -> None:
    judgement, _ = turn("unprivileged_build", tmp_path, ids=HOST_MAP)
    assert judgement.outcome is Outcome.FAILS
    assert "the host's own root" in judgement.message


def test_the_message_says_what_network_the_step_had(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert "saw no network" in turn("offline_build", tmp_path / "a")[0].message
    assert "could not be kept" in turn("offline_build", tmp_path / "b", devices="eth0: 0")[0].message


def test_the_client_is_kept_from_registries_and_podman_tries_without_namespaces(tmp_path: Path) -> None:
    _, launched = turn("offline_build", tmp_path, fails="none")
    builds = [argv for argv in launched if "build" in argv]
    assert [("chroot" in argv, "none" in argv) for argv in builds] == [(False, True), (True, False)]
    assert all("https_proxy=http://127.0.0.1:9" in argv for argv in builds)


def test_automation_builds_twice_and_the_others_once(tmp_path: Path) -> None:
    for name, times in zip(NAMES, (1, 1, 2), strict=True):
        (tmp_path / name).mkdir()
        _, launched = turn(name, tmp_path / name)
        assert sum("build" in argv for argv in launched) == times


@pytest.mark.parametrize("runtime", ["shifter", "host"])
def test_what_builds_no_images_says_so(runtime: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeRefusalError, match=r"buil[dt]"):
        turn("offline_build", tmp_path, runtime=runtime)


def test_every_family_has_its_way() -> None:
    building_ones = {runtime.dialect for runtime in known_runtimes().values() if runtime.builds_images}
    assert building_ones == set(building.BUILDERS)


@pytest.fixture(scope="module")
def ready_arm(launcher: Launcher, bench: Bench, found: dict[str, FoundRuntime]) -> Callable[[str], Arm]:
    """Give a runtime that is ready to run the xs image; skip with the reason where there is none."""
    try:
        image = built_image("xs", Path(__file__).parents[3] / "images", launcher)
    except EvaluationError as error:
        pytest.skip(str(error))

    def made(runtime: str) -> Arm:
        readied, form = ready(found[runtime], image, launcher, bench.payload)
        if form is None:
            pytest.skip(f"{runtime}: {readied.facts.reason}")
        return Arm(
            id=runtime,
            runtime=readied.runtime,
            reference=form.reference,
            image_digest=form.digest,
            form=prepared_form(form_facts(form, readied.runtime, runner(launcher))),
        )

    return made


@pytest.mark.real
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("runtime", ["docker", "podman", "apptainer", *CHARLIECLOUD])
def test_the_real_builder_builds(
    ready_arm: Callable[[str], Arm], bench: Bench, runtime: str, name: str
) -> None:
    answer = judged(name, ready_arm(runtime), bench)
    assert isinstance(answer, Judgement)
    expected = Outcome.FAILS if (runtime, name) == ("docker", "unprivileged_build") else Outcome.HOLDS
    assert answer.outcome is expected, answer.message


@pytest.mark.real
def test_without_its_option_apptainer_would_ask(
    ready_arm: Callable[[str], Arm], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "FORCE", ())
    answer = judged("automated_build", replace(ready_arm("apptainer")), bench)
    assert isinstance(answer, Judgement)
    assert answer.outcome is Outcome.FAILS
    assert "--force" in answer.message


@pytest.mark.real
def test_a_base_that_is_not_here_cannot_be_had_offline(ready_arm: Callable[[str], Arm], bench: Bench) -> None:
    arm = ready_arm("podman")
    assert arm.form is not None
    gone = replace(arm, form=replace(arm.form, reference="container-evaluation/never-built:none"))
    answer = judged("offline_build", gone, bench)
    assert isinstance(answer, Judgement)
    assert answer.outcome is Outcome.FAILS
