"""Folders that another user can rename in: what root does there stays there, whatever that user does."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from rival import AS_ROOT, NOBODY, PRECIOUS, Race

from evaluation.folders import HeldFolder
from evaluation.scratch import remove_tree

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("trap", ["file", "link", "dangling"])
def test_nothing_is_written_over_or_through_what_is_there(tmp_path: Path, trap: str) -> None:
    victim, target = tmp_path / "victim", tmp_path / "key"
    if trap == "file":
        target.write_text("mine")
    else:
        if trap == "link":
            victim.write_text("mine")
        target.symlink_to(victim)
    with HeldFolder(tmp_path) as folder, pytest.raises(FileExistsError):
        folder.write("key", "ours", mode=0o600)
    assert not victim.exists() or victim.read_text() == "mine"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/passwd"])
def test_only_one_name_at_a_time_is_looked_up(tmp_path: Path, name: str) -> None:
    with HeldFolder(tmp_path) as folder:
        for attempt in (folder.read, folder.remove, folder.folder, folder.has, folder.listen):
            with pytest.raises(ValueError, match="not the name of one file"):
                attempt(name)
        with pytest.raises(ValueError, match="not the name of one file"):
            folder.write(name, "", mode=0o600)
        with pytest.raises(ValueError, match="not the name of one file"):
            folder.make(name, mode=0o700)


def test_a_new_folder_and_its_files_have_their_modes(tmp_path: Path) -> None:
    with HeldFolder(tmp_path) as folder, folder.make("inner", mode=0o751) as inner:
        inner.write("file", "text", mode=0o642)
        assert inner.read("file", owner=os.getuid()) == b"text"
        assert inner.owner == os.getuid()
    assert stat.S_IMODE((tmp_path / "inner").stat().st_mode) == 0o751
    assert stat.S_IMODE((tmp_path / "inner" / "file").stat().st_mode) == 0o642


def test_what_is_no_file_of_the_owners_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x" * 100)
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for a writer
    (tmp_path / "folder").mkdir()
    with HeldFolder(tmp_path) as folder:
        assert folder.read("file", largest=10) == b"x" * 10
        for name in ("link", "pipe", "folder"):
            with pytest.raises(OSError, match="is no regular file"):
                folder.read(name)
        with pytest.raises(PermissionError, match=rf"belongs to uid {os.getuid()}, not {NOBODY}"):
            folder.read("file", owner=NOBODY)
        with pytest.raises(FileNotFoundError):
            folder.read("nothing")


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        HeldFolder(tmp_path / "link")


def test_anybody_may_call_at_a_socket_however_deep_it_lies(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name"] * 10)
    deep.mkdir(parents=True)
    with HeldFolder(deep) as folder, folder.listen("socket") as listener:
        assert stat.S_IMODE((deep / "socket").stat().st_mode) == 0o777
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(folder.path_of("socket"))
            listener.accept()[0].close()
        folder.remove("socket")
        folder.remove("socket")  # gone already: no fault
        assert not folder.has("socket")


@AS_ROOT
def test_what_is_mounted_in_a_folder_is_never_emptied(tmp_path: Path) -> None:
    # A bind of the same file system has the same device number: that alone would not tell.
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").write_text("mine")
    place = tmp_path / "tree" / "inner" / "place"
    place.mkdir(parents=True)
    (tmp_path / "tree" / "file").write_text("ours")
    script = (
        f"mount --bind {tmp_path}/outside {place} && exec {sys.executable} -c 'from pathlib import Path; "
    )
    script += f'from evaluation.scratch import remove_tree; remove_tree(Path("{tmp_path}/tree"))\''
    subprocess.run(["unshare", "--mount", "sh", "-c", script], cwd=ROOT, check=True)
    assert (tmp_path / "outside" / "precious").read_text() == "mine"
    assert not (tmp_path / "tree" / "file").exists()
    remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


@AS_ROOT
def test_a_folder_is_written_where_it_was_made(race: Race) -> None:
    def attempt() -> None:
        with HeldFolder(race.work) as work:
            work.empty()
            try:
                made = work.make("project", mode=0o755)
            except OSError:  # the rival's link is there, or it was gone before it was opened
                return
            with made, suppress(FileNotFoundError):  # an empty folder can be renamed over, and is gone then
                for number in range(10):
                    made.write(f"unit{number}", "ours", mode=0o644)

    with race.against("project"):
        race.repeat(attempt)


@AS_ROOT
def test_a_link_to_anothers_file_is_never_read(race: Race) -> None:
    def attempt() -> None:
        with HeldFolder(race.work) as work:
            try:
                work.remove("told")
                work.write("told", "theirs", mode=0o644, uid=NOBODY, gid=NOBODY)
                assert work.read("told", owner=NOBODY) in {b"theirs", b""}
            except OSError:
                return

    with Race(work=race.work, victim=race.victim / PRECIOUS).against("told"):
        race.repeat(attempt)


@AS_ROOT
def test_removing_a_tree_touches_nothing_outside(race: Race) -> None:
    os.chmod(race.victim, 0o000)  # noqa: PTH101 - what is changed to 0700 would show

    def attempt() -> None:
        tree = race.work / "tree"
        tree.mkdir(exist_ok=True)
        os.chown(tree, NOBODY, NOBODY)
        for number in range(5):
            (tree / f"file{number}").touch()
        remove_tree(tree)
        assert stat.S_IMODE(race.victim.lstat().st_mode) == 0

    with race.against("inner", place=race.work / "tree", flicker=True):
        for _ in range(300):
            attempt()
    race.victim.chmod(0o700)
    assert race.lost() == ""
