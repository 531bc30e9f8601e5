"""What a run left on the machine: looked at before and after, and named.

It tells what *appeared* and is still there: on a machine where others work at the same time it may be theirs,
which is why it is named and never removed.
"""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.launcher_main import stat_of
from evaluation.measure.user import User
from evaluation.runtimes.base import Argv
from evaluation.scratch import in_use

__all__ = ["CONTAINER_PREFIX", "Look", "appeared", "look", "settled"]

CONTAINER_PREFIX = "container-evaluation-"
"""How the names of our containers, temporary folders and control groups begin."""

_OUR_FILES = (CONTAINER_PREFIX, "evaluation-canary-")
_HELPERS = (
    *("containerd-shim", "docker-proxy", "conmon", "squashfuse", "fuse-overlayfs", "fuse2fs", "gocryptfs"),
    *("slirp4netns", "pasta", "aardvark-dns", "rootlessport"),
)
"""How the names of engines' helpers begin; some go on, as ``pasta.avx2`` does."""
_GROUPS = (
    *("/docker/", "/docker-", "libpod", "podman-", "conmon", "crun-", "runc-", "apptainer", "singularity"),
    CONTAINER_PREFIX,
)
"""Parts of the paths of their control groups, which systemd makes as scopes (``docker-ID.scope``)."""
_PLACES = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - looked at, nothing is made there
_BLOCK_DEVICES = Path("/sys/block")
_SETTLE_S = 5.0
_DEPTH = 3

Look = Mapping[str, frozenset[str]]
"""Per kind of residue, what was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Whose things count as a container's: the user's, and those of the user's subordinate ids."""

    user: int
    ranges: tuple[tuple[int, int], ...] = ()

    def __contains__(self, uid: int) -> bool:
        """Whether this host uid is one of them."""
        return uid == self.user or any(start <= uid < start + count for start, count in self.ranges)


def look(
    user: User, listings: Sequence[Argv] = (), folders: Sequence[Path] = (), launcher: Launcher | None = None
) -> Look:
    """Look at everything that a container can leave.

    Parameters
    ----------
    user : User
        Who runs the containers.
    listings : sequence of argv
        Commands that print the names of an engine's containers, one a line.
    folders : sequence of Path
        Folders whose files are to be the user's or our own; looked at some levels deep, because what is
        kept of images is a hundred thousand files.
    launcher : Launcher, optional
        Asks for what only the user can see; by default one is started for that, and ended.
    """
    if launcher is None:
        with Launcher(user) as own:
            seen = look(user, listings, folders, own)
        return {**seen, "process": _processes(_owners(user))}  # again: the listings may have left some
    owners = _owners(user)
    groups = frozenset(_control_groups())  # first: podman ps has a scope that goes a moment later
    return {
        "container": frozenset(_containers(launcher, listings)),
        "process": _processes(owners),
        "mount": frozenset(_mounts()),
        "control group": groups,
        "loop device": frozenset(_loop_devices()),
        "key": frozenset(_keys(launcher)),
        "shared memory": frozenset(_shared_memory()),
        "file": frozenset(_temporary_files(owners)),
        "foreign-owned file": frozenset(_foreign_files(folders, {os.getuid(), user.uid})),
    }


def appeared(before: Look, after: Look) -> tuple[str, ...]:
    """Name what is there after and was not before, each with its kind."""
    return tuple(
        f"{kind}: {what}"
        for kind, now in after.items()
        for what in sorted(now - before.get(kind, frozenset()))
    )


def settled(before: Look, again: Callable[[], Look], within_s: float = _SETTLE_S) -> tuple[str, ...]:
    """Name what appeared and does not go by itself: what is ending is given the time to end."""
    give_up = time.monotonic() + within_s
    while (left := appeared(before, again())) and time.monotonic() < give_up:
        time.sleep(0.2)
    return left


def _owners(user: User) -> Owners:
    ranges = []
    with suppress(OSError):
        for line in Path("/etc/subuid").read_text(encoding="utf-8").splitlines():
            name, start, count = (*line.split(":"), "", "")[:3]
            if name in {user.name, str(user.uid)} and start.isdigit() and count.isdigit():
                ranges.append((int(start), int(count)))
    return Owners(user=user.uid, ranges=tuple(ranges))


def _containers(launcher: Launcher, listings: Sequence[Argv]) -> Iterator[str]:
    for argv in listings:
        done = launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=30.0)
        if done.ok:
            for name in done.stdout.decode(errors="replace").split():
                if name.startswith(CONTAINER_PREFIX):
                    yield f"{name} of {argv[0]}"


