"""Control groups on hosts that are made up: whose they are, what is delegated, and what bounds ourselves."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_host import Host

from evaluation.manifest import CheckFacts
from evaluation.measure.grouplimits import control_groups, limits
from evaluation.measure.user import ourselves
from evaluation.model import CheckState

USER = replace(ourselves(), name="somebody", uid=os.getuid())
MIB = 2**20


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(tmp_path)
    made.write("proc/meminfo", f"MemTotal: {16 * 1024 * 1024} kB\n")
    return made


def unified(host: Host, path: str, **files: str) -> Path:
    """Version 2 alone, with us in the group ``path``, which holds these files."""
    top = host.sys / "fs/cgroup"
    host.write("proc/self/cgroup", f"0::{path}\n")
    host.mounted(("/", str(top), "cgroup2", "rw"))
    for name, text in files.items():
        host.write(f"sys/fs/cgroup{path}/{name.replace('_', '.', 1)}", text)
    return top


def first_version(host: Host, path: str, **files: str) -> None:
    """Version 1, with us in the group ``path``; a file's name begins with its controller."""
    controllers = ("cpu", "memory")
    host.write(
        "proc/self/cgroup",
        "".join(f"{n}:{name}:{path}\n" for n, name in enumerate(controllers, 1)) + "0::/\n",
    )
    host.mounted(
        *(("/", str(host.sys / "fs/cgroup" / name), "cgroup", f"rw,{name}") for name in controllers),
        ("/", str(host.sys / "fs/cgroup/unified"), "cgroup2", "rw"),
    )
    for name, text in files.items():
        controller = name.partition("_")[0]
        host.write(f"sys/fs/cgroup/{controller}{path}/{name.replace('_', '.', 1)}", text)


def bounds(host: Host, *, cores: int = 8, here: int = 8, **variables: str) -> CheckFacts:
    return limits(host.proc, variables, cores=cores, here=here)


def test_who_may_use_everything_is_bound_by_nothing(host: Host) -> None:
    unified(host, "/user.slice", cpu_max="max 100000\n", memory_max="max\n")
    check = bounds(host)
    assert check.state is CheckState.SOUND
    assert "all 8\N{NO-BREAK SPACE}processors" in check.sentence


def test_a_quota_above_us_counts_as_our_own(host: Host) -> None:
    """The lowest of the chain bounds, wherever it stands: here in the job's group, two above ours."""
    unified(host, "/system.slice/job_7/step_0/user", cpu_max="max 100000\n")
    host.write("sys/fs/cgroup/system.slice/job_7/cpu.max", "150000 100000\n")
    host.write("sys/fs/cgroup/system.slice/job_7/memory.max", f"{512 * MIB}\n")
    check = bounds(host, SLURM_JOB_ID="7")
    assert check.state is CheckState.CONDITION
    assert check.sentence.startswith("a job of Slurm bounds us to 1.50 processors' time, ")
    assert "of memory" in check.sentence
    assert "not comparable" in check.costs


def test_a_quota_of_version_1_is_read_too(host: Host) -> None:
    first_version(
        host,
        "/slurm/job_7",
        cpu_cfs_quota_us="200000\n",
        cpu_cfs_period_us="100000\n",
        memory_limit_in_bytes=f"{2**63 - 4096}\n",
    )
    check = bounds(host)
    assert check.sentence == "the control group that we are in bounds us to 2 processors' time"
    first_version(host, "/slurm/job_7", cpu_cfs_quota_us="-1\n")
    assert bounds(host).state is CheckState.SOUND


def test_inside_a_container_its_own_group_is_the_top_of_what_is_seen(host: Host) -> None:
    """With the host's paths in /proc/self/cgroup, and the group itself mounted where all would be."""
    top = host.sys / "fs/cgroup"
    host.write("proc/self/cgroup", "0::/docker/0123/deeper\n")
    host.mounted(("/docker/0123", str(top), "cgroup2", "rw"))
    host.write("sys/fs/cgroup/deeper/cpu.max", "50000 100000\n")
    assert "0.500 processors' time" in bounds(host).sentence


