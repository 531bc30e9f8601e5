"""A control group as a batch system makes one for a job: the launch runs in it, the host looks at it.

Only root can make one, unless a site delegates a branch. It is made at the top of its hierarchy, is used by
one turn alone, and is emptied and removed at the end.
"""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from evaluation.marks import abandoned, mark
from evaluation.probes.base import RunningTask, Session
from evaluation.probes.canaries import plant_file
from evaluation.probes.judging import NOT_PLANTED

__all__ = [
    "INTO_THE_JOB",
    "PREFIX",
    "JobGroup",
    "group_name",
    "hierarchy",
    "job_group",
    "remove_abandoned",
    "start_in",
]

PREFIX = "container-evaluation-job-"
"""How the groups' names begin: by it a residue audit knows one that was left."""

INTO_THE_JOB = (
    "Start containers by a runtime that makes no control group of its own. A daemon makes the "
    "container's outside of the job's; with systemd as the manager of control groups, Podman asks "
    "systemd for a scope of its own, and so does apptainer --memory. Ways out: podman run "
    "--cgroups=disabled (crun only; no limit of Podman's own then applies), podman --cgroup-manager "
    "cgroupfs on a machine without systemd (beside it Podman without root leaves the job all the same, "
    "for a scope of its client's, podman-PID.scope), or docker run --cgroup-parent JOBGROUP in a wrapper "
    "that users cannot go round (with the cgroupfs driver only: that of systemd takes nothing but a slice)"
)
"""The remedy for a container outside of its job's control group, as a sentence without its full stop.

Sources: podman(1), podman-run(1), docker run --cgroup-parent, apptainer-exec(1). That ``--cgroups=disabled``
takes a limit in silence was seen with Podman 4.3.1 and crun 1.8.1. The client's scope was seen with Podman
5.4.2 in jobs of Slurm 24.11.5, with either manager, also where the job had no bus in its environment; with
``--cgroups=disabled`` the client and its payload stayed in the job, and ended with it.
"""

NEEDS_ROOT = (
    "only root can make a control group as a batch system does: run this probe as root, or inside a batch job"
)

_MOUNTS = Path("/proc/mounts")
_GATE = 'while [ ! -e "$0" ]; do sleep 0.02; done; exec "$@"'
_MAY_START = "job-may-start"
_GONE_S = 10.0
_CHARGED_AT_ONCE = 2**20
"""Bytes: more than the kernel charges in advance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobGroup:
    """One group of one hierarchy. ``version`` is the hierarchy's: 1 or 2."""

    path: Path
    version: int

    @property
    def name(self) -> str:
        """The group's name within its hierarchy, as ``docker run --cgroup-parent`` takes it."""
        return f"/{self.path.name}"

    def limit_memory(self, size_bytes: int) -> None:
        """Set a memory limit, swap included where the kernel counts it."""
        if self.version == 1:
            self._write("memory.limit_in_bytes", size_bytes)
            with suppress(OSError):
                self._write("memory.memsw.limit_in_bytes", size_bytes)
            return
        self._write("memory.max", size_bytes)
        with suppress(OSError):
            self._write("memory.swap.max", 0)

    def limit_processes(self, count: int) -> None:
        """Set the most processes and threads there may be."""
        self._write("pids.max", count)

    def memory_kills(self) -> int:
        """How many processes of this group, or of those below, the kernel ended for want of memory.

        Version 1 counts where the process was: a group below that was removed takes its count with it.
        """
        if self.version == 2:
            return _field(self.path / "memory.events", "oom_kill")
        return sum(_field(file, "oom_kill") for file in self.path.rglob("memory.oom_control"))

    def memory_limit_reached(self) -> bool:
        """Whether this group and those below ever had as much memory as they may.

        Version 1 counts a refusal in one group alone, not always in this one; the peak is everybody's.
        """
        if self.version == 2:
            return _field(self.path / "memory.events", "max") > 0
        peak, limit = (self.path / f"memory.{name}_in_bytes" for name in ("max_usage", "limit"))
        return int(peak.read_text()) + _CHARGED_AT_ONCE >= int(limit.read_text())

    def cpu_s(self) -> float:
        """CPU time charged to this group and those below, in seconds."""
        if self.version == 1:
            return int((self.path / "cpuacct.usage").read_text()) / 1e9
        return _field(self.path / "cpu.stat", "usage_usec") / 1e6

    def add(self, pid: int) -> None:
        """Put a process in."""
        if pid > 0:  # the kernel reads 0 as whoever writes it
            self._write("cgroup.procs", pid)

    def remove(self) -> None:
        """End what is still in it, and remove it with all below."""
        give_up = time.monotonic() + _GONE_S
        while self.path.is_dir() and time.monotonic() < give_up:
            for group in sorted(self.path.rglob("*/"), reverse=True):
                _empty(group)
            _empty(self.path)
            time.sleep(0.01)

    def _write(self, name: str, value: int) -> None:
        (self.path / name).write_text(str(value))


