"""Control groups of jobs: found by mounts that were recorded, and a real one where root may make it."""

import os
import subprocess
from pathlib import Path

import pytest

from evaluation.marks import mark
from evaluation.probes.canaries import wait_for
from evaluation.probes.jobgroups import PREFIX, JobGroup, group_name, hierarchy, job_group, remove_abandoned
from evaluation.probes.registry import find
from evaluation.testing import FakeSession, ended

VERSION_1 = "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\nproc /proc proc rw 0 0\n"
HYBRID = VERSION_1 + "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n"


def mounts(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mounts"
    path.write_text(text)
    return path


def test_version_1_is_found_by_its_controller(tmp_path: Path) -> None:
    assert hierarchy("memory", mounts(tmp_path, HYBRID)) == (Path("/sys/fs/cgroup/memory"), 1)
    assert hierarchy("pids", mounts(tmp_path, VERSION_1)) is None


def test_version_2_only_where_the_controller_is_given_below(tmp_path: Path) -> None:
    table = mounts(tmp_path, f"cgroup2 {tmp_path} cgroup2 rw,nsdelegate 0 0\n")
    assert hierarchy("memory", table) is None
    assert hierarchy("cpuacct", table) == (tmp_path, 2)  # counted in every group
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids\n")
    assert hierarchy("memory", table) == (tmp_path, 2)


def test_version_2_is_read_and_written_by_its_own_names(tmp_path: Path) -> None:
    group = JobGroup(path=tmp_path, version=2)
    (tmp_path / "memory.events").write_text("low 0\nmax 5\noom_kill 3\n")
    (tmp_path / "cpu.stat").write_text("usage_usec 1500000\nuser_usec 1\n")
    group.limit_memory(1024)
    group.limit_processes(7)
    assert (group.memory_kills(), group.memory_limit_reached(), group.cpu_s()) == (3, True, 1.5)
    assert [(tmp_path / name).read_text() for name in ("memory.max", "memory.swap.max", "pids.max")] == [
        "1024",
        "0",
        "7",
    ]


def test_the_writer_itself_is_never_put_in(tmp_path: Path) -> None:
    JobGroup(path=tmp_path, version=1).add(0)
    assert not (tmp_path / "cgroup.procs").exists()


def test_names_are_ones_own() -> None:
    assert group_name() != group_name()
    assert group_name().startswith(PREFIX)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a control group")
def test_a_killed_evaluations_group_is_removed_and_a_living_ones_is_not() -> None:
    found = hierarchy("pids")
    if found is None:
        pytest.skip("no control group of processes here")
    with subprocess.Popen(("true",)) as gone:
        gone.wait()
    ours = mark()
    theirs = ours.replace(f".{os.getpid()}.", f".{gone.pid}.")
    abandoned = found[0] / group_name().replace(ours, theirs)
    elsewhere = found[0] / group_name().replace(ours, f"ffffff{theirs[6:]}")
    living = found[0] / group_name()
    for path in (abandoned, living, elsewhere):
        path.mkdir()
    try:
        assert abandoned.name in remove_abandoned()
        assert (abandoned.exists(), living.exists(), elsewhere.exists()) == (False, True, True)
    finally:
        living.rmdir()
        elsewhere.rmdir()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a control group")
def test_a_group_is_emptied_and_removed(tmp_path: Path) -> None:
    session = FakeSession(probe=find("B03"), work=tmp_path, on_launch=lambda _: ended(), privileged=True)
    with job_group(session, "pids") as group:
        if group is None:
            pytest.skip(str(session.observations.last("not_planted")))
        with subprocess.Popen(("sleep", "600")) as sleeper:
            group.add(sleeper.pid)
            inner = group.path / "inner"
            inner.mkdir()
            group.remove()
            assert sleeper.wait() == -9
    assert not group.path.exists()
    assert not wait_for(group.path, 0.0)
