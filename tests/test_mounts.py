from pathlib import Path

import pytest

from evaluation.mounts import file_system_of, mount_of, mounted, text_of

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /scratch rw,nosuid,nodev - tmpfs tmpfs rw
31 30 0:27 / /scratch/a\\040folder rw - nfs4 server:/x rw
32 22 0:28 / /home rw - autofs auto rw
33 22 0:29 / /home rw - nfs server:/home rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/usr/lib", "ext4"),
        ("/scratch", "tmpfs"),
        ("/scratchfile", "ext4"),
        ("/scratch/a folder/in it", "nfs4"),
        ("/home/somebody", "nfs"),
    ],
)
def test_the_file_system_of_a_folder(folder: str, kind: str, tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert file_system_of(Path(folder), mounts=mounts) == kind


def test_without_a_mount_nothing_is_told(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text("")
    assert file_system_of(tmp_path, mounts=mounts) == ""


def test_this_machine_tells() -> None:
    assert file_system_of(Path("/proc/self")) == "proc"


def test_how_a_folder_is_mounted_is_told_with_its_name(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS)
    mount = mount_of(Path("/scratch/not/there"), table)
    assert mount is not None
    assert mount.told == "tmpfs nosuid nodev"


def test_a_folder_that_was_bound_is_told_from_a_subvolume(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "22 1 8:1 / / rw shared:1 - ext4 /dev/vda rw\n"
        "23 22 8:2 /jobs/12/tmp /a rw - xfs /dev/vdb rw\n"
        "24 22 8:3 /@tmp /b rw - btrfs /dev/vdc rw,subvolid=9,subvol=/@tmp\n"
    )
    assert {mount.point: mount.bound for mount in mounted(table)} == {"/": False, "/a": True, "/b": False}


def test_what_cannot_be_read_is_empty(tmp_path: Path) -> None:
    assert mounted(tmp_path / "none") == ()
    assert mount_of(tmp_path, tmp_path / "none") is None
    assert text_of(tmp_path / "none") == ""
