"""What everything here rests on, looked at once and early: devices, folders, user namespaces.

Where one of these is missing every runtime fails, each in words of its own; then the host is named, not they.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.manifest import CheckFacts
from evaluation.measure.environment import usable
from evaluation.measure.impairment import full
from evaluation.measure.launcher import NOT_FOUND, Command, Launcher
from evaluation.measure.userfolder import user_folder
from evaluation.model import CheckState
from evaluation.mounts import Mount, mount_of
from evaluation.reasons import last_words, reason_of
from evaluation.scratch import scratch_directory, temporary_folder
from evaluation.units import quantity

__all__ = ["ALLOW_NAMESPACES", "Refusal", "namespaces", "premises", "user_namespaces"]

_DEVICES: Mapping[str, tuple[int, int]] = {
    "null": (1, 3),
    "zero": (1, 5),
    "urandom": (1, 9),
}
"""Every program may take for granted that it can use these (Linux, admin-guide/devices.txt)."""

_ELSEWHERE = "Set TMPDIR to a folder that {user} and the runtimes' engines can write to, run from and see."
_FOLDER = "work folder"
_STORE = "image store"
_ROOM_BYTES = 2**30
"""So much must be had for the smallest images and their forms."""
_ANSWER_S = 30.0
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_FAR = frozenset({"nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "ceph", "beegfs", "afs", "9p", "virtiofs"})
"""File systems that somebody else serves; what FUSE mounts has a name that begins so."""
_PROGRAM = "try"
_SCRIPT = '#!/bin/sh\necho seen >"$1"\n'


def premises(launcher: Launcher, devices: Path = Path("/dev")) -> Iterator[CheckFacts]:
    """Look at what everything rests on, for the user that the launcher runs commands as."""
    found = _devices(devices)
    yield found
    if found.state is CheckState.FATAL:
        return  # without them nothing can be started to look further
    yield _work_folder(launcher)
    yield _image_store(launcher)
    yield namespaces(launcher)


def _devices(devices: Path) -> CheckFacts:
    broken = [
        f"{devices / name} {why}"
        for name, numbers in _DEVICES.items()
        if (why := _wrong(devices / name, numbers))
    ]
    if not broken:
        sentence = f"{', '.join(str(devices / name) for name in _DEVICES)} are what they should be"
        return CheckFacts(what="devices", state=CheckState.SOUND, sentence=sentence)
    return CheckFacts(
        what="devices",
        state=CheckState.FATAL,
        sentence=f"this host is broken, not its runtimes: {'; '.join(broken)}",
        costs="anything",
        remedy="As root, recreate it: rm /dev/null; mknod -m 666 /dev/null c 1 3 (zero 5, urandom 9).",
    )


def _wrong(path: Path, numbers: tuple[int, int]) -> str:
    try:
        found = path.stat()
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"
    if not stat.S_ISCHR(found.st_mode) or (os.major(found.st_rdev), os.minor(found.st_rdev)) != numbers:
        return "is not that device"
    if found.st_mode & 0o666 != 0o666:
        return f"may not be read and written by everybody (mode {stat.S_IMODE(found.st_mode):04o})"
    return ""


def _work_folder(launcher: Launcher) -> CheckFacts:
    """Work in the temporary folder as a measurement does: a program of ours there, which the user runs."""
    named = os.environ.get("TMPDIR", "")
    if named and not usable(named):
        return _no_work(f"TMPDIR is {named}, which is no folder that can be written to", launcher)
    try:
        folder = str(temporary_folder())
        flags = _flags(folder) or 0
        if flags & os.ST_NOEXEC:
            why = f"nothing can be run from the temporary folder {folder}: it is mounted noexec"
            return _no_work(why, launcher)
        if refused := _tried(launcher):
            return _no_work(f"{launcher.user.name} cannot work in {folder}: {refused}", launcher)
    except EvaluationError as error:
        return _no_work(error.what, launcher, error.advice)
    except OSError as error:
        return _no_work(f"no work folder can be made: {error}", launcher)
    return _as_mounted(folder, flags)


def _no_work(why: str, launcher: Launcher, advice: str = "") -> CheckFacts:
    return CheckFacts(
        what=_FOLDER,
        state=CheckState.FATAL,
        sentence=why,
        costs="anything",
        remedy=advice or _ELSEWHERE.format(user=launcher.user.name),
    )


def _tried(launcher: Launcher) -> str:
    """Say why the user cannot run a program there, or write; empty where that went well."""
    user = launcher.user
    with scratch_directory(bound=True) as scratch:
        program, work = scratch / _PROGRAM, scratch / "work"
        program.write_text(_SCRIPT)
        program.chmod(0o755)
        work.mkdir()
        if os.getuid() != user.uid:
            os.chown(work, user.uid, user.gid)
        argv = (str(program), str(work / "answer"))
        done = launcher.run(Command(argv=argv, env=user.env), timeout_s=_ANSWER_S)
        if done.ok and (work / "answer").exists():
            return ""
        return last_words(done)


def _as_mounted(folder: str, flags: int) -> CheckFacts:
    """Say what the file system of the work folder takes away, or makes of what is measured in it."""
    mount = mount_of(Path(folder))
    told = f"{folder} ({mount.told}, {quantity(_free(folder), 'B')} free)" if mount else folder
    less = [name for name, flag in (("nosuid", os.ST_NOSUID), ("nodev", os.ST_NODEV)) if flags & flag]
    if less:
        return CheckFacts(
            what=_FOLDER,
            state=CheckState.LOST,
            sentence=f"the work folder {told} is mounted {' and '.join(less)}",
            costs="attempts with a setuid program or a device of our own (P15 and others)",
            remedy="Their findings will be INERT: nothing is shown. Set TMPDIR to another folder.",
        )
    kind = mount.kind if mount else ""
    if kind in _IN_MEMORY or kind in _FAR or kind.startswith("fuse."):
        return CheckFacts(
            what=_FOLDER,
            state=CheckState.CONDITION,
            sentence=f"the work folder {told} "
            + ("lies in memory" if kind in _IN_MEMORY else "is served by another machine or program"),
            costs="what is read and written through a bind is timed there, and not on a disk of this host",
            remedy="Set TMPDIR to a folder on the disk that jobs work on.",
        )
    sentence = f"{told} can be written to and run from"
    return CheckFacts(what=_FOLDER, state=CheckState.SOUND, sentence=sentence)


def _image_store(launcher: Launcher) -> CheckFacts:
    """Look at where images are kept: whether programs run from there, and whether there is room."""
    cache = launcher.user.cache
    place, flags = next(
        ((place, flags) for place in (cache, *cache.parents) if (flags := _flags(str(place))) is not None),
        (None, 0),
    )
    if place is None:  # closed to us, which is said where it is read
        return CheckFacts(what=_STORE, state=CheckState.UNKNOWN, sentence=f"{cache} is closed to us")
    if flags & os.ST_NOEXEC:
        return CheckFacts(
            what=_STORE,
            state=CheckState.FATAL,
            sentence=f"nothing can be run from the folder of the images, {place}: it is mounted noexec",
            costs="anything that runs from an unpacked image, the bare host too",
            remedy="Set EVALUATION_CACHE to a folder that programs can be run from.",
        )
    mount = mount_of(place)
    told = f"{cache} ({mount.told if mount else 'not told where'}, {quantity(_free(place), 'B')} free)"
    if why := full(place) or _no_room(launcher, place, mount):
        return CheckFacts(
            what=_STORE,
            state=CheckState.LOST,
            sentence=f"there is no room for images in {told}: {why}",
            costs="every container: no image can be built or converted",
            remedy="Make room, ask for more quota, or set EVALUATION_CACHE to another folder.",
        )
    return CheckFacts(
        what=_STORE,
        state=CheckState.SOUND,
        sentence=f"{told} has room for images",
        file_system=_served(mount),
    )


def _served(mount: Mount | None) -> str:
    if mount is None:
        return ""
    return "shared" if mount.kind in _FAR or mount.kind.startswith("fuse.") else "local"


def _no_room(launcher: Launcher, place: Path, mount: Mount | None) -> str:
    """Set room aside as the user, and give it back: no file system tells a quota. Empty where that went well.

    Nothing is written. In memory nothing is tried, for it would be taken; where a file system cannot set
    room aside, nothing is known.
    """
    if mount is None or mount.kind in _IN_MEMORY:
        return ""
    with user_folder(launcher, place) as folder:
        if not folder:
            return ""
        argv = ("fallocate", "--length", str(_ROOM_BYTES), f"{folder}/room")
        done = launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=_ANSWER_S)
    said = "" if done.ok else reason_of(done)
    return said if any(word in said for word in ("quota", "No space", "too large")) else ""


def _free(folder: str | Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def _flags(folder: str) -> int | None:
    try:
        return os.statvfs(folder).f_flag
    except OSError:
        return None


ALLOW_NAMESPACES = (
    "Whoever runs this machine can allow them: sysctl user.max_user_namespaces=15000, and where they exist "
    "kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0."
)


_UNSHARE = ("unshare", "--user", "--map-root-user", "--mount", "true")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """That no user namespace can be made; ``switch`` where that holds for every program."""

    why: str
    switch: bool


def namespaces(launcher: Launcher, settings: Path = Path("/proc/sys")) -> CheckFacts:
    """Say whether the measuring user can make a user namespace."""
    what = "user namespaces"
    if not launcher.find(_UNSHARE[0]):
        return CheckFacts(
            what=what, state=CheckState.UNKNOWN, sentence=f"not tried: there is no {_UNSHARE[0]}"
        )
    if refused := user_namespaces(launcher, settings):
        return CheckFacts(
            what=what,
            state=CheckState.LOST,
            sentence=refused.why,
            costs="Podman, Charliecloud, rootless Docker, and Apptainer without its setuid starter",
            remedy=ALLOW_NAMESPACES,
        )
    sentence = f"{launcher.user.name} can make them"
    return CheckFacts(what=what, state=CheckState.SOUND, sentence=sentence)


def user_namespaces(launcher: Launcher, settings: Path = Path("/proc/sys")) -> Refusal | None:
    """Try once to make a user namespace as the measuring user; ``None`` where it works or cannot be tried.

    References
    ----------
    namespaces(7) for ``/proc/sys/user``; Debian's ``kernel.unprivileged_userns_clone``; Ubuntu's
    ``kernel.apparmor_restrict_unprivileged_userns``, from which programs may be exempt one by one.
    """
    tried = launcher.run(Command(argv=_UNSHARE, env=launcher.user.env), timeout_s=30.0)
    if tried.ok or tried.evidence.exit_status == NOT_FOUND:
        return None
    for name, value in (
        ("user/max_user_namespaces", "0"),
        ("user/max_mnt_namespaces", "0"),
        ("kernel/unprivileged_userns_clone", "0"),
    ):
        if _setting(settings / name) == value:
            why = f"user namespaces are switched off here ({name.replace('/', '.')} is {value})"
            return Refusal(why=why, switch=True)
    if _setting(settings / "kernel/apparmor_restrict_unprivileged_userns") == "1":
        named = (
            "kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor allows them to single programs only"
        )
    else:
        named = "by seccomp, a security module, or the container or service that this runs in"
    return Refusal(why=f"user namespaces are refused here ({named}; {reason_of(tried)})", switch=False)


def _setting(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
