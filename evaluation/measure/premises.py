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
from evaluation.measure.environment import usable
from evaluation.measure.launcher import NOT_FOUND, Command, Launcher
from evaluation.reasons import reason_of
from evaluation.scratch import temporary_folder

__all__ = ["ALLOW_NAMESPACES", "Premise", "Refusal", "premises", "require", "user_namespaces"]

_DEVICES: Mapping[str, tuple[int, int]] = {
    "null": (1, 3),
    "zero": (1, 5),
    "urandom": (1, 9),
}
"""Every program may take for granted that it can use these (Linux, admin-guide/devices.txt)."""

_ELSEWHERE = "Set TMPDIR to a folder that {user} and the runtimes' engines can write to, run from and see."


@dataclass(frozen=True, slots=True, kw_only=True)
class Premise:
    """One that does not hold here. ``fatal`` where nothing at all can be measured then."""

    what: str
    why: str
    advice: str
    fatal: bool = False


def premises(launcher: Launcher, devices: Path = Path("/dev")) -> Iterator[Premise]:
    """Name what does not hold here, for the user that the launcher runs commands as."""
    broken = tuple(_broken_devices(devices))
    yield from broken
    if broken:
        return  # without them nothing can be started to look further
    yield from _temporary_folder(launcher)
    yield from _cache(launcher)


def require(launcher: Launcher) -> tuple[str, ...]:
    """Refuse to measure where every single turn would fail; give what else is to be known of this host.

    Raises
    ------
    EvaluationError
        One that is fatal does not hold.
    """
    found = tuple(premises(launcher))
    for premise in found:
        if premise.fatal:
            raise EvaluationError(premise.why, where="before anything is measured", advice=premise.advice)
    return tuple(premise.why for premise in found)


def _broken_devices(devices: Path) -> Iterator[Premise]:
    broken = [
        f"{devices / name} {why}"
        for name, numbers in _DEVICES.items()
        if (why := _wrong(devices / name, numbers))
    ]
    if broken:
        yield Premise(
            what="anything",
            why=f"this host is broken, not its runtimes: {'; '.join(broken)}",
            advice="As root, recreate it: rm /dev/null; mknod -m 666 /dev/null c 1 3 (zero 5, urandom 9).",
            fatal=True,
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


def _temporary_folder(launcher: Launcher) -> Iterator[Premise]:
    named, advice = os.environ.get("TMPDIR", ""), _ELSEWHERE.format(user=launcher.user.name)
    if named and not usable(named):
        yield Premise(
            what="anything",
            why=f"TMPDIR is {named}, which is no folder that can be written to",
            advice=advice,
            fatal=True,
        )
        return
    folder = str(temporary_folder())
    reach = launcher.run(Command(argv=("test", "-x", folder), env=launcher.user.env), timeout_s=30.0)
    if not reach.ok and reach.evidence.exit_status != NOT_FOUND:
        why = f"{launcher.user.name} cannot reach the temporary folder {folder}"
        yield Premise(what="anything", why=why, advice=advice, fatal=True)
        return
    flags = _flags(folder) or 0
    if flags & os.ST_NOEXEC:
        why = f"nothing can be run from the temporary folder {folder}: it is mounted noexec"
        yield Premise(what="anything", why=why, advice=advice, fatal=True)
    lost = [name for name, flag in (("nosuid", os.ST_NOSUID), ("nodev", os.ST_NODEV)) if flags & flag]
    if lost:
        yield Premise(
            what="attempts with a setuid program or a device of our own (P15 and others)",
            why=f"the temporary folder {folder} is mounted {' and '.join(lost)}: the bare host cannot do it",
            advice="Their findings will be INERT: nothing is shown. Set TMPDIR to another folder.",
        )


def _cache(launcher: Launcher) -> Iterator[Premise]:
    cache = launcher.user.cache
    for place in (cache, *cache.parents):
        if (flags := _flags(str(place))) is None:
            continue  # it is not there yet; or it is closed to us, which is said where it is read
        if flags & os.ST_NOEXEC:
            yield Premise(
                what="anything that runs from an unpacked image, the bare host too",
                why=f"nothing can be run from the folder of the images, {place}: it is mounted noexec",
                advice="Set EVALUATION_CACHE to a folder that programs can be run from.",
                fatal=True,
            )
        return


def _flags(folder: str) -> int | None:
    try:
        return os.statvfs(folder).f_flag
    except OSError:
        return None


ALLOW_NAMESPACES = (
    "Whoever runs this machine can allow them: sysctl user.max_user_namespaces=15000, and where they exist "
    "kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """That no user namespace can be made; ``switch`` where that holds for every program."""

    why: str
    switch: bool


def user_namespaces(launcher: Launcher, settings: Path = Path("/proc/sys")) -> Refusal | None:
    """Try once to make a user namespace as the measuring user; ``None`` where it works or cannot be tried.

    References
    ----------
    namespaces(7) for ``/proc/sys/user``; Debian's ``kernel.unprivileged_userns_clone``; Ubuntu's
    ``kernel.apparmor_restrict_unprivileged_userns``, from which programs may be exempt one by one.
    """
    argv = ("unshare", "--user", "--map-root-user", "--mount", "true")
    tried = launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=30.0)
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
