"""Opening a run: alone on the host, gone on with only where it fits, and in a folder that can be reached."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.images.convert import ConvertedForm
from evaluation.manifest import CheckFacts
from evaluation.measure import plan as plan_module
from evaluation.measure import run as module
from evaluation.measure.discovery import FoundRuntime
from evaluation.measure.forms import absent
from evaluation.measure.launcher import LauncherGoneError
from evaluation.measure.preparation import Prepared, build_payload
from evaluation.measure.run import Measurement, measured_already, open_measurement
from evaluation.model import CheckState, Form
from evaluation.probes.registry import discover as discover_probes
from evaluation.runtimes import known_runtimes
from evaluation.sites import load_site
from evaluation.store import ImageFacts, Run, RuntimeFacts, find_runs

ROOT = Path(__file__).parents[2]
LOCAL = load_site("local", ROOT / "sites")
SOMEBODY = "nobody" if os.getuid() == 0 else ""
Open = Callable[..., Measurement]


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder that everybody can enter (pytest's are closed), and where nobody else measures."""
    assert tmp_path  # pytest's own folders are made first, elsewhere
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o1777)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    shutil.rmtree(folder)


def found(id_: str, **changes: object) -> FoundRuntime:
    """A runtime as it would be found, if it were here."""
    runtime = known_runtimes()[id_]
    facts = RuntimeFacts(
        id=id_, family=runtime.family, mode=runtime.mode, present=True, command="env", version="made up"
    )
    return FoundRuntime(runtime=runtime, facts=facts.model_copy(update=changes))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[FoundRuntime]:
    """What is found on this machine: the bare host, until a test says otherwise."""
    there: list[FoundRuntime] = [found("host")]
    monkeypatch.setattr(plan_module, "discover", lambda *_: tuple(there))
    monkeypatch.setattr(plan_module, "installed_programs", lambda *_, **__: ())
    return there


@pytest.fixture
def opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: list[FoundRuntime]) -> Open:
    """Open a run without building an image; no runtime but the bare host can run one."""

    def prepare(*_: object) -> Prepared:
        ready = (
            item.facts if item.facts.id == "host" else absent(item.facts, "cannot run the image")
            for item in here
        )
        return Prepared(runtimes=tuple(ready), image=None, unavailable={})

    monkeypatch.setattr(module, "prepare", prepare)
    monkeypatch.setattr(module, "build_payload", lambda folder: folder)

    def opened(**options: object) -> Measurement:
        wanted = {"results": tmp_path / "results", "images": ROOT / "images", "user": SOMEBODY, **options}
        return open_measurement(LOCAL, **wanted)  # type: ignore[arg-type]

    return opened


def test_it_leaves_nothing_but_the_run(
    opening: Open, temporary_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "build_payload", build_payload)  # for once
    with opening() as opened:
        assert opened.manifest.site == "local"
        payload = opened._bench.payload
        assert (payload / "probe").stat().st_mode & 0o777 == 0o755
        assert payload.stat().st_uid == os.getuid()
    left = [path.name for path in temporary_folder.iterdir()]
    assert left == []
    assert not opened.run.complete