def hierarchy(controller: str, mounts: Path = _MOUNTS) -> tuple[Path, int] | None:
    """Find where a controller's hierarchy is mounted, and its version.

    Parameters
    ----------
    controller : str
        As version 1 names it; ``cpuacct`` is always there in version 2.

    Returns
    -------
    tuple of (Path, int) or None
        ``None`` where no group with this controller can be made below the top.

    References
    ----------
    cgroups(7); Linux kernel documentation, Control Group v2 (cgroup.subtree_control).
    """
    rows = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    for _, place, kind, options, *_ in rows:
        if kind == "cgroup" and controller in options.split(","):
            return Path(place), 1
    for _, place, kind, *_ in rows:
        if kind == "cgroup2":
            given = Path(place, "cgroup.subtree_control")
            if controller == "cpuacct" or (given.is_file() and controller in given.read_text().split()):
                return Path(place), 2
    return None


def group_name() -> str:
    """A name for a group that nobody else has; it tells whose it is."""
    return f"{PREFIX}{mark()}-{secrets.token_hex(6)}"


def remove_abandoned(mounts: Path = _MOUNTS) -> tuple[str, ...]:
    """Remove the groups of evaluations that were killed; name them."""
    removed = []
    for line in mounts.read_text(encoding="utf-8").splitlines():
        _, place, kind, *_ = line.split()
        for path in Path(place).glob(f"{PREFIX}*") if kind in {"cgroup", "cgroup2"} else ():
            if abandoned(path.name.removeprefix(PREFIX).partition("-")[0]):
                JobGroup(path=path, version=1 if kind == "cgroup" else 2).remove()
                removed.append(path.name)
    return tuple(removed)


@contextmanager
def job_group(session: Session, controller: str) -> Iterator[JobGroup | None]:
    """Make a group, and remove it afterwards; ``None``, with the reason recorded, where none can be made."""
    found = hierarchy(controller)
    if not session.privileged or found is None:
        missing = f"no {controller} control group can be made here: run this probe inside a batch job"
        session.record(NOT_PLANTED, NEEDS_ROOT if found else missing)
        yield None
        return
    group = JobGroup(path=found[0] / group_name(), version=found[1])
    try:
        group.path.mkdir()
    except OSError as error:
        session.record(NOT_PLANTED, f"no control group can be made here ({error.strerror}); {NEEDS_ROOT}")
        yield None
        return
    try:
        yield group
    finally:
        group.remove()


@contextmanager
def start_in(session: Session, group: JobGroup, argv: Sequence[str]) -> Iterator[RunningTask]:
    """Start a command in the runtime, its client in the group from before its first instruction.

    The client waits behind a shell until the verifier has put that shell into the group.
    """
    gate = session.work / _MAY_START
    running = session.start(argv, before=("/bin/sh", "-c", _GATE, str(gate)))
    try:
        group.add(running.pid)
        plant_file(session.work, _MAY_START, "", mode=0o644)
        yield running
    finally:
        gate.unlink(missing_ok=True)


def _field(file: Path, name: str) -> int:
    """Read ``name value`` out of a group's file; 0 where it is not there."""
    with suppress(OSError):
        for line in file.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0


def _empty(group: Path) -> None:
    with suppress(OSError):
        for pid in map(int, (group / "cgroup.procs").read_text().split()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    with suppress(OSError):
        group.rmdir()