def test_fewer_processors_than_there_are_are_a_share(host: Host) -> None:
    unified(host, "/")
    check = bounds(host, cores=2, here=64)
    assert check.state is CheckState.CONDITION
    assert "2 of 64\N{NO-BREAK SPACE}processors" in check.sentence
    assert "compare them with runs that had the same" in check.costs


@pytest.mark.parametrize(("root", "path"), [("/", "/../.."), ("/../..", "/"), ("/a", "/ab/c")])
def test_of_a_group_that_is_out_of_sight_nothing_is_said(host: Host, root: str, path: str) -> None:
    host.write("proc/self/cgroup", f"0::{path}\n")
    host.mounted((root, str(host.sys / "fs/cgroup"), "cgroup2", "rw"))
    assert bounds(host).state is CheckState.UNKNOWN
    assert bounds(host, cores=1).state is CheckState.CONDITION  # what is seen elsewhere is said


def groups(host: Host) -> CheckFacts:
    return control_groups(USER, host.proc, host.root)


def test_version_1_gives_no_user_anything(host: Host) -> None:
    first_version(host, "/")
    check = groups(host)
    assert check.state is CheckState.LOST
    assert check.sentence.startswith(
        "version 1 has cpu, memory, an empty version 2 beside it, without systemd"
    )
    assert "unified_cgroup_hierarchy" in check.remedy


def test_without_any_nothing_is_bounded(host: Host) -> None:
    assert groups(host).sentence == "no control groups are mounted here"


@pytest.mark.parametrize(
    ("controllers", "state", "word"),
    [
        ("cpuset cpu io memory pids\n", CheckState.SOUND, "delegated to somebody: cpuset, cpu, io, memory"),
        ("memory pids\n", CheckState.LOST, "delegated to somebody: memory, pids; not cpu"),
        ("\n", CheckState.LOST, "no controller; not cpu, memory, pids"),
    ],
)
def test_what_systemd_delegates_is_read_from_the_users_own_group(
    host: Host, controllers: str, state: CheckState, word: str
) -> None:
    unified(host, "/user.slice/session-1.scope")
    (host.root / "run/systemd/system").mkdir(parents=True)
    service = f"sys/fs/cgroup/user.slice/user-{USER.uid}.slice/user@{USER.uid}.service"
    host.write(f"{service}/cgroup.procs", "")
    host.write(f"{service}/cgroup.controllers", controllers)
    check = groups(host)
    assert check.state is state
    assert check.sentence.startswith("version 2, managed by systemd; ")
    assert word in check.sentence
    assert ("Delegate=" in check.remedy) == (state is CheckState.LOST)


def test_what_the_whole_hierarchy_is_without_nobody_can_delegate(host: Host) -> None:
    """As in a container on a host whose version 1 holds the controllers."""
    top = unified(host, "/job")
    host.write("sys/fs/cgroup/job/cgroup.procs", "")
    host.write("sys/fs/cgroup/job/cgroup.controllers", "\n")
    (top / "cgroup.controllers").write_text("cpu io\n")
    check = groups(host)
    assert check.sentence.endswith("not cpu, memory, pids; memory, pids: not in the whole hierarchy")
    assert "cgroup_no_v1=all" in check.remedy
    (top / "cgroup.controllers").write_text("cpu io memory pids\n")
    assert "Delegate=" in groups(host).remedy


def test_a_group_of_another_owner_is_not_delegated(host: Host) -> None:
    unified(host, "/system.slice/x.service")
    host.write("sys/fs/cgroup/system.slice/x.service/cgroup.procs", "")
    stranger = replace(USER, uid=USER.uid + 1)
    check = control_groups(stranger, host.proc, host.root)
    assert check.state is CheckState.LOST
    assert check.sentence == "version 2, without systemd; nothing is delegated to somebody"


def test_a_group_of_ones_own_in_a_job_is_delegated(host: Host) -> None:
    unified(host, "/system.slice/job_7/step_0")
    host.write("sys/fs/cgroup/system.slice/job_7/step_0/cgroup.procs", "")
    host.write("sys/fs/cgroup/system.slice/job_7/step_0/cgroup.controllers", "cpu memory pids\n")
    assert groups(host).state is CheckState.SOUND
