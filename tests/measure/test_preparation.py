"""Getting ready: what is wrong with one runtime takes that one out, and without an image the host stays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import fake_executable

from evaluation.errors import EvaluationError, FaultyDocumentError
from evaluation.images.build import BuiltImage
from evaluation.images.convert import Content, ConvertedForm
from evaluation.images.process import UnreadableCacheError
from evaluation.measure import forms, preparation
from evaluation.measure.discovery import discover
from evaluation.measure.launcher import Launcher, LauncherGoneError
from evaluation.measure.preparation import Prepared, chosen, prepare
from evaluation.measure.user import ourselves
from evaluation.model import DEFAULT_IMAGE, Form, Role
from evaluation.probes.registry import discover as discover_probes
from evaluation.probes.roles import takes_part
from evaluation.runtimes.base import Runtime
from evaluation.runtimes.charliecloud import Charliecloud
from evaluation.sites import load_site
from evaluation.store import RuntimeFacts

ROOT = Path(__file__).parents[2]
LOCAL = load_site("local", ROOT / "sites")
IMAGE = BuiltImage(
    name="small",
    recipe_sha256="r",
    tar_sha256="t",
    tar_bytes=1,
    build_s=1.0,
    packages=("p=1",),
    folder="/made-up",
)
Prepare = Callable[..., Prepared]


@pytest.fixture
def converted() -> list[tuple[str, str]]:
    """What was converted: the image's name and the runtime's id."""
    return []


@pytest.fixture
def prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, converted: list[tuple[str, str]]
) -> Iterator[Prepare]:
    """Prepare with two fake runtimes on PATH and conversions that come out as the test says."""
    fake_executable(tmp_path / "bin" / "ch-run", "echo 0.31")
    fake_executable(tmp_path / "bin" / "podman", "echo podman version 4.3.1")
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    with Launcher(replace(ourselves(), env={"PATH": path, "HOME": str(tmp_path)})) as launcher:

        def run(
            digest: Callable[[Runtime], str],
            *,
            image: Callable[[], BuiltImage] = lambda: IMAGE,
            problem: str = "",
            runtimes: tuple[str, ...] = ("charliecloud", "podman"),
        ) -> Prepared:
            def convert(image: BuiltImage, runtime: Runtime, *__: object) -> ConvertedForm:
                converted.append((image.name, runtime.id))
                return ConvertedForm(
                    runtime=runtime.id, form=Form.DIRECTORY, reference=f"/made-up/{runtime.id}", size_bytes=1,
                    convert_s=1.0, digest=digest(runtime), first_start_s=0.5,
                )  # fmt: skip

            def shared_form(form: ConvertedForm, runtime: Runtime, *_: object) -> ConvertedForm:
                return replace(form, runtime=runtime.id, digest=digest(runtime), first_start_s=None)

            def made(name: str, *_: object) -> BuiltImage:
                return replace(image(), name=name)

            def contents_seen(_: str, runtime: Runtime, *__: object) -> tuple[bytes, ...]:
                return (f"100000 etc/made-up 644 1 {digest(runtime)}".encode(),)

            def place_without(_: str, __: Path, replaced: tuple[str, ...]) -> str:
                return f"less {' '.join(replaced)}"

            def content_inside(_: str, runtime: Runtime, *rest: object) -> Content:
                return Content(sha256="c" * 64 if rest[-1] == "less etc/made-up" else digest(runtime))

            monkeypatch.setattr(forms, "place_contents", lambda *_: None)
            monkeypatch.setattr(forms, "place_without", place_without)
            monkeypatch.setattr(forms, "content_inside", content_inside)
            monkeypatch.setattr(forms, "contents_seen", contents_seen)
            monkeypatch.setattr(forms, "convert", convert)
            monkeypatch.setattr(forms, "shared_form", shared_form)
            monkeypatch.setattr(forms, "built_image", made)
            monkeypatch.setattr(preparation, "built_image", made)
            found = discover(LOCAL, launcher)
            return prepare(
                LOCAL,
                launcher,
                ROOT / "images",
                tmp_path,
                problem,
                found,
                chosen(found, runtimes),
                ("xs", "med"),
            )

        yield run


JOBS = {probe.id for probe in discover_probes().values() if "batch" in probe.needs}
"""What is asked inside jobs of a batch system alone, which this machine has not."""


def facts(prepared: Prepared) -> dict[str, RuntimeFacts]:
    return {item.id: item for item in prepared.runtimes}


def same(_: Runtime) -> str:
    return "d" * 64


def test_every_runtime_here_gets_its_form_of_one_image(prepared: Prepare) -> None:
    done = prepared(same)
    assert done.image
    assert done.image.digest == "d" * 64
    assert [form.runtime for form in done.image.forms] == ["host", "charliecloud", "podman"]
    assert [image.name for image in done.ladder] == ["xs", "med"]
    others = {
        probe.id for probe in discover_probes().values() if probe.image not in {DEFAULT_IMAGE, "xs", "med"}
    }
    assert set(done.unavailable) == JOBS | others
    assert all("sites/local.yaml" in done.unavailable[probe] for probe in JOBS)
    found = facts(done)
    assert found["podman"].present
    assert found["podman"].adaptation == ""
    assert not found["shifter"].present


def test_what_was_not_asked_for_keeps_its_row(prepared: Prepare) -> None:
    found = facts(prepared(same, runtimes=("none",)))
    assert [id_ for id_, item in found.items() if item.present] == ["host"]
    assert found["podman"].reason == "left out of this run on request"
    assert "not installed" in found["shifter"].reason


def test_an_unknown_runtime_is_told_the_one_that_was_meant(prepared: Prepare) -> None:
    with pytest.raises(EvaluationError, match="no runtime 'podmann', did you mean 'podman'") as told:
        prepared(same, runtimes=("podmann",))
    assert told.value.advice.endswith("; or none.")


def test_a_runtime_that_cannot_run_the_image_is_absent_with_what_it_said(prepared: Prepare) -> None:
    def digest(runtime: Runtime) -> str:
        if runtime.id == "charliecloud":
            message = "no user namespaces: see https://mirror.example"
            raise EvaluationError(message)
        return same(runtime)

    done = prepared(digest)
    found = facts(done)
    assert not found["charliecloud"].present
    assert found["charliecloud"].reason == (
        "installed, but cannot run the image: no user namespaces: see <mirror>"
    )
    assert found["podman"].present
    assert done.image
    assert [form.runtime for form in done.image.forms] == ["host", "podman"]


def test_what_made_a_runtime_start_is_part_of_the_result(prepared: Prepare) -> None:
    def digest(runtime: Runtime) -> str:
        if runtime.id == "podman" and not runtime.engine_options:
            message = "crun: cgroup trouble"
            raise EvaluationError(message)
        return same(runtime)

    podman = facts(prepared(digest))["podman"]
    assert podman.present
    assert podman.adaptation == "it does not start with its defaults here: crun: cgroup trouble"
    assert podman.engine_options


def test_a_form_of_other_contents_takes_its_runtime_out(prepared: Prepare) -> None:
    done = prepared(lambda runtime: ("e" if runtime.id == "charliecloud" else "d") * 64)
    found = facts(done)
    assert not found["charliecloud"].present
    assert "is not the same image" in found["charliecloud"].reason
    assert found["podman"].present
    assert done.image
    assert {form.digest for form in done.image.forms} == {"d" * 64}


@pytest.mark.parametrize("replaced", ["etc/made-up", "etc/made"])
def test_what_a_runtime_replaces_in_every_container_is_no_other_image(
    prepared: Prepare, monkeypatch: pytest.MonkeyPatch, replaced: str
) -> None:
    same_image = replaced != "etc/made"
    monkeypatch.setattr(Charliecloud, "replaced", lambda _: (replaced,))
    done = prepared(lambda runtime: ("e" if runtime.id == "charliecloud" else "d") * 64)
    assert facts(done)["charliecloud"].present is same_image
    for image in (done.image, *done.ladder):
        assert image
        made = {form.runtime: form for form in image.forms if not form.problem}
        assert ("charliecloud" in made) is same_image
        if same_image:
            assert made["charliecloud"].digest == made["host"].digest
            assert made["charliecloud"].details[-1].startswith(f"not the image's own inside: /{replaced}")
            assert not made["podman"].details


@pytest.mark.parametrize("broken", ["build", "host"])
def test_without_an_image_the_bare_host_is_still_measured(prepared: Prepare, broken: str) -> None:
    def fail(*_: object) -> str:
        message = "mmdebstrap, umoci, skopeo not found"
        raise EvaluationError(message)

    done = prepared(fail, image=lambda: IMAGE) if broken == "host" else prepared(same, image=fail)
    found = facts(done)
    assert done.image is None
    assert found["host"].present
    for id_ in ("podman", "charliecloud"):
        assert not found[id_].present
        assert found[id_].reason.startswith("no image to run: ")
        assert "mmdebstrap, umoci, skopeo not found" in found[id_].reason
    assert "not installed" in found["shifter"].reason
    asked = discover_probes()
    wanting = {probe.id for probe in asked.values() if "image" in probe.needs}
    assert {"metadata_rate", "import_storm"} <= wanting
    elsewhere = {probe.id for probe in asked.values() if probe.image != DEFAULT_IMAGE}
    assert set(done.unavailable) == wanting | elsewhere | JOBS
    assert all(done.unavailable[probe].startswith("there is no image: ") for probe in wanting)
    assert all("evaluation image build" in done.unavailable[probe] for probe in elsewhere - wanting)


def test_without_the_payload_no_runtime_is_blamed(prepared: Prepare) -> None:
    """Nothing can show then that all forms are the same image, so no runtime is tried, and why is said."""
    fault = "cc could not build probe: probe.c:1:1: error: unknown type name 'it'"
    done = prepared(same, problem=fault)
    told = f"the payload could not be built here: {fault}"
    assert done.image is None
    assert (done.unavailable["cpu_rate"], done.unavailable["import_storm"]) == (told, told)
    assert "cold_start" not in done.unavailable  # of the bare host, which needs nothing for it
    found = facts(done)
    assert found["host"].present
    assert (found["podman"].present, found["podman"].reason) == (False, f"not tried: {told}")
    assert "not installed" in found["shifter"].reason


def test_without_a_launcher_nothing_is_blamed_on_a_runtime(prepared: Prepare) -> None:
    def gone(*_: object) -> str:
        message = "gone"
        raise LauncherGoneError(message)

    with pytest.raises(LauncherGoneError):
        prepared(gone)
    with pytest.raises(LauncherGoneError):
        prepared(same, image=gone)


def test_a_faulty_recipe_stops_before_measuring(prepared: Prepare) -> None:
    def faulty() -> BuiltImage:
        raise FaultyDocumentError([])

    with pytest.raises(FaultyDocumentError):
        prepared(same, image=faulty)


def test_a_cache_that_cannot_be_read_stops_before_measuring(prepared: Prepare) -> None:
    def closed() -> BuiltImage:
        raise UnreadableCacheError("what is kept of images cannot be read")

    with pytest.raises(UnreadableCacheError):
        prepared(same, image=closed)


def test_the_payload_is_ours_and_for_everybody_to_read(tmp_path: Path) -> None:
    folder = tmp_path / "payload"
    folder.mkdir()
    preparation.build_payload(folder)
    for path in folder.iterdir():
        mode = path.stat().st_mode
        assert (path.stat().st_uid, mode & 0o022, mode & 0o444) == (os.getuid(), 0, 0o444)
    assert {"probe", "helper", "import_storm.py", "import_fresh.py"} <= {
        path.name for path in folder.iterdir()
    }


# -- modes of a runtime --------------------------------------------------------------------------------

MODE = ("podman", "podman-keep-id")


def test_a_mode_runs_its_bases_form_and_nothing_is_made_or_timed_for_it(
    prepared: Prepare, converted: list[tuple[str, str]]
) -> None:
    done = prepared(same, runtimes=MODE)
    assert done.image
    assert {runtime for _, runtime in converted} == {"host", "podman"}
    for image in (done.image, *done.ladder):
        form = {item.runtime: item for item in image.forms}
        assert form["podman-keep-id"] == form["podman"].model_copy(
            update={"runtime": "podman-keep-id", "made_by": "podman", "first_start_s": None}
        )
        assert form["podman"].first_start_s == 0.5


def test_a_mode_does_with_a_base_that_is_left_out(
    prepared: Prepare, converted: list[tuple[str, str]]
) -> None:
    done = prepared(same, runtimes=("podman-keep-id",))
    found = facts(done)
    assert found["podman-keep-id"].present
    assert found["podman"].reason == "left out of this run on request"
    assert set(converted) == {(name, id_) for name in ("small", "xs", "med") for id_ in ("host", "podman")}
    assert done.image
    assert [(form.runtime, form.made_by) for form in done.image.forms] == [
        ("host", ""),
        ("podman-keep-id", "podman"),
    ]


def test_only_a_mode_that_is_named_is_timed(prepared: Prepare) -> None:
    def timed(*runtimes: str) -> bool:
        return facts(prepared(same, runtimes=runtimes))["podman-keep-id"].timed

    assert timed(*MODE)
    assert not timed()
    assert not timed("podman")
    assert not facts(prepared(same, runtimes=("docker-unsafe",)))["docker-unsafe"].timed


def test_a_mode_that_is_not_timed_has_forms_only_of_the_images_that_it_is_asked_in(
    prepared: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = {id_: probe for id_, probe in discover_probes().items() if probe.image != "xs"}
    monkeypatch.setattr(forms, "discover_probes", lambda: every)
    done = prepared(same, runtimes=())
    asked_in = {probe.image for probe in every.values() if takes_part(Role.VARIANT, probe, timed=False)}
    for image in (done.image, *done.ladder):
        assert image
        runs = {form.runtime for form in image.forms}
        assert ("podman-keep-id" in runs) is (image.name in asked_in)
        assert "podman" in runs
    assert {"xs"} == {image.name for image in done.ladder} - asked_in


def test_a_mode_that_cannot_run_the_image_takes_only_itself_out(prepared: Prepare) -> None:
    def digest(runtime: Runtime) -> str:
        if runtime.id == "podman-keep-id":
            message = "cannot map ids"
            raise EvaluationError(message)
        return same(runtime)

    found = facts(prepared(digest, runtimes=MODE))
    assert found["podman"].present
    assert found["podman-keep-id"].reason == "installed, but cannot run the image: cannot map ids"


def test_a_mode_goes_with_its_base(prepared: Prepare) -> None:
    def digest(runtime: Runtime) -> str:
        if runtime.family == "podman":
            message = "no overlay"
            raise EvaluationError(message)
        return same(runtime)

    found = facts(prepared(digest, runtimes=MODE))
    assert found["podman-keep-id"].reason == (
        "podman is not here: installed, but cannot run the image: no overlay"
    )
