"""What surrounds us on this host before anything is measured: a container, a service, a policy, a clock.

None of it is a fault. It decides what the bare host itself can do, and so what a figure can be compared with.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from evaluation.manifest import CheckFacts
from evaluation.model import CheckState
from evaluation.mounts import mount_of, text_of
from evaluation.probes.hostprocesses import hidden
from evaluation.scratch import temporary_folder
from evaluation.units import quantity

__all__ = ["clock", "container", "own_folders", "privileges", "processes", "security_modules", "surroundings"]

_PROC: Final = Path("/proc")
_SYS: Final = Path("/sys")
_ROOT: Final = Path("/")

_FIRST: Final = {"pid": 0xEFFFFFFC, "user": 0xEFFFFFFD}
"""The numbers of the kernel's first namespaces (include/linux/proc_ns.h, Linux 3.8). Any other was made."""
_NAMES: Final = {"pid": "process", "user": "user"}
_VARIABLES: Final = ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER", "container")
_MARKERS: Final = (".dockerenv", "run/.containerenv", "run/systemd/container", ".singularity.d")
_OF_ENGINES: Final = re.compile(r"/(?:docker|libpod|kubepods|lxc|crio|nspawn)\b")
"""In the path of a control group: who made it."""


def container(
    proc: Path = _PROC, root: Path = _ROOT, variables: Mapping[str, str] = os.environ
) -> CheckFacts:
    """Say whether this host is itself a container: by its namespaces, which a file left behind cannot fake.

    References
    ----------
    namespaces(7); cgroups(7); the files and variables by which engines mark their containers, as
    systemd-detect-virt(1) reads them.
    """
    what = "container"
    made = []
    try:
        for kind, first in _FIRST.items():
            number = (proc / "self/ns" / kind).readlink().name.partition("[")[2].rstrip("]")
            made += [] if int(number) == first else [f"a {_NAMES[kind]} namespace of its own"]
    except (OSError, ValueError):
        return CheckFacts(what=what, state=CheckState.UNKNOWN, sentence="no namespaces are told here")
    signs = [f"the variable {name}" for name in _VARIABLES if variables.get(name)]
    if group := _OF_ENGINES.search(text_of(proc / "self/cgroup")):
        signs.append(f"a control group of {group[0].lstrip('/')}")
    left = [f"/{name}" for name in _MARKERS if os.path.lexists(root / name)]
    if not made and not signs:
        beside = f", although {' and '.join(left)} is there" if left else ""
        return CheckFacts(what=what, state=CheckState.SOUND, sentence=f"this is no container{beside}")
    return CheckFacts(
        what=what,
        state=CheckState.CONDITION,
        sentence=f"this host is itself a container ({', '.join((*made, *signs, *left))})",
        costs="what is measured inside a container is not comparable with a bare host",
        remedy="Measure on the node itself. Otherwise compare only with runs inside such a container.",
    )


def own_folders(proc: Path = _PROC, temporary: str = "") -> CheckFacts:
    """Say whether the temporary folder is one that a job or a service was given for itself."""
    folder = temporary or str(temporary_folder())
    mount = mount_of(Path(folder), proc / "self/mountinfo")
    if mount is None:
        return CheckFacts(
            what="private /tmp", state=CheckState.UNKNOWN, sentence="what is mounted here is not told"
        )
    if not mount.bound or mount.point == "/":
        sentence = f"{folder} is the same for all who work here"
        return CheckFacts(what="private /tmp", state=CheckState.SOUND, sentence=sentence)
    return CheckFacts(
        what="private /tmp",
        state=CheckState.CONDITION,
        sentence=f"{mount.point} is another folder, bound for this job or service alone",
        costs="an engine that runs outside of it cannot bind our work folder into its containers",
        remedy="Set TMPDIR to a folder that the engine sees too, or measure outside of that service.",
    )


def security_modules(proc: Path = _PROC, sys: Path = _SYS) -> CheckFacts:
    """Say which security module decides here, and whether it confines us ourselves.

    References
    ----------
    selinux(8), ``/sys/fs/selinux/enforce``; apparmor(7), ``/proc/PID/attr/current``.
    """
    what = "security modules"
    context = text_of(proc / "self/attr/current").rstrip("\0")
    enforced = text_of(sys / "fs/selinux/enforce")
    if enforced == "1":
        return CheckFacts(
            what=what,
            state=CheckState.CONDITION,
            sentence=f"SELinux enforces its policy, on us as {context or 'a context that is not told'}",
            costs="a refusal may be the policy's doing: compare only with hosts that have the same",
            remedy="Leave it on where the centre has it on. Binds that it refuses stand in the audit log.",
        )
    if enforced == "0":
        sentence = "SELinux is there and only warns (permissive)"
        return CheckFacts(what=what, state=CheckState.SOUND, sentence=sentence)
    profile = text_of(proc / "self/attr/apparmor/current").rstrip("\0") or context
    if text_of(sys / "module/apparmor/parameters/enabled") != "Y":
        return CheckFacts(what=what, state=CheckState.SOUND, sentence="neither SELinux nor AppArmor is on")
    if "(enforce)" in profile:
        return CheckFacts(
            what=what,
            state=CheckState.CONDITION,
            sentence=f"AppArmor confines us ourselves, by the profile {profile}",
            costs="what is refused to a runtime here, and to the bare host, may be the profile's doing",
            remedy="Start it from a plain login, outside of the service or container with this profile.",
        )
    return CheckFacts(what=what, state=CheckState.SOUND, sentence="AppArmor is on and leaves us alone")


