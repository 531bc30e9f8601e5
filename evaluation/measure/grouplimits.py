"""Control groups before anything is measured: version, manager, what is delegated, what bounds ourselves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluation.manifest import CheckFacts
from evaluation.measure.user import User
from evaluation.model import CheckState
from evaluation.mounts import mounted, text_of
from evaluation.units import count, decimal, quantity

__all__ = ["control_groups", "limits"]

_PROC: Final = Path("/proc")
_ROOT: Final = Path("/")
_WANTED: Final = ("cpu", "memory", "pids")
"""The controllers by which a runtime holds a container to its processors, memory and processes."""
_COST: Final = "limits that a runtime without root sets on a container (B09), and what is accounted to it"
_JOBS: Final[Mapping[str, str]] = {
    "SLURM_JOB_ID": "Slurm",
    "SGE_JOB_SPOOL_DIR": "Grid Engine",
    "PBS_JOBID": "PBS",
    "LSB_JOBID": "LSF",
    "_CONDOR_SLOT": "HTCondor",
}
"""Variables that batch systems set in their jobs, and nobody else does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Our own group in one hierarchy: from it up to the highest that we see."""

    version: int
    chain: tuple[Path, ...]

    def numbers(self, name: str) -> Iterator[list[int]]:
        """Give what a file holds in each group of the chain, as far as it is all numbers."""
        for folder in self.chain:
            words = text_of(folder / name).split()
            if words and all(word.lstrip("-").isdigit() for word in words):
                yield [int(word) for word in words]


def _own(controller: str, proc: Path) -> _Group | None:
    """Find our own group for a controller: of version 1 if it is there, else of version 2; cgroups(7)."""
    rows = [line.split(":", 2) for line in text_of(proc / "self/cgroup").splitlines()]
    places = [mount for mount in mounted(proc / "self/mountinfo") if mount.kind in {"cgroup", "cgroup2"}]
    for version, kind in ((1, "cgroup"), (2, "cgroup2")):
        for mount in places:
            if mount.kind != kind or (version == 1 and controller not in mount.settings):
                continue
            for _, controllers, path in (row for row in rows if len(row) == 3):
                if version == 1 and controller not in controllers.split(","):
                    continue
                above = mount.root.rstrip("/")
                seen = f"{path}/".startswith(f"{above}/") and ".." not in f"{above}{path}".split("/")
                if (version == 1) != bool(controllers) or not seen:
                    continue
                top, below = Path(mount.point), path.removeprefix(above)
                own = top / below.lstrip("/")
                chain = [own, *(folder for folder in own.parents if folder == top or top in folder.parents)]
                return _Group(version=version, chain=tuple(chain))
    return None


def limits(
    proc: Path = _PROC, variables: Mapping[str, str] = os.environ, *, cores: int = 0, here: int = 0
) -> CheckFacts:
    """Say what bounds ourselves: a quota of processors or memory, or fewer processors than there are.

    Parameters
    ----------
    cores, here : int, optional
        How many processors we may use, and how many the machine has; they are asked for unless given.

    References
    ----------
    Linux, admin-guide/cgroup-v2.rst (cpu.max, memory.max); scheduler/sched-bwc.rst (cpu.cfs_quota_us).
    """
    engine = next((name for variable, name in _JOBS.items() if variables.get(variable)), "")
    place = f"a job of {engine}" if engine else "the control group that we are in"
    cores, here = cores or len(os.sched_getaffinity(0)), here or os.cpu_count() or 1
    found = []
    quota = _quota(proc)
    if quota is not None and quota < cores:
        found.append(f"{decimal(quota)} processors' time")
    memory = _memory(proc)
    total = _total(proc)
    if memory is not None and (not total or memory < total):
        found.append(quantity(memory, "B") + " of memory")
    if cores < here:
        found.append(f"{cores} of {count(here, 'processor')}")
    if not found and not all(_own(controller, proc) for controller in ("cpu", "memory")):
        sentence = "our own control group is not seen from here, and so not what bounds us"
        return CheckFacts(what="limits", state=CheckState.UNKNOWN, sentence=sentence)
    if not found:
        inside = f"in {place}, " if engine else ""
        sentence = f"{inside}all {count(cores, 'processor')} and all memory may be used"
        return CheckFacts(what="limits", state=CheckState.SOUND, sentence=sentence)
    return CheckFacts(
        what="limits",
        state=CheckState.CONDITION,
        sentence=f"{place} bounds us to {', '.join(found)}",
        costs="timings are those of this share: compare them with runs that had the same"
        if quota is None or quota >= cores
        else "what is timed stops whenever the quota is used up: not comparable with a whole machine",
        remedy="Ask for a whole node, or for as much as is compared with.",
    )


def _quota(proc: Path) -> float | None:
    """Give the least quota above us, in processors."""
    group = _own("cpu", proc)
    if group is None:
        return None
    if group.version == 2:
        shares = [quota / period for quota, period in group.numbers("cpu.max")]
    else:
        shares = [
            quota / period
            for folder in group.chain
            if (quota := _number(folder / "cpu.cfs_quota_us")) > 0
            and (period := _number(folder / "cpu.cfs_period_us")) > 0
        ]
    return min(shares, default=None)


def _memory(proc: Path) -> int | None:
    group = _own("memory", proc)
    if group is None:
        return None
    name = "memory.max" if group.version == 2 else "memory.limit_in_bytes"
    return min((numbers[0] for numbers in group.numbers(name)), default=None)


def _total(proc: Path) -> int:
    for line in text_of(proc / "meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def _number(path: Path) -> int:
    text = text_of(path)
    return int(text) if text.lstrip("-").isdigit() else 0


def control_groups(user: User, proc: Path = _PROC, root: Path = _ROOT) -> CheckFacts:
    """Say which version is here, who manages it, and which controllers the measuring user was given.

    References
    ----------
    cgroups(7), delegation; systemd.resource-control(5), ``Delegate=``; https://systemd.io/CGROUP_DELEGATION.
    """
    what = "control groups"
    places = mounted(proc / "self/mountinfo")
    second = next((Path(mount.point) for mount in places if mount.kind == "cgroup2"), None)
    first = sorted({word for m in places if m.kind == "cgroup" for word in m.settings} & {*_WANTED})
    manager = "managed by systemd" if (root / "run/systemd/system").is_dir() else "without systemd"
    if second is None and not first:
        sentence = "no control groups are mounted here"
        return CheckFacts(
            what=what,
            state=CheckState.LOST,
            sentence=sentence,
            costs="whatever bounds or accounts a container (B01, B03, B09)",
            remedy="Whoever runs this machine can mount them: systemd does; by hand mount -t cgroup2.",
        )
    if second is None or first:
        beside = ", an empty version 2 beside it" if second else ""
        return CheckFacts(
            what=what,
            state=CheckState.LOST,
            sentence=f"version 1 has {', '.join(first)}{beside}, {manager}: no user can be given any",
            costs=_COST,
            remedy="Whoever runs this machine can boot it with systemd.unified_cgroup_hierarchy=1. "
            "Findings about jobs (B01 to B09) hold for this version and manager only.",
        )
    group, given = _delegated(user, second, proc)
    if group is None:
        return CheckFacts(
            what=what,
            state=CheckState.LOST,
            sentence=f"version 2, {manager}; nothing is delegated to {user.name}",
            costs=_COST,
            remedy=f"loginctl enable-linger {user.name}, and a fresh login: systemd then gives a group."
            if manager.startswith("managed")
            else "Measure in a login or a job that was given a group of its own.",
        )
    has = f"version 2, {manager}; delegated to {user.name}: {', '.join(given) or 'no controller'}"
    if missing := [name for name in _WANTED if name not in given]:
        top = second / "cgroup.controllers"
        nowhere = [name for name in missing if top.is_file() and name not in text_of(top).split()]
        return CheckFacts(
            what=what,
            state=CheckState.LOST,
            sentence=f"{has}; not {', '.join(missing)}"
            + (f"; {', '.join(nowhere)}: not in the whole hierarchy" if nowhere else ""),
            costs=_COST,
            remedy="Whoever runs this machine: boot with cgroup_no_v1=all, or give its container the rest."
            if nowhere
            else "Whoever runs this machine: systemctl edit user@.service, [Service] "
            "Delegate=cpu cpuset io memory pids, and a fresh login.",
        )
    return CheckFacts(what=what, state=CheckState.SOUND, sentence=has)


def _delegated(user: User, top: Path, proc: Path) -> tuple[Path | None, tuple[str, ...]]:
    """Find a group that is the user's own to write to: ours, or that of the user's systemd."""
    own = _own("", proc)
    folders = [top / f"user.slice/user-{user.uid}.slice/user@{user.uid}.service", *(own.chain if own else ())]
    for folder in folders:
        try:
            owned = (folder / "cgroup.procs").stat().st_uid == user.uid
        except OSError:
            continue
        if owned and folder != top:
            return folder, tuple(text_of(folder / "cgroup.controllers").split())
    return None, ()
