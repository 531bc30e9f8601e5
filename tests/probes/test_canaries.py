import errno
import json
import os
import shutil
import socket
import stat
import subprocess
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from evaluation.probes.canaries import (
    Callers,
    plant_file,
    plant_setgid,
    plant_setuid,
    root_directory,
    secret,
    setuid_works_under,
    wait_for,
)

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")


def test_secrets_are_never_the_same() -> None:
    assert secret() != secret()


def test_callers_are_known_by_their_real_uid_even_after_they_have_gone(tmp_path: Path) -> None:
    with Callers(tmp_path) as callers:
        assert callers.uids() == ()
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(tmp_path / "verifier.sock"))
        callers.call()
        assert callers.uids() == (os.getuid(), os.getuid())
        assert callers.uids() == ()
        assert stat.S_IMODE((tmp_path / "verifier.sock").stat().st_mode) == 0o777
    assert not list(tmp_path.iterdir())


def test_root_without_capabilities_can_enter_and_call(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with Callers(tmp_path):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o711


def test_a_deep_directory_is_no_hindrance(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name"] * 10)
    deep.mkdir(parents=True)
    with Callers(deep) as callers:
        callers.call()
        assert len(callers.uids()) == 1


def test_a_planted_file_has_its_mode_at_once(tmp_path: Path) -> None:
    plant_file(tmp_path, "key", "secret", mode=0o600)
    assert (tmp_path / "key").read_text() == "secret"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


@pytest.mark.parametrize("trap", ["file", "link", "dangling"])
def test_nothing_is_planted_over_or_through_what_is_there(tmp_path: Path, trap: str) -> None:
    victim, target = tmp_path / "victim", tmp_path / "key"
    if trap == "file":
        target.write_text("mine")
    else:
        if trap == "link":
            victim.write_text("mine")
        target.symlink_to(victim)
    with pytest.raises(FileExistsError):
        plant_file(tmp_path, "key", "secret", mode=0o600)
    assert not victim.exists() or victim.read_text() == "mine"


def test_a_link_in_place_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        plant_file(tmp_path / "link", "key", "secret", mode=0o600)


@AS_ROOT
def test_another_file_of_roots_under_its_name_gets_no_setuid_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever owns the directory exchanges the two as soon as the planted one is written."""
    helper, other, planted = (tmp_path / name for name in ("helper", "other", "planted"))
    helper.write_bytes(b"helper")
    other.write_bytes(b"of root's, and the user has written it")
    other.chmod(0o755)
    real = os.fchmod

    def exchanged(file: int, mode: int) -> None:
        real(file, mode)
        if mode == 0o700:
            planted.rename(tmp_path / "aside")
            other.rename(planted)

    monkeypatch.setattr(os, "fchmod", exchanged)
    with suppress(OSError), plant_setuid(helper, tmp_path, "planted"):
        assert stat.S_IMODE(planted.stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "aside").stat().st_mode) == 0
    assert not planted.exists() or stat.S_IMODE(planted.stat().st_mode) == 0o755


@AS_ROOT
def test_the_setuid_bit_goes_even_from_a_hard_link(tmp_path: Path) -> None:
    helper, kept = tmp_path / "helper", tmp_path / "kept"
    helper.write_bytes(b"program")
    with plant_setuid(helper, tmp_path, "planted") as planted:
        assert stat.S_IMODE(planted.stat().st_mode) == 0o4755
        assert planted.stat().st_uid == 0
        assert planted.read_bytes() == b"program"
        os.link(planted, kept)
    assert not planted.exists()
    assert stat.S_IMODE(kept.stat().st_mode) == 0


def test_callers_tell_their_group_too(tmp_path: Path) -> None:
    with Callers(tmp_path) as callers:
        callers.call()
        assert callers.ids() == ((os.getuid(), os.getgid()),)


@pytest.mark.skipif(os.getuid() != 0, reason="a user of one group cannot give a file to another")
def test_a_setgid_canary_is_of_the_group_and_loses_its_bit(tmp_path: Path) -> None:
    helper, kept = tmp_path / "helper", tmp_path / "kept"
    helper.write_bytes(b"program")
    with plant_setgid(helper, tmp_path, "planted", 54_322) as planted:
        found = planted.stat()
        assert (found.st_uid, found.st_gid) == (os.getuid(), 54_322)
        assert stat.S_IMODE(found.st_mode) == 0o2755
        os.link(planted, kept)
    assert not planted.exists()
    assert stat.S_IMODE(kept.stat().st_mode) == 0


@AS_ROOT
@pytest.mark.parametrize("name", ["there", "missing"])
def test_the_setuid_helper_tells_nobody_what_only_root_may_see(
    name: str, scratch: Path, payload: Path
) -> None:
    closed, helper = scratch / "closed", scratch / "setuid-helper"
    (closed / "there").mkdir(mode=0o755, parents=True, exist_ok=True)
    closed.chmod(0o700)
    shutil.copyfile(payload / "helper", helper)
    helper.chmod(0o4755)
    drop = ("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups")
    done = subprocess.run((*drop, helper, closed / name), capture_output=True, check=True)
    told = json.loads(done.stdout.splitlines()[0])
    assert (told["uid"], told["euid"], told["ok"]) == (54_321, 0, False)
    assert told["errno"] == errno.EACCES


@AS_ROOT
def test_a_renamed_canary_loses_its_bit_and_a_decoy_keeps_its_mode(tmp_path: Path) -> None:
    helper, decoy = tmp_path / "helper", tmp_path / "planted"
    helper.write_bytes(b"program")
    with plant_setuid(helper, tmp_path, "planted") as planted:
        planted.rename(tmp_path / "moved")
        precious = tmp_path / "precious"
        precious.write_text("mine")
        precious.chmod(0o640)
        decoy.symlink_to(precious)
    assert stat.S_IMODE((tmp_path / "moved").stat().st_mode) == 0
    assert stat.S_IMODE(precious.stat().st_mode) == 0o640


def test_our_directory_goes_with_all_that_is_in_it_and_nothing_else(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    with root_directory() as directory:
        assert directory is not None
        assert stat.S_IMODE(directory.stat().st_mode) == 0o755
        (directory / "inner").mkdir()
        (directory / "inner" / "file").write_text("x")
        (directory / "link").symlink_to(outside)
    assert not directory.exists()
    assert (outside / "precious").read_text() == "mine"


@pytest.mark.parametrize("flags", [os.ST_NOSUID, os.ST_NOEXEC, os.ST_NOSUID | os.ST_RDONLY])
def test_a_place_where_setuid_cannot_work_is_recognised(flags: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=flags))
    assert not setuid_works_under(Path("/"))
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    assert setuid_works_under(Path("/"))


def test_without_a_place_for_setuid_there_is_no_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.probes.canaries.setuid_works_under", lambda _: False)
    with root_directory(setuid=True) as directory:
        assert directory is None


def test_waiting_ends(tmp_path: Path) -> None:
    assert not wait_for(tmp_path / "never", 0.02)
    (tmp_path / "there").symlink_to("nowhere")
    assert wait_for(tmp_path / "there", 0.02)
