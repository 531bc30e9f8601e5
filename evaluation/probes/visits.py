"""What the host's kernel says of an attempt while it stands: credentials, namespaces, mounts, devices.

A program inside sees itself through its own namespaces. The verifier sees it through the host's ``/proc``,
which no namespace of a container's can change.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CANNOT_LOOK", "Visit", "look"]

CANNOT_LOOK = (
    "the verifier may not look at the namespaces of the payload's process; run this probe as root (it "
    "measures as the ordinary user behind sudo)"
)

_NAMESPACES = ("mnt", "net", "user", "uts")
_TOLD = ("Uid", "Gid", "Groups", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A process as the host's kernel describes it.

    Parameters
    ----------
    letter : str
        What the payload called this moment of its attempt.
    pid : int
        Its number in the verifier's own process namespace.
    status : mapping of str to str
        ``/proc/PID/status``: ids and capability sets as of the host, proc_pid_status(5).
    namespaces : mapping of str to str
        Kind to ``kind:[inode]``; without those that the verifier may not look at, namespaces(7).
    uid_map : str
        ``/proc/PID/uid_map`` as the verifier's user namespace reads it, user_namespaces(7).
    mounts : str
        ``/proc/PID/mountinfo``, proc_pid_mountinfo(5).
    handed : os.stat_result or None
        The open file that was handed over.
    closed : bool
        Whether a file was handed over that the verifier may not look at (a FUSE file system of the user's).
    readable : bool
        Whether what was handed over was opened for reading, and not only named (``O_PATH``, open(2)).
    """

    letter: str
    pid: int
    status: Mapping[str, str]
    namespaces: Mapping[str, str]
    uid_map: str
    mounts: str
    handed: os.stat_result | None = None
    closed: bool = False
    readable: bool = False

    def mask(self, name: str) -> int | None:
        """A set of capabilities, as a bit mask."""
        value = self.status.get(name)
        return int(value, 16) if value else None

    def number(self, name: str) -> int | None:
        """A number of the status."""
        value = self.status.get(name)
        return int(value) if value else None

    @property
    def effective_uid(self) -> int | None:
        """The effective uid on the host."""
        ids = self.status.get("Uid", "").split()
        return int(ids[1]) if len(ids) > 1 else None

    @property
    def in_user_namespace_of_host(self) -> bool | None:
        """Whether its capabilities count on the host. ``None`` where that cannot be seen.

        Where the link is closed to us, the map of ids tells: a process that shares our user namespace shares
        its map.
        """
        return self.shares("user") if "user" in self.namespaces else self._shares_map()

    def shares(self, kind: str) -> bool | None:
        """Whether it is in the verifier's own namespace of that kind; ``None`` where that is closed to us."""
        theirs = self.namespaces.get(kind)
        return None if theirs is None else theirs == str(Path(f"/proc/self/ns/{kind}").readlink())

    def told(self) -> str:
        """Say what was seen, in one line of the kernel's words; without the pid, which differs each time."""
        lines = [f"{name} {' '.join(self.status[name].split())}" for name in _TOLD if name in self.status]
        shared = [kind for kind in _NAMESPACES if self.shares(kind)]
        closed = [kind for kind in _NAMESPACES if self.shares(kind) is None]
        lines.append(f"namespaces of the host: {', '.join(shared) or 'none'}")
        lines += [f"closed to the verifier: {', '.join(closed)}"] if closed else []
        lines += ["handed over: {}{}:{}".format(*self.device)] if self.device else []
        return "; ".join(lines)

    def _shares_map(self) -> bool | None:
        ours = _text(Path("/proc/self/uid_map"))
        return None if not self.uid_map or not ours else self.uid_map.split() == ours.split()

    @property
    def device(self) -> tuple[str, int, int] | None:
        """Kind (``b`` or ``c``), major and minor number of the device that was handed over."""
        if self.handed is None:
            return None
        kind = "b" if stat.S_ISBLK(self.handed.st_mode) else "c" if stat.S_ISCHR(self.handed.st_mode) else ""
        device = self.handed.st_rdev
        return (kind, os.major(device), os.minor(device)) if kind else None


def look(
    pid: int,
    letter: str = "",
    handed: os.stat_result | None = None,
    *,
    closed: bool = False,
    readable: bool = False,
) -> Visit:
    """Describe a process of the verifier's own process namespace."""
    here = Path(f"/proc/{pid}")
    lines = (line.partition(":") for line in _text(here / "status").splitlines())
    namespaces = {}
    for kind in _NAMESPACES:
        with suppress(OSError):
            namespaces[kind] = str((here / "ns" / kind).readlink())
    return Visit(
        letter=letter,
        pid=pid,
        status={name: value.strip() for name, _, value in lines},
        namespaces=namespaces,
        uid_map=_text(here / "uid_map"),
        mounts=_text(here / "mountinfo"),
        handed=handed,
        closed=closed,
        readable=readable,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