def test_how_the_host_was_found_stays_with_the_run(opening: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(state: CheckState) -> tuple[CheckFacts, ...]:
        return (CheckFacts(what="container", state=state, sentence="so it was", costs="x", remedy="y"),)

    monkeypatch.setattr(module, "require", lambda _: found(CheckState.SOUND))
    with opening() as opened:
        assert opened.run.manifest.checks == found(CheckState.SOUND)
    monkeypatch.setattr(module, "require", lambda _: found(CheckState.CONDITION))
    with opening() as resumed:  # in a container, say: both are told
        assert resumed.run.path == opened.run.path
        assert resumed.run.manifest.checks == (*found(CheckState.SOUND), *found(CheckState.CONDITION))


def test_a_cell_can_be_run_again(opening: Open) -> None:
    first = opening()
    second = opening()
    assert second.run.path == first.run.path
    with pytest.raises(LauncherGoneError):
        first._bench.launcher.sweep()
    assert second._bench.launcher.sweep() == ()
    second.close()


@pytest.mark.skipif(os.getuid() != 0, reason="only root measures as another user")
def test_a_temporary_folder_that_is_closed_to_the_user_is_refused(
    opening: Open, temporary_folder: Path
) -> None:
    temporary_folder.chmod(0o700)
    with pytest.raises(EvaluationError, match="nobody cannot work in"):
        opening()


def test_an_interrupted_run_is_gone_on_with(opening: Open, capsys: pytest.CaptureFixture[str]) -> None:
    with opening() as first:
        pass
    with opening() as second:
        assert second.run.path == first.run.path
        assert second.manifest.seed == first.manifest.seed
    assert f"resuming the interrupted run {first.run.path}" in capsys.readouterr().out
    with opening(fresh=True) as third:
        assert third.run.path != first.run.path
    with opening() as newest:
        assert newest.run.path == third.run.path


def test_a_complete_run_is_not(opening: Open) -> None:
    with opening() as first:
        first.finish()
    with opening() as second:
        assert second.run.path != first.run.path


def changed(run: Run, **fields: object) -> None:
    path = run.path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def host(run: Run, **fields: object) -> dict[str, object]:
    return {"host": run.manifest.host.model_dump() | fields}


def test_a_run_of_another_plan_is_not(opening: Open) -> None:
    with opening(profile="quick") as first:
        pass
    with opening(profile="full") as second:
        assert second.run.path != first.run.path
    monkey = first.run.manifest.plan
    changed(first.run, plan="another")
    changed(second.run, plan="another")
    with opening(profile="quick") as third:
        assert third.run.path not in {first.run.path, second.run.path}
        assert third.manifest.plan == monkey


def test_the_plan_holds_the_machine(opening: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with opening() as first:
        pass
    host = first.manifest.host
    monkeypatch.setattr(plan_module, "host_facts", lambda: host.model_copy(update={"memory_bytes": 1}))
    with opening() as after_a_reboot:
        assert after_a_reboot.run.path == first.run.path
    monkeypatch.setattr(plan_module, "host_facts", lambda: host.model_copy(update={"kernel": "another"}))
    with opening() as elsewhere:
        assert elsewhere.run.path != first.run.path


@pytest.mark.parametrize("damage", ["", "{}", '{"format": 99}'])
def test_a_damaged_run_is_passed_over_and_said(
    opening: Open, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    with opening() as first:
        pass
    (first.run.path / "manifest.json").write_text(damage)
    with opening() as second:
        assert second.run.path != first.run.path
    assert f"passed over: {first.run.path / 'manifest.json'}" in capsys.readouterr().out


def test_a_run_can_be_named(opening: Open) -> None:
    with opening(profile="full") as first, contextlib.suppress(EvaluationError):
        pass
    name = first.run.path.name
    with opening(run=name) as second:
        assert second.run.path == first.run.path
        assert second._profile.name == "full"  # its own, whatever is the default
    with opening(run=name, blocks=3) as third:
        assert third._profile.blocks == 3


def test_a_name_that_there_is_not_is_told_those_there_are(opening: Open) -> None:
    with opening() as first:
        pass
    for name in ("nothing", "../local", "."):
        with pytest.raises(EvaluationError, match="there is no run") as told:
            opening(run=name)
        assert told.value.advice == f"There are: {first.run.path.name}."


def test_a_named_run_must_fit_too(opening: Open) -> None:
    with opening() as first:
        pass
    run, name = first.run, first.run.path.name
    before = (run.path / "manifest.json").read_text()
    for change, message in (
        ({"tool_version": "0.0"}, "it was begun with version 0.0 of this tool"),
        (host(run, kernel="another"), "it was begun on another machine"),
        (host(run, cores=1000), "it was begun on another machine"),
    ):
        changed(run, **change)
        with pytest.raises(EvaluationError, match=message) as told:
            opening(run=name)
        assert "--fresh" in told.value.advice
        (run.path / "manifest.json").write_text(before)
    run.finish("2026-01-01")
    with pytest.raises(EvaluationError, match="the run is complete"):
        opening(run=name)


def test_a_run_is_held_against_other_machines(opening: Open) -> None:
    with (
        opening() as first,
        pytest.raises(EvaluationError, match="another measurement adds to this run"),
        first.run.held(),
    ):
        pass


def test_what_cannot_be_opened_lets_the_next_one_in(opening: Open) -> None:
    for options in ({"profile": "none-such"}, {"run": "none-such"}, {"user": "no-such-user"}):
        with pytest.raises(EvaluationError):
            opening(**options)
    with opening():
        pass


def kept(tmp_path: Path, profile: str = "quick", **options: object) -> Run | None:
    wanted = {"images": ROOT / "images", **options}
    return measured_already(LOCAL, profile, "", tmp_path / "results", SOMEBODY, **wanted)  # type: ignore[arg-type]


def test_what_was_measured_already_need_not_be_again(opening: Open, tmp_path: Path) -> None:
    assert kept(tmp_path) is None
    with opening() as first:
        pass
    assert kept(tmp_path) is None  # interrupted
    first.run.finish("2026-01-01")
    again = kept(tmp_path)
    assert again is not None
    assert again.path == first.run.path
    assert kept(tmp_path, "full") is None
    (first.run.path / "manifest.json").write_text("{")
    assert kept(tmp_path) is None
    assert len(find_runs(tmp_path / "results")) == 1


def test_a_runtime_that_cannot_run_the_image_is_measured_already_too(
    opening: Open, here: list[FoundRuntime], tmp_path: Path
) -> None:
    here.append(found("charliecloud"))
    with opening() as first:
        first.finish()
    assert [facts.present for facts in first.manifest.runtimes] == [True, False]
    assert kept(tmp_path) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"version": "newer"},
        {"options": ("--network", "none")},
        {"engine_options": ("--root", "/elsewhere")},
        {"command": "/opt/env"},
        {"security": ("storage: vfs",)},
    ],
)
def test_a_runtime_that_changed_is_measured_again_and_not_gone_on_with(
    opening: Open, here: list[FoundRuntime], tmp_path: Path, change: dict[str, object]
) -> None:
    with opening() as first:
        pass
    here[:] = [found("host", **change)]
    with opening() as second:
        assert second.run.path != first.run.path
        second.finish()
    assert kept(tmp_path) is not None
    here[:] = [found("host")]
    first.run.finish("2026-01-01")
    second.run.path.rename(tmp_path / "aside")
    assert kept(tmp_path) is not None
    here[:] = [found("host", **change)]
    assert kept(tmp_path) is None


