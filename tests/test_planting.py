"""The administrator's one command: what it plants, says and removes, and what it will not touch."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from rival import AS_ROOT, NOBODY, Race

from evaluation import planting as module
from evaluation.errors import EvaluationError
from evaluation.payload.build import HELPER
from evaluation.planting import lacking, listed, plant, remove
from evaluation.probes.planted import CLOSED, FOLDER, planted
from evaluation.scratch import temporary_folder


@pytest.fixture
def place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A shared folder, as /tmp is one, and the only one that is looked into; the payload is made up there."""

    def build(where: Path) -> Path:
        (where / HELPER).write_bytes(b"a helper")
        return where

    monkeypatch.setattr(module, "build_payload", build)
    monkeypatch.setattr(module, "places", lambda: (folder,))
    yield folder
    with suppress(EvaluationError):
        remove()


def modes(folder: Path) -> dict[str, tuple[int, int]]:
    found = {path.name: path.lstat() for path in (folder, *folder.iterdir())}
    return {name: (status.st_uid, stat.S_IMODE(status.st_mode)) for name, status in found.items()}


@AS_ROOT
def test_what_is_planted_is_roots_and_nothing_in_it_is_a_secret(place: Path) -> None:
    made = plant(place)
    assert modes(made) == {
        FOLDER: (0, 0o755),
        HELPER: (0, 0o4755),
        CLOSED: (0, 0o600),
        "README": (0, 0o644),
    }
    assert (made / HELPER).read_bytes() == b"a helper"
    assert (made / CLOSED).read_bytes() == b""
    assert "evaluation plant --remove" in (made / "README").read_text()
    assert planted(HELPER, within=(place,)) == made / HELPER


@AS_ROOT
def test_the_folder_for_the_moment_may_be_a_users(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As that of a kit in a user's home is: root works nowhere in it."""
    os.chown(tmp_path, NOBODY, NOBODY)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    told: list[str] = []

    def building(where: Path) -> Path:
        told.append(os.environ["TMPDIR"])  # where a compiler works
        (where / HELPER).touch()
        return where

    monkeypatch.setattr(module, "build_payload", building)
    assert modes(plant(place))[HELPER] == (0, 0o4755)
    assert [path.name for path in place.iterdir()] == [FOLDER]
    assert Path(told[0]).parent == place
    assert os.environ["TMPDIR"] == str(tmp_path)


@AS_ROOT
def test_it_is_listed_with_what_it_is_for_and_removed_again(place: Path) -> None:
    assert listed() == f"nothing is planted in {place}"
    plant(place)
    first, *rest = listed().splitlines()
    assert first == f"{place / FOLDER}:"
    assert [line.split()[:2] for line in rest] == [[HELPER, "4755"], [CLOSED, "0600"]]
    assert "P39" in rest[1]
    assert remove() == (place / FOLDER,)
    assert not list(place.iterdir())
    assert remove() == ()


@AS_ROOT
def test_planting_again_makes_it_anew(place: Path) -> None:
    (plant(place) / HELPER).chmod(0o755)
    assert "helper     not trusted: helper is -rwxr-xr-x of uid 0" in listed()
    plant(place)
    assert "not trusted" not in listed()


@AS_ROOT
def test_a_place_that_is_named_is_the_only_one(place: Path, tmp_path: Path) -> None:
    other = place / "other"
    other.mkdir(mode=0o755)
    plant(other)
    plant(place)
    assert f"{place / FOLDER}:" not in listed(other)
    assert remove(other, tmp_path / "missing") == (other / FOLDER,)
    assert f"{place / FOLDER}:" in listed()


@AS_ROOT
def test_a_hard_link_that_was_made_to_it_is_setuid_no_more(place: Path) -> None:
    os.link(plant(place) / HELPER, place / "kept")
    remove()
    assert stat.S_IMODE((place / "kept").stat().st_mode) == 0


@AS_ROOT
def test_what_is_half_made_goes_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_fill", full)
    with pytest.raises(OSError, match="No space left"):
        plant(place)
    assert not list(place.iterdir())


@AS_ROOT
@pytest.mark.parametrize("trap", ["folder", "link", "dangling", "file"])
def test_what_has_its_name_and_is_not_roots_is_not_touched(trap: str, place: Path, tmp_path: Path) -> None:
    victim, squatted = tmp_path / "victim", place / FOLDER
    victim.mkdir()
    (victim / HELPER).write_text("mine")
    if trap == "folder":
        squatted.mkdir()
        (squatted / HELPER).write_text("mine")
        os.chown(squatted, NOBODY, NOBODY)
    elif trap == "file":
        squatted.write_text("mine")
    else:
        squatted.symlink_to(victim if trap == "link" else tmp_path / "nowhere")
    for attempt in (lambda: plant(place), remove):
        with pytest.raises(EvaluationError, match="was not touched"):
            attempt()
    assert (victim / HELPER).read_text() == "mine"
    assert squatted.is_symlink() == (trap in {"link", "dangling"})
    assert not squatted.is_dir() or (squatted / HELPER).read_text() == "mine"


@AS_ROOT
def test_a_place_in_which_others_can_lead_root_elsewhere_is_refused(place: Path) -> None:
    theirs = place / "theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    with pytest.raises(EvaluationError, match="others than root can change what is in"):
        plant(theirs)
    assert not list(theirs.iterdir())


@AS_ROOT
@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_place_that_is_no_folder_is_refused(name: str, place: Path) -> None:
    (place / "file").touch()
    with pytest.raises(EvaluationError, match="there is no such folder"):
        plant(place / name)
    assert remove(place / name) == ()


@AS_ROOT
def test_a_place_where_setuid_cannot_work_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "setuid_works_under", lambda _: False)
    with pytest.raises(EvaluationError, match="mounted nosuid or noexec"):
        plant(place)
    assert not list(place.iterdir())


@AS_ROOT
def test_against_a_user_who_exchanges_its_name_for_a_link(place: Path, race: Race) -> None:
    with race.against(FOLDER, place=place, flicker=True):
        for _ in range(100):
            for attempt in (lambda: plant(place), remove):
                with suppress(EvaluationError):
                    attempt()
            assert race.lost() == ""


def test_only_root_plants_and_removes(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    for attempt in (lambda: plant(place), remove):
        with pytest.raises(EvaluationError, match="only root can plant"):
            attempt()
    assert not list(place.iterdir())


def test_what_has_no_answer_without_root_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(module, "planted", lambda _: None)
    monkeypatch.setattr(module, "closed_place", lambda: None)
    monkeypatch.setattr(module, "obstacle", lambda _: ("it is mounted nosuid", "go elsewhere"))
    helpers, files, left = lacking()
    assert "P06" in helpers.what
    assert "P39, a knock-out" in files.what
    assert helpers.advice == files.advice
    assert helpers.advice.startswith("An administrator plants it once for all users: 'evaluation plant'")
    assert (left.why, left.advice) == (f"{temporary_folder()}: it is mounted nosuid", "Go elsewhere.")


def test_nothing_lacks_where_all_can_be_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(module, "planted", Path)
    monkeypatch.setattr(module, "closed_place", lambda: Path("/root"))
    monkeypatch.setattr(module, "obstacle", lambda _: ("", ""))
    assert lacking() == ()


def test_root_lacks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "planted", lambda _: None)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert lacking() == ()
