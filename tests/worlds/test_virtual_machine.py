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
