"""What is mounted where, as the kernel tells it: a folder's file system, and where control groups are."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["KEEPS_OWNERS", "Mount", "file_system_of", "mount_of", "mounted", "text_of"]

KEEPS_OWNERS: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "f2fs"})
"""File systems of this machine on which a file belongs to whoever made it, and root is root.

On a network file system a server may take root for nobody (root_squash of exports(5)); on others (FUSE, FAT)
every file may belong to one user.
"""

_TABLE: Final = Path("/proc/self/mountinfo")
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
_TELLING: Final = ("ro", "noexec", "nosuid", "nodev")
"""The options of a mount point that decide what can be done there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One line of proc_pid_mountinfo(5): at ``point`` the folder ``root`` of a file system is seen."""

    root: str
    point: str
    options: tuple[str, ...]
    kind: str
    settings: tuple[str, ...]
    """Those of the whole file system, a subvolume's name among them."""

    @property
    def told(self) -> str:
        """Name the file system, and what its mount point forbids."""
        return " ".join((self.kind, *(option for option in _TELLING if option in self.options)))

    @property
    def bound(self) -> bool:
        """Whether a folder was bound here, and no file system of its own, nor a subvolume of one."""
        return self.root != "/" and f"subvol={self.root}" not in self.settings


def mounted(table: Path = _TABLE) -> tuple[Mount, ...]:
    """Read what we see mounted, in the order in which it was; nothing where it cannot be read."""
    found = []
    for line in text_of(table).splitlines():
        head, separated, tail = line.partition(" - ")
        first, last = head.split(), tail.split()
        if separated and len(first) > 5 and len(last) > 1:
            found.append(
                Mount(
                    root=_plain(first[3]),
                    point=_plain(first[4]),
                    options=tuple(first[5].split(",")),
                    kind=last[0],
                    settings=tuple(_plain(last[-1]).split(",")),
                )
            )
    return tuple(found)


def mount_of(folder: Path, table: Path = _TABLE) -> Mount | None:
    """Tell what is mounted where a folder lies; it need not be there. What was mounted last lies on top."""
    real = Path(folder).resolve()
    above = {str(place) for place in (real, *real.parents)}
    return max(
        (mount for mount in reversed(mounted(table)) if mount.point in above),
        key=lambda mount: len(mount.point),
        default=None,
    )


def file_system_of(folder: Path, *, mounts: Path = _TABLE) -> str:
    """Name the type of the file system that a folder lies on; empty where it cannot be told.

    References
    ----------
    proc_pid_mountinfo(5).
    """
    mount = mount_of(folder, mounts)
    return mount.kind if mount else ""


def text_of(path: Path) -> str:
    """Read a file of proc or sys; empty where it is not there, or is not for us."""
    with suppress(OSError):
        return path.read_text(errors="replace").strip()
    return ""


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)
