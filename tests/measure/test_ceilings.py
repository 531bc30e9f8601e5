"""Ceilings are read from a made-up host: each limit is the one that binds, once."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from evaluation.manifest import RuntimeFacts
from evaluation.measure.apptainerhere import KERNEL, UNKNOWN_MOUNT
from evaluation.measure.ceilings import ceiling, floor_bytes

GIB_KB = 1 << 20
FACTS = RuntimeFacts(id="apptainer", family="apptainer", mode="made up", present=True)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, "proc/meminfo", f"MemTotal: {100 * GIB_KB} kB\nMemAvailable: {50 * GIB_KB} kB\n")
    write(tmp_path, "proc/loadavg", "0.1 0.1 0.1 1/1000 4711")
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda _: unlimited)
    return tmp_path


def write(host: Path, name: str, text: str) -> None:
    path = host / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def asked(host: Path, each: float | None = None, facts: RuntimeFacts = FACTS) -> str:
    found = ceiling(facts, each, proc=host / "proc", sys=host / "sys")
    return f"{found.width} {found.reason}"


def test_memory_binds_where_nothing_else_does(host: Path) -> None:
    assert floor_bytes(proc=host / "proc") == 10 << 30
    assert asked(host, each=1 << 30) == "20 memory: 2048 MiB for each"  # 40 GiB above the floor, twice 1 GiB
    assert asked(host) == "640 memory: 64 MiB for each"
    assert asked(host, each=0.0) == "2560 memory: 16 MiB for each"


def test_a_small_host_keeps_half_a_gib(host: Path) -> None:
    write(host, "proc/meminfo", f"MemTotal: {GIB_KB} kB\nMemAvailable: {GIB_KB} kB\n")
    assert floor_bytes(proc=host / "proc") == 512 << 20


def test_processes_bind(host: Path) -> None:
    write(host, "proc/sys/kernel/threads-max", "1800")
    assert asked(host) == "20 processes (threads-max): 40 allowed for each"
    write(host, "proc/sys/kernel/pid_max", "1400")
    assert asked(host) == "10 processes (pid_max): 40 allowed for each"


def test_the_users_own_limit_binds(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1200, 1200))
    assert asked(host) == "5 processes (ulimit -u): 40 allowed for each"


@pytest.mark.parametrize(
    ("line", "group"), [("0::/job", "fs/cgroup/job"), ("9:pids:/job", "fs/cgroup/pids/job")]
)
def test_the_control_group_of_the_job_binds(host: Path, line: str, group: str) -> None:
    write(host, "proc/self/cgroup", line)
    write(host, f"sys/{group}/pids.max", "400")
    write(host, f"sys/{group}/pids.current", "80")
    assert asked(host) == "8 processes (control group): 40 allowed for each"
    write(host, f"sys/{group}/pids.max", "max")
    assert asked(host).startswith("640 memory")


@pytest.mark.parametrize(
    ("mount", "told"),
    [
        (KERNEL, "7 loop devices: 8 by its configuration"),
        (UNKNOWN_MOUNT, "7 loop devices: 8 by its configuration"),
        ("mounted by squashfuse_ll (one thread)", "640 memory: 64 MiB for each"),
        ("extracted to a directory at each start", "640 memory: 64 MiB for each"),
        ("", "640 memory: 64 MiB for each"),  # a directory
    ],
)
@pytest.mark.parametrize("bound", ["8", "8 (default)"])
def test_loop_devices_bind_where_the_kernel_mounts_the_image(
    host: Path, mount: str, told: str, bound: str
) -> None:
    write(host, "sys/module/loop/parameters/max_loop", "4")  # no bound: they are made on demand
    write(host, "sys/block/loop0/loop/backing_file", "/image")
    seen = (f"image mount: {mount}",) if mount else ()
    facts = FACTS.model_copy(update={"security": (f"max loop devices: {bound}",), "seen": seen})
    assert asked(host, facts=facts) == told


def test_without_a_bound_in_its_configuration_loop_devices_do_not_bind(host: Path) -> None:
    facts = FACTS.model_copy(update={"seen": (f"image mount: {KERNEL}",)})
    assert asked(host, facts=facts).startswith("640 memory")
