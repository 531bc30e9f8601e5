"""What the code does otherwise where a kit started it: nothing is built, and nothing is written elsewhere."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from evaluation import doctor
from evaluation.archive.hiding import site_key
from evaluation.archive.names import here
from evaluation.errors import EvaluationError
from evaluation.images.build import BuiltImage, note_to_carry, unpack_carried
from evaluation.images.recipe import load_recipe
from evaluation.kit import CARRIED, PREBUILT, TRIAL
from evaluation.measure import user
from evaluation.measure.launcher import Launcher
from evaluation.measure.preparation import build_payload
from evaluation.measure.trials import static_program, trial
from evaluation.measure.user import measuring_user, ourselves
from evaluation.model import CheckState, Completed
from evaluation.payload.build import SCRIPTS, note_sources
from evaluation.project import root
from evaluation.testing import ended

PROJECT = Path(__file__).parents[2]
RECIPE = load_recipe(PROJECT / "images", "small")
LAYER = b"the image's own tree, as a tar"


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "kit"
    (folder / PREBUILT).mkdir(parents=True)
    monkeypatch.setenv("EVALUATION_KIT", str(folder))
    return folder


def run(argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
    done = subprocess.run(argv, input=stdin, timeout=timeout_s, capture_output=True, check=False)
    return ended(stdout=done.stdout, stderr=done.stderr, exit_status=done.returncode)


def test_the_project_is_the_kit_s_from_anywhere_but_a_project(
    kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert root() == kit / "project"
    monkeypatch.chdir(PROJECT / "notebooks")
    assert root() == PROJECT


def test_the_site_s_key_stays_in_the_kit(kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    key = site_key()
    assert (kit / "archive.key").read_bytes().strip() == key
    assert (kit / "archive.key").stat().st_mode & 0o077 == 0
    assert not (tmp_path / "home").exists()


def prebuilt(kit: Path) -> None:
    for name in ("probe", *SCRIPTS):
        (kit / PREBUILT / name).write_text(f"prebuilt {name}")
    note_sources(kit / PREBUILT)


def test_the_payload_is_taken_as_it_was_built(
    kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no compiler
    prebuilt(kit)
    made = build_payload(tmp_path / "payload")
    modes = {path.name: path.stat().st_mode & 0o777 for path in made.iterdir()}
    assert modes == {"probe": 0o755, **dict.fromkeys(SCRIPTS, 0o644)}
    assert (made / "probe").read_text() == "prebuilt probe"
    assert made.stat().st_mode & 0o777 == 0o755


def test_a_payload_of_other_sources_is_not_taken(
    kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    prebuilt(kit)
    (kit / PREBUILT / "sources.sha256").write_text("0" * 64 + "\n")
    with pytest.raises(EvaluationError, match="there is no C compiler"):
        build_payload(tmp_path / "payload")
    (kit / PREBUILT / "sources.sha256").unlink()
    with pytest.raises(EvaluationError, match="there is no C compiler"):
        build_payload(tmp_path / "payload")


def carried(kit: Path, content: bytes = LAYER) -> BuiltImage:
    """An image as the kit has it: one docker-archive, whose one layer is the tree's tar."""
    digest = hashlib.sha256(LAYER).hexdigest()
    folder = kit / CARRIED / f"small-{RECIPE.sha256[:12]}"
    image = BuiltImage(
        name="small", recipe_sha256=RECIPE.sha256, tar_sha256=digest, tar_bytes=len(LAYER), build_s=3.5,
        packages=("python3=3",), builder=("umoci=1",), folder="/where/it/was/built",
    )  # fmt: skip
    folder.mkdir(parents=True)
    with tarfile.open(folder / "docker.tar", "w") as tar:
        member = tarfile.TarInfo(f"{digest}.tar")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    (folder / "built.json").write_text(json.dumps(note_to_carry(image)))
    return image


def test_a_note_that_is_carried_names_no_folder_of_the_builder_s(kit: Path) -> None:
    image = carried(kit)
    assert note_to_carry(image) == {**asdict(image), "folder": ""}


