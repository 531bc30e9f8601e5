from pathlib import Path

import pytest

from evaluation.mounts import file_system_of

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
