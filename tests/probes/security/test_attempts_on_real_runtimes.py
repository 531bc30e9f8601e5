"""Each attempt on the kernel and across jobs: seen to hold, and flipped by the options beside it."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import in_sight
import pytest

from evaluation.measure.session import Arm, Bench, TurnSession, work_directory
from evaluation.model import CONTROL
from evaluation.probes.base import Observations
from evaluation.probes.registry import find

pytestmark = pytest.mark.real

ArmOf = Callable[[str], Arm]

WITHOUT = '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [%s], "action": "SCMP_ACT_ERRNO"}]}'
CALLS = ("io_uring_setup", "keyctl", "add_key", "perf_event_open", "userfaultfd")
PROFILE = "PROFILE"
HOME = "HOME"
ENGINE = "/run/docker.sock"

DOCKER = [
    ("P17", (), ("--security-opt", "systempaths=unconfined")),
    ("P18", (), ("--cap-add", "SYS_TIME")),
    ("P19", (), ("--cap-add", "SYSLOG")),
    ("P20", (), ("--cap-add", "SYS_ADMIN")),
    ("P21", ("--security-opt", f"seccomp={PROFILE}"), ("--security-opt", "seccomp=unconfined")),
    ("P22", (), ("--security-opt", "seccomp=unconfined")),
    ("P24", (), ("--cap-add", "DAC_READ_SEARCH")),
    ("P26", ("--cap-drop", "NET_RAW"), ()),
    ("P27", (), ("--network", "host")),
    ("P28", (), ("--cap-add", "SYS_ADMIN")),
    ("P30", (), ("--pid", "host")),
    ("P31", ("--user", "UID:GID"), ("--user", "UID:GID", "--pid", "host")),
    # The walls are two here: the process must be in sight, and the kernel must let it be looked at.
    ("P32", (), ("--pid", "host", "--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE")),
    ("P34", (), ("--mount", f"type=bind,source={HOME},target={HOME}")),
    ("P35", (), ("--ipc", "host")),
    ("P40", (), ("--mount", f"type=bind,source={ENGINE},target={ENGINE}")),
    ("B11", (), ("--pid", "host")),
]
APPTAINER = [
    ("P21", ("--security", f"seccomp:{PROFILE}"), ()),
    ("P22", ("--security", f"seccomp:{PROFILE}"), ()),
    ("P23", ("--security", f"seccomp:{PROFILE}"), ()),
    ("P34", ("--no-home",), ()),
    ("P35", ("--containall",), ()),
    ("P40", (), ("--bind", "/run")),
]
CASES = [
    *((name, "docker", *sides) for name, *sides in DOCKER),
    *((name, "apptainer", *sides) for name, *sides in APPTAINER),
]


def observed(bench: Bench, arm: Arm, name: str, options: tuple[str, ...] = ()) -> Observations:
    user = bench.launcher.user
    profile = bench.scratch / "without.json"
    if not profile.exists():
        profile.write_text(WITHOUT % ", ".join(f'"{call}"' for call in CALLS))
        profile.chmod(0o644)
    words = {PROFILE: str(profile), HOME: user.home, "UID:GID": f"{user.uid}:{user.gid}"}
    for word, meaning in words.items():
        options = tuple(option.replace(word, meaning) for option in options)
    variant = replace(arm, runtime=arm.runtime.using(options=options))
    with work_directory(bench) as work:
        session = TurnSession(bench=bench, arm=variant, probe=find(name), block=0, order=0, work=work)
        find(name).observe(session)
    return Observations(tuple(session.observations))


@pytest.fixture
def needs(engine: None) -> None:  # noqa: ARG001 - it must run before we look
    """What some of the options stand on."""
    if not Path(ENGINE).exists():
        pytest.skip(f"there is no {ENGINE}")


@pytest.mark.usefixtures("needs")
@pytest.mark.parametrize(
    ("name", "runtime", "hardened", "weakened"),
    CASES,
    ids=[f"{case[0]}-{case[1]}" for case in CASES],
)
def test_it_holds_and_it_fails(
    name: str,
    runtime: str,
    hardened: tuple[str, ...],
    weakened: tuple[str, ...],
    arm_of: ArmOf,
    bench: Bench,
) -> None:
    in_sight.require(name)
    arm, probe = arm_of(runtime), find(name)
    others = {CONTROL: observed(bench, arm_of(CONTROL), name)}
    holds = probe.judge(observed(bench, arm, name, hardened), others)
    fails = probe.judge(observed(bench, arm, name, weakened), others)
    if os.getuid() != 0 and holds.verdict == "INERT":
        pytest.skip(holds.message)  # only root has the control
    assert (holds.verdict, fails.verdict) == ("DENIED", "EXPOSED"), f"{holds.message}\n{fails.message}"


def test_a_daemons_containers_do_not_have_the_keyring_of_the_session(arm_of: ArmOf, bench: Bench) -> None:
    others = {CONTROL: observed(bench, arm_of(CONTROL), "P23")}
    open_to_all = observed(bench, arm_of("docker"), "P23", ("--security-opt", "seccomp=unconfined"))
    assert find("P23").judge(open_to_all, others).verdict == "DENIED"
