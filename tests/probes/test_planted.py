"""Whose canaries an ordinary user's run trusts: root's, where nobody else can have put them there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from evaluation.payload.build import HELPER
from evaluation.probes.planted import CLOSED, FOLDER, distrust, places, planted

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can plant what is root's")
ANOTHER = 54_321


@pytest.fixture
def folder(scratch: Path) -> Path:
    """Canaries as an administrator plants them, in a place of root's."""
    made = scratch / f"place-{os.urandom(4).hex()}" / FOLDER
    made.mkdir(parents=True)
    for name, mode in ((HELPER, 0o4755), (CLOSED, 0o600)):
        (made / name).touch()
        (made / name).chmod(mode)
    return made


@pytest.mark.parametrize("name", [HELPER, CLOSED])
def test_what_root_planted_is_found_and_trusted(name: str, folder: Path) -> None:
    assert distrust(folder / name) == ""
    assert planted(name, within=(folder.parent / "empty", folder.parent)) == folder / name


def test_it_is_looked_for_in_roots_place_the_shared_ones_and_this_runs_own() -> None:
    assert [str(place) for place in places()[:3]] == ["/var/lib", "/var/tmp", "/tmp"]  # noqa: S108 - not used
    assert Path(os.environ.get("TMPDIR", "/tmp")) in places()  # noqa: S108 - as tempfile has it


def given_away(folder: Path) -> None:
    os.chown(folder, ANOTHER, ANOTHER)


def open_to_all(folder: Path) -> None:
    folder.chmod(0o777)


def open_to_a_group(folder: Path) -> None:
    os.chown(folder, 0, ANOTHER)
    folder.chmod(0o775)


def place_given_away(folder: Path) -> None:
    os.chown(folder.parent, ANOTHER, ANOTHER)


def place_open_to_all(folder: Path) -> None:
    folder.parent.chmod(0o777)


def link_to_it(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")


def files_of_another(folder: Path) -> None:
    for name in (HELPER, CLOSED):
        os.chown(folder / name, ANOTHER, -1)


def files_of_other_modes(folder: Path) -> None:
    (folder / HELPER).chmod(0o755)
    (folder / CLOSED).chmod(0o644)


def folders(folder: Path) -> None:
    for name, mode in ((HELPER, 0o4755), (CLOSED, 0o600)):
        (folder / name).unlink()
        (folder / name).mkdir()
        (folder / name).chmod(mode)


def links(folder: Path) -> None:
    for name in (HELPER, CLOSED):
        (folder / name).rename(folder / f"real-{name}")
        (folder / name).symlink_to(f"real-{name}")


def nothing(folder: Path) -> None:
    for name in (HELPER, CLOSED):
        (folder / name).unlink()


@pytest.mark.parametrize("name", [HELPER, CLOSED])
@pytest.mark.parametrize(
    "spoil",
    [
        given_away,
        open_to_all,
        open_to_a_group,
        place_given_away,
        place_open_to_all,
        link_to_it,
        files_of_another,
        files_of_other_modes,
        folders,
        links,
        nothing,
    ],
)
def test_what_somebody_else_can_have_put_there_is_not(
    spoil: Callable[[Path], None], name: str, folder: Path
) -> None:
    spoil(folder)
    assert distrust(folder / name)
    assert planted(name, within=(folder.parent,)) is None


def test_a_sticky_place_is_as_good_as_roots_own(folder: Path) -> None:
    folder.parent.chmod(0o1777)
    assert planted(CLOSED, within=(folder.parent,)) == folder / CLOSED


def test_a_helper_that_cannot_work_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_NOSUID))
    assert planted(HELPER, within=(folder.parent,)) is None
    assert planted(CLOSED, within=(folder.parent,)) == folder / CLOSED
