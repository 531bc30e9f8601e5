"""What is mounted where a folder lies, as the kernel tells it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

__all__ = ["KEEPS_OWNERS", "file_system_of"]

KEEPS_OWNERS: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "f2fs"})
"""File systems of this machine on which a file belongs to whoever made it, and root is root.

On a network file system a server may take root for nobody (root_squash of exports(5)); on others (FUSE, FAT)
every file may belong to one user.
"""

_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


def file_system_of(folder: Path, *, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Name the type of the file system that a folder lies on; empty where it cannot be told.

    References
    ----------
    proc_pid_mountinfo(5).
    """
    real = folder.resolve()
    above, found, longest = {str(place) for place in (real, *real.parents)}, "", 0
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        head, _, tail = line.partition(" - ")
        point = _ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), head.split()[4])
        if point in above and len(point) >= longest:  # what was mounted last lies on top
            found, longest = tail.split()[0], len(point)
    return found
