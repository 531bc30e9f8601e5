"""What surrounds us is said as it is, on hosts that are made up: a container, a policy, a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_host import Host

from evaluation.manifest import CheckFacts
from evaluation.measure import surroundings as module
from evaluation.measure.surroundings import (
    clock,
    container,
    own_folders,
    privileges,
    processes,
    security_modules,
    surroundings,
)
from evaluation.model import CheckState


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def looked(host: Host, **variables: str) -> CheckFacts:
    return container(host.proc, host.root, variables)


def test_a_host_of_its_own_is_no_container(host: Host) -> None:
    assert looked(host).state is CheckState.SOUND


def test_a_file_that_an_engine_left_behind_makes_no_container(host: Host) -> None:
    """As in a virtual machine that was made from an image of a container: its namespaces are the first."""
    host.write(".dockerenv", "")
    check = looked(host)
    assert check.state is CheckState.SOUND
    assert check.sentence == "this is no container, although /.dockerenv is there"


@pytest.mark.parametrize(
    ("make", "sign"),
    [
        (lambda host: host.namespaces(pid=4026532200), "a process namespace of its own"),
        (lambda host: host.namespaces(user=4026532201), "a user namespace of its own"),
        (
            lambda host: host.write("proc/self/cgroup", "0::/system.slice/docker-0123.scope\n"),
            "a control group of docker",
        ),
        (
            lambda host: host.write("proc/self/cgroup", "0::/kubepods.slice/x\n"),
            "a control group of kubepods",
        ),
    ],
)
def test_each_sign_of_a_container_makes_figures_incomparable(
    host: Host, make: Callable[[Host], object], sign: str
) -> None:
    make(host)
    check = looked(host)
    assert check.state is CheckState.CONDITION
    assert sign in check.sentence
    assert "not comparable with a bare host" in check.costs


def test_a_container_that_shares_the_hosts_namespaces_tells_by_its_variable(host: Host) -> None:
    check = looked(host, APPTAINER_CONTAINER="/images/x.sif")
    assert check.state is CheckState.CONDITION
    assert "the variable APPTAINER_CONTAINER" in check.sentence
    assert "x.sif" not in check.sentence


def test_where_no_namespace_is_told_nothing_is_said(host: Host) -> None:
    (host.proc / "self/ns/pid").unlink()
    assert looked(host).state is CheckState.UNKNOWN


def test_this_machine_can_be_asked() -> None:
    found = [check.what for check in surroundings()]
    assert found == ["container", "private /tmp", "security modules", "privileges", "hidepid", "clocks"]


def test_a_temporary_folder_of_the_jobs_own_is_named(host: Host, tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert own_folders(host.proc, folder).state is CheckState.SOUND
    host.mounted(("/localscratch/77/.77", folder, "xfs", "rw"))
    check = own_folders(host.proc, folder)
    assert check.state is CheckState.CONDITION
    assert check.sentence.startswith(f"{folder} is another folder, bound for this job or service")
    (host.proc / "self/mountinfo").unlink()
    assert own_folders(host.proc, folder).state is CheckState.UNKNOWN


@pytest.mark.parametrize(
    ("files", "state", "word"),
    [
        ({}, CheckState.SOUND, "neither SELinux nor AppArmor"),
        (
            {"sys/fs/selinux/enforce": "1", "proc/self/attr/current": "unconfined_u:unconfined_r:x_t:s0\0"},
            CheckState.CONDITION,
            "SELinux enforces its policy, on us as unconfined_u:unconfined_r:x_t:s0",
        ),
        ({"sys/fs/selinux/enforce": "0"}, CheckState.SOUND, "permissive"),
        (
            {"sys/module/apparmor/parameters/enabled": "Y", "proc/self/attr/current": "unconfined\n"},
            CheckState.SOUND,
            "leaves us alone",
        ),
        (
            {"sys/module/apparmor/parameters/enabled": "Y", "proc/self/attr/current": "lxc-x (enforce)\n"},
            CheckState.CONDITION,
            "by the profile lxc-x (enforce)",
        ),
    ],
)
def test_a_security_module_is_named_with_what_it_does_to_us(
    host: Host, files: dict[str, str], state: CheckState, word: str
) -> None:
    for path, text in files.items():
        host.write(path, text)
    check = security_modules(host.proc, host.sys)
    assert check.state is state
    assert word in check.sentence
    assert bool(check.remedy) == (state is not CheckState.SOUND)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("NoNewPrivs:\t0\nSeccomp:\t0\n", CheckState.SOUND),
        ("NoNewPrivs:\t1\nSeccomp:\t2\n", CheckState.LOST),
        ("NoNewPrivs:\t0\nSeccomp:\t2\n", CheckState.CONDITION),
        ("", CheckState.UNKNOWN),
    ],
)
def test_what_was_taken_from_all_that_we_start_is_said(host: Host, status: str, state: CheckState) -> None:
    host.write("proc/self/status", status)
    assert privileges(host.proc).state is state


def test_a_host_that_hides_processes_is_named(monkeypatch: pytest.MonkeyPatch, host: Host) -> None:
    monkeypatch.setattr(module, "hidden", lambda _: "/proc is mounted with hidepid=2")
    check = processes(host.proc)
    assert check.state is CheckState.LOST
    assert "hidepid=2" in check.sentence
    assert "B06" in check.costs
    assert "as root" in check.remedy
    monkeypatch.undo()
    assert processes(host.root / "nowhere").state is CheckState.UNKNOWN


@pytest.mark.parametrize(("source", "state"), [("tsc", CheckState.SOUND), ("hpet", CheckState.CONDITION)])
def test_a_clock_that_costs_a_system_call_is_a_condition(host: Host, source: str, state: CheckState) -> None:
    host.write("sys/devices/system/clocksource/clocksource0/current_clocksource", f"{source}\n")
    check = clock(host.sys)
    assert check.state is state
    assert f"clock source {source}, a step of " in check.sentence


def test_a_date_before_our_own_files_is_wrong(host: Host) -> None:
    check = clock(host.sys, made=time.time() + 86400)
    assert check.state is CheckState.CONDITION
    assert check.sentence.startswith("the date is wrong")
