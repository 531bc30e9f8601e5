"""Opening a run: alone on the host, gone on with only where it fits, and in a folder that can be reached."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.measure import run as module
from evaluation.measure.launcher import LauncherGoneError
from evaluation.measure.preparation import Prepared, build_payload
from evaluation.measure.run import Measurement, measured_already, open_measurement
from evaluation.runtimes import known_runtimes
from evaluation.sites import load_site
from evaluation.store import Run, RuntimeFacts, find_runs

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


@pytest.fixture
def opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a run of the bare host without building an image."""
    host = known_runtimes()["host"]
    facts = RuntimeFacts(
        id="host", family="host", mode=host.mode, present=True, command="env", version="made up"
    )
    prepared = Prepared(runtimes=(facts,), image=None, unavailable={})
    monkeypatch.setattr(module, "prepare", lambda *_: prepared)
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
    with pytest.raises(EvaluationError, match="nobody cannot reach"):
        opening()


def test_an_interrupted_run_is_gone_on_with(opening: Open, capsys: pytest.CaptureFixture[str]) -> None:
    with opening() as first:
        pass
    with opening() as second:
        assert second.run.path == first.run.path
        assert second.manifest.seed == first.manifest.seed
    assert f"going on with the interrupted run {first.run.path}" in capsys.readouterr().out
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
    here = first.manifest.host
    monkeypatch.setattr(module, "host_facts", lambda: here.model_copy(update={"memory_bytes": 1}))
    with opening() as after_a_reboot:
        assert after_a_reboot.run.path == first.run.path
    monkeypatch.setattr(module, "host_facts", lambda: here.model_copy(update={"kernel": "another"}))
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


def test_what_was_measured_already_need_not_be_again(opening: Open, tmp_path: Path) -> None:
    results = tmp_path / "results"

    def kept(profile: str = "quick") -> Run | None:
        return measured_already(LOCAL, profile, "none", results, SOMEBODY, images=tmp_path / "images")

    assert kept() is None
    with opening() as first:
        version = next(iter(first.manifest.runtimes)).version
    assert version == "made up"
    assert kept() is None
    kernel = f"Linux {first.manifest.host.kernel}"
    changed(first.run, runtimes=[{**first.manifest.runtimes[0].model_dump(), "version": kernel}])
    assert kept() is None  # interrupted
    first.run.finish("2026-01-01")
    found = kept()
    assert found is not None
    assert found.path == first.run.path
    assert kept("full") is None
    (first.run.path / "manifest.json").write_text("{")
    assert kept() is None
    assert len(find_runs(results)) == 1