def privileges(proc: Path = _PROC) -> CheckFacts:
    """Say whether whoever started us took something from all that we start, proc_pid_status(5)."""
    what = "privileges"
    rows = (line.partition(":") for line in text_of(proc / "self/status").splitlines())
    status = {name: value.strip() for name, _, value in rows}
    if "NoNewPrivs" not in status:
        return CheckFacts(what=what, state=CheckState.UNKNOWN, sentence="the kernel does not tell them")
    if status["NoNewPrivs"] == "1":
        return CheckFacts(
            what=what,
            state=CheckState.LOST,
            sentence="we run with no_new_privs: no setuid program has its effect",
            costs="setuid starters (Apptainer, Shifter), subordinate ids (newuidmap), setuid attempts (P15)",
            remedy="Start it outside of what sets it: a systemd service with NoNewPrivileges, a container.",
        )
    if status.get("Seccomp") == "2":
        return CheckFacts(
            what=what,
            state=CheckState.CONDITION,
            sentence="a seccomp filter looks at every system call that we make",
            costs="system calls take longer, and some are refused to the bare host too",
            remedy="Start it from a plain login, outside of the service or container that has the filter.",
        )
    sentence = "nothing was taken from what we start (no_new_privs, seccomp)"
    return CheckFacts(what=what, state=CheckState.SOUND, sentence=sentence)


def processes(proc: Path = _PROC) -> CheckFacts:
    """Say whether this host hides other users' processes."""
    try:
        why = hidden(proc)
    except OSError:
        return CheckFacts(what="hidepid", state=CheckState.UNKNOWN, sentence="proc cannot be read")
    if not why:
        sentence = "the processes of other users are seen"
        return CheckFacts(what="hidepid", state=CheckState.SOUND, sentence=sentence)
    return CheckFacts(
        what="hidepid",
        state=CheckState.LOST,
        sentence=why,
        costs="what a runtime leaves running, and who works for it (B06, B07, B08, B14)",
        remedy="Their findings will be INERT where the runtime's processes are another user's. "
        "Measure as root.",
    )


_SLOW: Final = frozenset({"hpet", "acpi_pm", "pit", "jiffies", "refined-jiffies"})
"""Clock sources that a program cannot read without a system call (Linux, vdso; clocksource.rst)."""
_COARSE_S: Final = 1e-6
_READINGS: Final = 1000


def clock(sys: Path = _SYS, *, made: float | None = None) -> CheckFacts:
    """Say whether the clock is fit to time with, by reading it; ``made`` is a moment that has surely passed.

    References
    ----------
    clock_getres(2); Linux, ``/sys/devices/system/clocksource``.
    """
    what = "clocks"
    source = text_of(sys / "devices/system/clocksource/clocksource0/current_clocksource") or "not told"
    step_s = time.clock_getres(time.CLOCK_MONOTONIC)
    began = time.monotonic_ns()
    for _ in range(_READINGS):
        time.monotonic_ns()
    each_s = (time.monotonic_ns() - began) / _READINGS / 1e9
    seen = f"clock source {source}, a step of {quantity(step_s, 's')}, a reading {quantity(each_s, 's')}"
    if source in _SLOW or step_s > _COARSE_S:
        return CheckFacts(
            what=what,
            state=CheckState.CONDITION,
            sentence=f"the clock is a slow or coarse one: {seen}",
            costs="programs that read the clock often run slower here than elsewhere",
            remedy="Whoever runs this machine can see why the kernel left its fast one (dmesg: clocksource).",
        )
    if (_last_change() if made is None else made) > time.time():
        day = datetime.now(UTC).date()
        return CheckFacts(
            what=what,
            state=CheckState.CONDITION,
            sentence=f"the date is wrong: it is said to be {day}, and our own files are newer",
            costs="the dates of this run, and the ages that a report tells by them",
            remedy="Let whoever runs this machine set its clock (timedatectl; a time server).",
        )
    return CheckFacts(what=what, state=CheckState.SOUND, sentence=seen)


def _last_change() -> float:
    with suppress(OSError):
        return Path(__file__).stat().st_mtime
    return 0.0


def surroundings() -> Iterator[CheckFacts]:
    """Look at all of it."""
    yield container()
    yield own_folders()
    yield security_modules()
    yield privileges()
    yield processes()
    yield clock()