def test_an_image_is_taken_from_its_one_archive(kit: Path, tmp_path: Path) -> None:
    image = carried(kit)
    taken = unpack_carried(RECIPE, "small", tmp_path / "cache", kit / CARRIED, run)
    assert taken is not None
    assert Path(taken.archives.tar).read_bytes() == LAYER
    assert Path(taken.archives.docker).is_file()
    assert taken.archives.name == image.archives.name
    assert (taken.packages, taken.build_s) == (image.packages, image.build_s)
    shutil.rmtree(kit / CARRIED)
    assert unpack_carried(RECIPE, "small", tmp_path / "cache", kit / CARRIED, run) is None, (
        "it is not carried"
    )


def test_a_damaged_image_is_refused_and_not_kept(kit: Path, tmp_path: Path) -> None:
    carried(kit, content=LAYER.upper())
    for _ in range(2):
        with pytest.raises(EvaluationError, match="the image that was carried here is damaged"):
            unpack_carried(RECIPE, "small", tmp_path / "cache", kit / CARRIED, run)


def test_another_recipe_s_image_is_none(kit: Path, tmp_path: Path) -> None:
    carried(kit)
    other = RECIPE.model_copy(update={"packages": (*RECIPE.packages, "nano")})
    assert unpack_carried(other, "small", tmp_path / "cache", kit / CARRIED, run) is None


def test_the_doctor_tries_the_program_that_came_with_the_kit(
    kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no compiler
    (kit / TRIAL).write_text('#!/bin/sh\necho seen >"$1"\n')
    with Launcher(ourselves()) as launcher, trial() as folders:
        check = static_program(launcher, folders)
    assert check.state is CheckState.SOUND
    assert check.sentence.startswith("one came with the kit, and ")


def test_the_doctor_misses_no_builder_where_the_image_was_carried(
    kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("EVALUATION_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(PROJECT)
    with Launcher(ourselves()) as launcher:
        assert doctor._image(launcher).state is CheckState.LOST
        carried(kit)
        check = doctor._image(launcher)
    assert (check.state, check.sentence) == (CheckState.SOUND, "small came with the kit")


NOBODY_LISTS = 4000000001
TOLD = (
    f"asmith:*:{NOBODY_LISTS}:5000:Alice Smith,,:/nfs/home/asmith:/bin/zsh\n"
    "users:x:100:\nlz-simulation:*:5000:asmith,bjones\n"
)


def test_an_account_that_the_kit_cannot_look_up_is_the_one_that_the_site_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: NOBODY_LISTS)
    assert ourselves().name == str(NOBODY_LISTS)
    monkeypatch.setenv("EVALUATION_ACCOUNT", TOLD)
    me = measuring_user()
    assert (me.name, me.uid, me.gid, me.home) == ("asmith", NOBODY_LISTS, 5000, "/nfs/home/asmith")
    assert "EVALUATION_ACCOUNT" not in me.env


@pytest.mark.parametrize("told", ["", "nonsense\n", "root:x:0:0:root:/root:/bin/sh\n", "a:b:c:d:e:f:g\n"])
def test_another_account_or_nonsense_is_nobody(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: NOBODY_LISTS)
    monkeypatch.setenv("EVALUATION_ACCOUNT", told)
    assert ourselves().name == str(NOBODY_LISTS)


def test_the_names_that_the_site_told_do_not_leave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: NOBODY_LISTS)
    before = here().users
    assert not {"asmith", "Alice Smith", "lz-simulation"} & before
    monkeypatch.setenv("EVALUATION_ACCOUNT", TOLD)
    assert here().users - before == {"asmith", "Alice Smith", "lz-simulation"}


def test_what_to_type_is_the_kit_s_own_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kit: Path
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(user, "MARKER", tmp_path / "none")
    with pytest.raises(EvaluationError) as told:
        measuring_user()
    assert told.value.advice.endswith(": ./evaluate --as USER.")
    monkeypatch.delenv("EVALUATION_KIT")
    with pytest.raises(EvaluationError) as told:
        measuring_user()
    assert told.value.advice.endswith(": make report MEASURE_AS=USER.")
    assert kit.is_dir()
