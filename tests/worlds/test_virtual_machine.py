"""A virtual machine: its own kernel with all controllers of control groups; only on request, for hours."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from world import World

world = World("vm")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        world.name not in os.environ.get("WORLDS", "").split() or os.getuid() != 0,
        reason="only on request, as root: WORLDS=vm",
    ),
]


@pytest.fixture(scope="module", autouse=True)
def begun() -> Iterator[None]:
    world.begin()
    yield
    world("stop")
    assert world.leftovers() == []


ENGINES = ("bare", "podman", "podman-cgroups-disabled", "apptainer")
JOB = "/system.slice/n1_slurmstepd.scope/job_"


@pytest.fixture(scope="module")
def by_hand() -> dict[tuple[str, str], str]:
    """What is true of jobs of a real Slurm: of each engine, by the first word of each fact."""
    world("run", "setup/engines", "start", "slurm")
    told = world("run", "tests/worlds/vm/byhand", "slurm", *ENGINES)
    rows = [line.split("\t") for line in told.splitlines()]
    return {(engine, fact.split()[0]): value for _, engine, fact, value in rows}


def ada(*words: str) -> str:
    return world("login", "ada", *words)


def test_its_kernel_is_its_own_and_has_every_controller() -> None:
    assert world("run", "uname", "-r") != os.uname().release + "\n"
    assert {"cpu", "memory", "pids"} <= {*ada("cat", "/sys/fs/cgroup/cgroup.controllers").split()}


def test_a_login_is_a_session_that_may_limit_memory() -> None:
    assert ada("cat", "/proc/self/cgroup").startswith("0::/user.slice/user-1000.slice/session-")
    limited = ("systemd-run", "--user", "--scope", "--quiet", "--property=MemoryMax=64M")
    told = ada(*limited, "sh", "-c", "cat /sys/fs/cgroup/$(cut -d: -f3 /proc/self/cgroup)/memory.max")
    assert told == f"{64 << 20}\n"


def test_nothing_is_reached_from_it() -> None:
    for place in ("10.0.2.2/22", "1.1.1.1/53"):
        done = world.ask("run", "timeout", "20", "bash", "-c", f": </dev/tcp/{place}")
        assert done.returncode != 0, place


@pytest.mark.parametrize("engine", ["bare", "podman-cgroups-disabled", "apptainer"])
def test_what_stays_in_its_job_is_limited_and_ended_there(
    by_hand: dict[tuple[str, str], str], engine: str
) -> None:
    assert by_hand[engine, "payload"].startswith(JOB)
    assert by_hand[engine, "B01"].startswith("held= ")
    assert by_hand[engine, "B06"] == "gone"


def test_podman_leaves_the_job_beside_systemd(by_hand: dict[tuple[str, str], str]) -> None:
    assert by_hand["podman", "payload"].startswith("/user.slice/user-1000.slice/user@1000.service/")
    assert by_hand["podman", "B01"].startswith("held=700 ")
    assert by_hand["podman", "B06"].startswith("alive ")