def test_a_configuration_file_that_changed_is_measured_again(
    opening: Open, here: list[FoundRuntime], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.append(found("podman"))
    folder = tmp_path / "configuration"
    folder.mkdir()
    monkeypatch.setattr(
        type(here[1].runtime), "configuration", (f"{folder}/*.conf", "{config}/nothing-there")
    )
    with opening() as first:
        first.finish()
    assert kept(tmp_path) is not None
    (folder / "storage.conf").write_text("driver = vfs")
    assert kept(tmp_path) is None
    os.mkfifo(folder / "fifo.conf")  # is not waited for
    (folder / "storage.conf").unlink()
    assert kept(tmp_path) is None
    (folder / "fifo.conf").unlink()
    assert kept(tmp_path) is not None


def test_every_adapter_names_its_configuration_by_the_home_and_the_configuration_folder() -> None:
    for runtime in known_runtimes().values():
        for pattern in runtime.configuration:
            assert pattern.format(home="/home/somebody", config="/home/somebody/.config").startswith("/")


def test_a_new_or_a_changed_probe_is_measured(
    opening: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opening() as first:
        first.finish()
    probes = discover_probes()
    changed_one = {**probes, "cold_start": replace(probes["cold_start"], version=1000)}
    fewer = {id_: probe for id_, probe in probes.items() if id_ != "cold_start"}
    for other in (changed_one, fewer):
        monkeypatch.setattr(plan_module, "discover_probes", lambda other=other: other)
        assert kept(tmp_path) is None
    monkeypatch.setattr(plan_module, "discover_probes", lambda: probes)
    assert kept(tmp_path) is not None


def test_an_image_that_could_not_be_built_is_asked_for_again_only_if_its_recipe_or_the_builders_changed(
    opening: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = Path(shutil.copytree(ROOT / "images", tmp_path / "recipes"))
    with opening(images=recipes) as first:
        first.finish()
    assert first.manifest.images == {}
    assert {"xs", "small"} <= set(first.manifest.wanted)
    assert kept(tmp_path, images=recipes) is not None
    monkeypatch.setattr(plan_module, "_TOOLS", ())
    assert kept(tmp_path, images=recipes) is None
    monkeypatch.undo()


def test_a_recipe_that_changed_is_measured(opening: Open, tmp_path: Path) -> None:
    recipes = Path(shutil.copytree(ROOT / "images", tmp_path / "recipes"))
    with opening(images=recipes, ladder=["xs", "small", "med"]) as first:
        first.finish()
    assert kept(tmp_path, images=recipes) is not None  # fewer images are wanted than were measured
    assert kept(tmp_path, images=recipes, ladder=["large"]) is None
    recipe = recipes / "xs" / "image.yaml"
    recipe.write_text(recipe.read_text().replace("packages:", "packages: # changed", 1))
    assert kept(tmp_path, images=recipes) is not None  # not by a comment
    recipe.write_text(recipe.read_text().replace("busybox", "bash"))
    assert kept(tmp_path, images=recipes) is None


def test_an_image_whose_content_is_another_is_measured(
    opening: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opening() as first:
        first.finish()
    sha256 = first.manifest.wanted["small"]
    image = ImageFacts(
        name="small",
        recipe="",
        recipe_sha256=sha256,
        digest="d",
        tar_bytes=1,
        build_s=0.0,
        packages=(),
        forms=(),
    )
    changed(first.run, image=image.model_dump(mode="json"))
    assert kept(tmp_path) is not None  # it is not kept: it would be built from the same recipe
    form = ConvertedForm(
        runtime="host", form=Form.DIRECTORY, reference="", size_bytes=1, convert_s=0.0, digest="another"
    )
    monkeypatch.setattr(plan_module, "kept_form", lambda _: form)
    assert kept(tmp_path) is None
    monkeypatch.setattr(plan_module, "kept_form", lambda _: replace(form, digest="d"))
    assert kept(tmp_path) is not None
