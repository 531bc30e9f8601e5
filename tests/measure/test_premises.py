"""A host that is broken is said to be broken, and its runtimes are not blamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import fake_executable
from unreadable import unreadable

from evaluation.errors import EvaluationError
from evaluation.manifest import CheckFacts
from evaluation.measure import premises as module
from evaluation.measure.discovery import discover
from evaluation.measure.hostchecks import require
from evaluation.measure.launcher import Launcher
from evaluation.measure.premises import namespaces, premises, user_namespaces
from evaluation.measure.user import ourselves
from evaluation.model import CheckState
from evaluation.mounts import Mount
from evaluation.scratch import temporary_folder
from evaluation.sites import load_site

LOCAL = load_site("local", Path(__file__).parents[2] / "sites")
SWITCHED_OFF = """
exec /usr/bin/unshare --user --map-root-user sh -c \
  'echo 0 >/proc/sys/user/max_user_namespaces; exec /usr/bin/unshare "$@"' - "$@"
"""
"""A wrapper: in a user namespace of its own the switch is another, and turned off there alone."""


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    """The fakes, and the shell's own tools: no runtime of this machine."""
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "env", "uname", "test", "true"):
        (tmp_path / "bin" / tool).symlink_to(f"/usr/bin/{tool}")
    env = {"PATH": str(tmp_path / "bin")}
    with Launcher(replace(ourselves(), env=env, home=str(tmp_path))) as own:
        yield own


def named(launcher: Launcher, what: str) -> CheckFacts:
    (check,) = (each for each in premises(launcher) if each.what == what)
    return check


def test_a_sound_host_is_said_to_be_sound(launcher: Launcher) -> None:
    found = {check.what: check for check in premises(launcher)}
    assert set(found) == {"devices", "work folder", "image store", "user namespaces"}
    assert found["devices"].state is CheckState.SOUND
    assert {check.state for check in found.values()} <= {*CheckState} - {CheckState.FATAL}
    assert str(temporary_folder()) in found["work folder"].sentence


@pytest.mark.parametrize(
    ("mode", "why"),
    [(None, "cannot be looked at (No such file or directory)"), (0o666, "is not that device")],
)
def test_a_broken_device_is_the_hosts_fault(
    launcher: Launcher, tmp_path: Path, mode: int | None, why: str
) -> None:
    devices = tmp_path / "dev"
    devices.mkdir()
    for name in ("zero", "urandom"):
        (devices / name).symlink_to(f"/dev/{name}")
    if mode is not None:
        (devices / "null").touch(mode)
    (check,) = premises(launcher, devices)  # and of nothing else: nothing can be started to look further
    assert check.state is CheckState.FATAL
    assert check.sentence == f"this host is broken, not its runtimes: {devices / 'null'} {why}"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a device")
