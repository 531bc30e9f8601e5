import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evaluation.probes.devices import canary_disk, first_word, host_devices, is_disk, node

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can make a loop device")


def attached() -> set[str]:
    return {path.parent.parent.name for path in Path("/sys/block").glob("loop*/loop/backing_file")}


@AS_ROOT
def test_a_disk_of_ours_holds_its_word_and_is_gone_afterwards() -> None:
    before = attached()
    with canary_disk() as disk:
        if disk is None:
            pytest.skip("no loop device can be made here")
        assert disk.is_readable()
        assert stat.S_ISBLK(disk.path.stat().st_mode)
        assert disk.path.name in attached() - before
        assert not is_disk(disk.major, disk.minor), "a loop device is no disk of the host"
        with pytest.raises(PermissionError), disk.path.open("wb", buffering=0) as device:
            device.write(b"x")
    assert disk.path.name not in attached()


def test_without_loop_devices_there_is_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> int:
        raise PermissionError

    monkeypatch.setattr("fcntl.ioctl", refused)
    with canary_disk() as disk:
        assert disk is None


def test_a_word_ends_with_its_line() -> None:
    assert (first_word("abc\nrest"), first_word(None)) == ("abc", "")


@AS_ROOT
def test_devices_are_listed_by_kind_and_number(tmp_path: Path) -> None:
    for name, kind in (("one", stat.S_IFCHR), ("two", stat.S_IFBLK)):
        try:
            os.mknod(tmp_path / name, kind | 0o600, os.makedev(7, 250))
        except PermissionError:
            pytest.skip("no device node can be made here")
    (tmp_path / "pts").mkdir()
    os.mknod(tmp_path / "pts" / "0", stat.S_IFCHR | 0o600, os.makedev(136, 0))
    (tmp_path / "file").touch()
    assert host_devices(tmp_path) == {node("c", 7, 250), node("b", 7, 250)}


def test_what_the_kernel_does_not_know_is_no_disk() -> None:
    assert not is_disk(-1, -1)
    assert node("c", 1, 3) in host_devices()


KILLED = """
import os, signal
from evaluation.probes.devices import canary_disk
with canary_disk() as disk:
    print(disk.path.name if disk else "", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@AS_ROOT
def test_the_disk_of_a_verifier_that_was_killed_is_gone() -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    if not done.stdout.strip():
        pytest.skip("no loop device can be made here")
    end = time.monotonic() + 10
    while done.stdout.strip() in attached() and time.monotonic() < end:
        time.sleep(0.05)
    assert done.stdout.strip() not in attached()