def _processes(owners: Owners) -> frozenset[str]:
    """Name the daemons of these owners, with all below them, and every engine's helpers.

    A daemon is what process 1, or a user's service manager, has adopted: a user's terminals and programs
    stand below something else. So do we, until the user logs out: we, what started us and what we have
    started are never residue.
    """
    found = {int(path.name): stat_of(int(path.name)) for path in Path("/proc").glob("[0-9]*")}
    names = {pid: name for pid, (name, fields) in found.items() if fields and fields[0] not in "ZX"}
    parents = {pid: int(found[pid][1][1]) for pid in names}

    def owner(pid: int) -> int:
        with suppress(OSError):
            return Path(f"/proc/{pid}").stat().st_uid
        return -1

    def adopted(pid: int) -> bool:
        while owner(parent := parents.get(pid, 0)) in owners and names.get(parent) != "systemd":
            pid = parent
        return parent <= 1 or names.get(parent) == "systemd"

    def ours(pid: int) -> bool:
        while pid > 1 and pid not in line:
            pid = parents.get(pid, 0)
        return pid == os.getpid()

    line = [os.getpid()]
    while (above := parents.get(line[-1], 0)) > 1:
        line.append(above)
    return frozenset(
        f"{name} (process {pid} of uid {owner(pid)}, started at tick {found[pid][1][19]})"
        for pid, name in names.items()
        if name.startswith(_HELPERS)
        or (pid not in line and not ours(pid) and owner(pid) in owners and adopted(pid))
    )


def _mounts() -> Iterator[str]:
    """Name every mount, by proc_pid_mountinfo(5)."""
    for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines():
        head, _, tail = line.partition(" - ")
        yield f"{tail.split()[0]} on {head.split()[4]}"


def _control_groups() -> Iterator[str]:
    for line in Path("/proc/mounts").read_text(errors="replace").splitlines():
        _, place, kind, *_ = line.split()
        if kind in {"cgroup", "cgroup2"}:
            for folder, _, _ in os.walk(place):
                if any(word in folder for word in _GROUPS):
                    yield f"/{Path(folder).relative_to(place)}"  # once, whatever number of hierarchies has it


def _loop_devices() -> Iterator[str]:
    for path in _BLOCK_DEVICES.glob("loop*/loop/backing_file"):
        with suppress(OSError):
            yield f"{path.parts[-3]} of {path.read_text().strip()}"


def _keys(launcher: Launcher) -> Iterator[str]:
    """Name the keys that the user may see, those that the kernel itself makes for each user left out."""
    done = launcher.run(Command(argv=("cat", "/proc/keys"), env=launcher.user.env), timeout_s=30.0)
    for line in done.stdout.decode(errors="replace").splitlines():
        fields = line.split(maxsplit=8)
        if len(fields) == 9 and not set("RDNi") & set(fields[1]) and not fields[8].startswith(("_uid", ".")):
            yield f"{fields[7]} {fields[8].rpartition(':')[0]} ({fields[0]})"


def _shared_memory() -> Iterator[str]:
    for kind in ("shm", "sem", "msg"):
        with suppress(OSError):
            header, *rows = Path(f"/proc/sysvipc/{kind}").read_text(encoding="utf-8").splitlines()
            uid = header.split().index("uid")
            for row in rows:
                yield f"SysV {kind} {row.split()[1]} of uid {row.split()[uid]}"


def _temporary_files(owners: Owners) -> Iterator[str]:
    for place in sorted({*_PLACES, tempfile.gettempdir()}):
        with suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                ours = entry.name.startswith(_OUR_FILES)
                if (status.st_uid in owners or ours) and not in_use(Path(entry.path)):
                    yield f"{entry.path} of {_name(status.st_uid)}"


def _foreign_files(folders: Sequence[Path], allowed: Collection[int]) -> Iterator[str]:
    for folder in folders:
        for place, directories, files in os.walk(folder):
            if len(Path(place).relative_to(folder).parts) >= _DEPTH:
                directories.clear()
            for path in (Path(place, name) for name in (*directories, *files)):
                with suppress(OSError):
                    status = path.lstat()
                    if status.st_uid not in allowed:
                        what = "folder" if stat.S_ISDIR(status.st_mode) else "file"
                        yield f"{what} {path} of {_name(status.st_uid)}"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