def test_a_device_that_not_everybody_may_use_is_broken_too(launcher: Launcher, tmp_path: Path) -> None:
    devices = tmp_path / "dev"
    devices.mkdir()
    for name in ("zero", "urandom"):
        (devices / name).symlink_to(f"/dev/{name}")
    try:
        os.mknod(devices / "null", 0o020600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this container may make no device")
    (check,) = premises(launcher, devices)
    assert "may not be read and written by everybody (mode 0600)" in check.sentence


def test_a_tmpdir_that_is_not_there_is_named(launcher: Launcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/nowhere/at/all")
    with pytest.raises(EvaluationError, match="TMPDIR is /nowhere/at/all, which is no folder"):
        require(launcher)


def test_a_tmpdir_below_a_closed_folder_is_named_as_any_other(
    launcher: Launcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "below"))
    with unreadable():
        check = named(launcher, "work folder")
    assert check.sentence == f"TMPDIR is {tmp_path / 'below'}, which is no folder that can be written to"


def test_a_cache_below_a_closed_folder_is_left_to_who_reads_it(launcher: Launcher) -> None:
    with unreadable():
        assert named(launcher, "image store").state is not CheckState.FATAL


def as_mounted(monkeypatch: pytest.MonkeyPatch, flags: int) -> None:
    """Let the temporary folder seem to be mounted so, and no other."""
    folder, real = str(temporary_folder()), module._flags
    monkeypatch.setattr(module, "_flags", lambda place: flags if place == folder else real(place))


@pytest.mark.parametrize(
    ("flags", "fatal", "word"),
    [(os.ST_NOEXEC, True, "noexec"), (os.ST_NOSUID, False, "nosuid"), (os.ST_NODEV, False, "nodev")],
)
def test_how_the_temporary_folder_is_mounted_is_said(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch, flags: int, word: str, *, fatal: bool
) -> None:
    folder = str(temporary_folder())
    as_mounted(monkeypatch, flags)
    check = named(launcher, "work folder")
    assert word in check.sentence
    assert folder in check.sentence
    assert check.state is (CheckState.FATAL if fatal else CheckState.LOST)
    if fatal:
        with pytest.raises(EvaluationError, match="noexec"):
            require(launcher)
    else:
        assert check in require(launcher)


def test_a_cache_that_nothing_can_be_run_from_is_named(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("EVALUATION_CACHE", str(cache))
    monkeypatch.setattr(module, "_flags", lambda place: os.ST_NOEXEC if place == str(tmp_path) else None)
    check = named(launcher, "image store")
    assert check.state is CheckState.FATAL
    assert "EVALUATION_CACHE" in check.remedy


def test_a_work_folder_that_the_user_cannot_run_from_is_found_out_by_running(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SCRIPT", "#!/no/such/shell\n")
    check = named(launcher, "work folder")
    assert check.state is CheckState.FATAL
    assert f"{launcher.user.name} cannot work in {temporary_folder()!s}" in check.sentence
    assert "TMPDIR" in check.remedy


def test_a_work_folder_that_the_user_cannot_write_to_is_found_out_by_writing(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SCRIPT", "#!/bin/sh\necho 'cannot create answer' >&2; exit 2\n")
    assert "cannot create answer" in named(launcher, "work folder").sentence


@pytest.mark.parametrize(
    ("kind", "word"), [("tmpfs", "lies in memory"), ("nfs4", "another machine"), ("fuse.sshfs", "program")]
)
def test_a_work_folder_that_is_no_disk_is_a_condition(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch, kind: str, word: str
) -> None:
    mount = Mount(root="/", point="/", options=("rw",), kind=kind, settings=())
    monkeypatch.setattr(module, "mount_of", lambda _: mount)
    as_mounted(monkeypatch, 0)
    check = named(launcher, "work folder")
    assert check.state is CheckState.CONDITION
    assert word in check.sentence
    assert kind in check.sentence


def test_a_quota_is_found_out_by_setting_room_aside(
    launcher: Launcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in ("mktemp", "rm", "dirname"):
        (tmp_path / "bin" / tool).symlink_to(f"/usr/bin/{tool}")
    monkeypatch.setenv("EVALUATION_CACHE", str(tmp_path))
    disk = Mount(root="/", point="/", options=("rw",), kind="ext4", settings=())
    monkeypatch.setattr(module, "mount_of", lambda _: disk)
    script = "echo 'fallocate: fallocate failed: {why}' >&2; exit 1"
    fake_executable(tmp_path / "bin" / "fallocate", script.format(why="Disk quota exceeded"))
    check = named(launcher, "image store")
    assert check.state is CheckState.LOST
    assert "Disk quota exceeded" in check.sentence
    fake_executable(tmp_path / "bin" / "fallocate", script.format(why="Operation not supported"))
    assert named(launcher, "image store").state is CheckState.SOUND  # nothing is known of a quota
    fake_executable(tmp_path / "bin" / "fallocate", 'echo "$@" >"$(dirname "$0")/../asked"')
    assert named(launcher, "image store").state is CheckState.SOUND
    assert (tmp_path / "asked").read_text().startswith(f"--length {2**30} {tmp_path}/container-evaluation.")


def settings(folder: Path, **values: str) -> Path:
    for name, value in values.items():
        path = folder / "sys" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")
    return folder / "sys"


def test_namespaces_that_are_switched_off_are_tried_once_and_the_switch_is_named(
    launcher: Launcher, tmp_path: Path
) -> None:
    fake_executable(tmp_path / "bin" / "unshare", SWITCHED_OFF)
    off = settings(tmp_path, user__max_user_namespaces="0")
    refused = user_namespaces(launcher, off)
    assert refused is not None
    assert refused.switch
    assert refused.why == "user namespaces are switched off here (user.max_user_namespaces is 0)"
    check = namespaces(launcher, off)
    assert (check.state, check.sentence) == (CheckState.LOST, refused.why)
    assert "sysctl" in check.remedy


@pytest.mark.parametrize(
    ("value", "named"), [("1", "kernel.apparmor_restrict_unprivileged_userns is 1"), ("0", "by seccomp")]
)
def test_a_refusal_that_may_spare_some_programs_is_told_with_its_words(
    launcher: Launcher, tmp_path: Path, value: str, named: str
) -> None:
    fake_executable(tmp_path / "bin" / "unshare", "echo 'unshare: Operation not permitted' >&2; exit 1")
    on = settings(tmp_path, kernel__apparmor_restrict_unprivileged_userns=value)
    refused = user_namespaces(launcher, on)
    assert refused is not None
    assert not refused.switch
    assert named in refused.why
    assert "unshare: Operation not permitted" in refused.why


@pytest.mark.parametrize("script", ["exit 0", ""])
def test_what_works_or_cannot_be_tried_is_no_refusal(launcher: Launcher, tmp_path: Path, script: str) -> None:
    if script:
        fake_executable(tmp_path / "bin" / "unshare", script)
    assert user_namespaces(launcher) is None
    assert namespaces(launcher).state is (CheckState.SOUND if script else CheckState.UNKNOWN)


def test_a_runtime_that_needs_them_is_not_here_without_them(
    launcher: Launcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = module.Refusal(why="user namespaces are switched off here (x is 0)", switch=True)
    monkeypatch.setattr("evaluation.measure.discovery.user_namespaces", lambda _: refused)
    fake_executable(tmp_path / "bin" / "ch-run", "echo 0.31")
    fake_executable(tmp_path / "bin" / "ch-convert", "exit 0")
    suid = 'case "$1" in buildcfg) echo APPTAINER_SUID_INSTALL=1 ;; *) echo apptainer version 1.4.5 ;; esac'
    fake_executable(tmp_path / "bin" / "apptainer", suid)
    fake_executable(tmp_path / "bin" / "cat", "exit 1")
    found = {item.facts.id: item.facts for item in discover(LOCAL, launcher)}
    assert found["charliecloud"].reason == f"installed, but {refused.why}"
    assert "sysctl" in found["charliecloud"].advice
    assert found["apptainer"].present  # its setuid helper needs none
