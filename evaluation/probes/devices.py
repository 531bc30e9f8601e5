"""Devices for attempts: a disk of the verifier's own, and which devices the host has.

The disk is a loop device over memory of ours. It holds one random word and is read-only, belongs to nobody's
data, and is gone when its descriptor is closed, however we end (LO_FLAGS_AUTOCLEAR, loop(4)).
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evaluation.probes.canaries import secret

__all__ = ["NO_LOOP", "Disk", "canary_disk", "host_devices", "is_disk", "node"]

NO_LOOP = (
    "no loop device could be made here, and a real disk is not tried; run this probe as root on a "
    "host with /dev/loop-control"
)

_GET_FREE, _SET_FD, _SET_STATUS64 = 0x4C82, 0x4C00, 0x4C04
_INFO_BYTES, _FLAGS_OFFSET, _AUTOCLEAR = 232, 52, 4
"""Size of ``struct loop_info64``, where its flags stand, and LO_FLAGS_AUTOCLEAR: <linux/loop.h>."""
_DISK_BYTES, _TRIES = 65_536, 4
_SKIPPED = frozenset({"fd", "shm", "pts", "mqueue", "hugepages"})
_NO_DISKS = ("loop", "ram", "zram")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A block device of ours; its first line is ``word``."""

    path: Path
    major: int
    minor: int
    word: str

    @property
    def numbers(self) -> tuple[str, str]:
        """Major and minor, as the payload takes them."""
        return str(self.major), str(self.minor)

    def is_readable(self) -> bool:
        """Whether the verifier itself reads the word: the control."""
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return False
        with os.fdopen(file, "rb", buffering=0) as device:
            return first_word(device.read(512).decode("latin-1")) == self.word


def first_word(text: str | None) -> str:
    """What stands before the first end of line."""
    return (text or "").partition("\n")[0]


@contextmanager
def canary_disk() -> Iterator[Disk | None]:
    """Make a disk of ours; ``None`` where that cannot be done (not root, no loop devices)."""
    word = secret()
    memory = os.memfd_create("evaluation-canary", os.MFD_CLOEXEC)
    device = -1
    try:
        os.write(memory, f"{word}\n".encode())
        os.ftruncate(memory, _DISK_BYTES)
        backing = os.open(f"/proc/self/fd/{memory}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            path, device = _attach(backing)
        finally:
            os.close(backing)
        if path is None:
            yield None
            return
        number = os.fstat(device).st_rdev
        yield Disk(path=path, major=os.major(number), minor=os.minor(number), word=word)
    finally:
        if device >= 0:
            os.close(device)
        os.close(memory)


def _attach(backing: int) -> tuple[Path | None, int]:
    """Attach the file to a free loop device; another may be quicker, so try again."""
    for _ in range(_TRIES):
        device = -1
        try:
            control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
            try:
                path = Path(f"/dev/loop{fcntl.ioctl(control, _GET_FREE)}")
            finally:
                os.close(control)
            device = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            fcntl.ioctl(device, _SET_FD, backing)
            info = bytearray(_INFO_BYTES)
            struct.pack_into("I", info, _FLAGS_OFFSET, _AUTOCLEAR)
            fcntl.ioctl(device, _SET_STATUS64, bytes(info))
        except OSError:
            if device >= 0:
                os.close(device)
            continue
        return path, device
    return None, -1


def node(kind: str, major: int, minor: int) -> str:
    """Name a device as the payload lists it: ``b7:0``, ``c1:3``."""
    return f"{kind}{major}:{minor}"


def host_devices(directory: Path = Path("/dev")) -> frozenset[str]:
    """Every device node below the host's /dev, without pseudo-terminals; links are not followed."""
    found = set()
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        for name in files:
            try:
                status = Path(folder, name).lstat()
            except OSError:
                continue
            if stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode):
                kind = "b" if stat.S_ISBLK(status.st_mode) else "c"
                found.add(node(kind, os.major(status.st_rdev), os.minor(status.st_rdev)))
    return frozenset(found)


def is_disk(major: int, minor: int) -> bool:
    """Whether the kernel knows this block device as one that holds data: no memory, no loop."""
    try:
        name = Path(f"/sys/dev/block/{major}:{minor}").resolve(strict=True).name
    except OSError:
        return False
    return not name.startswith(_NO_DISKS)
