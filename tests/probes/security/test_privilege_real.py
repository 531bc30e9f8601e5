"""Every attempt of P02 to P16, P25, P37 and P38 is flipped by one option of a real runtime."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace

import in_sight
import pytest

from evaluation.measure.session import Arm, Bench, TurnSession, work_directory
from evaluation.probes.base import Observations
from evaluation.probes.registry import find

pytestmark = pytest.mark.real

SHOWS_DEV = ("--mount", "type=bind,source=/dev,target=/dev")
# Not --privileged: an engine that lacks a capability itself, as many virtual machines' do, cannot grant all.
KNOBS = [
    ("P02", "docker", (), "EXPOSED"),
    ("P02", "docker", ("--cap-drop", "ALL"), "DENIED"),
    ("P03", "docker", (), "EXPOSED"),
    ("P03", "docker", ("--cap-drop", "ALL"), "DENIED"),
    ("P04", "docker", (), "DENIED"),
    ("P04", "docker", ("--security-opt", "seccomp=unconfined"), "EXPOSED"),
    ("P07", "docker", (), "EXPOSED"),
    ("P07", "docker", ("--user", "{uid}:{gid}", "--group-add", "{group}"), "DENIED"),
    ("P07", "apptainer", (), "DENIED"),
    ("P07", "apptainer", ("--fakeroot",), "EXPOSED"),
    ("P08", "docker", (), "EXPOSED"),
    ("P08", "docker", ("--cap-drop", "SETUID"), "DENIED"),
    ("P09", "docker", (), "DENIED"),
    ("P09", "docker", ("--security-opt", "seccomp=unconfined"), "EXPOSED"),
    ("P25", "docker", ("--uts", "host"), "DENIED"),
    ("P25", "docker", ("--cap-add", "SYS_ADMIN"), "DENIED"),
    ("P25", "docker", ("--uts", "host", "--cap-add", "SYS_ADMIN"), "EXPOSED"),
    ("P10", "docker", (), "DENIED"),
    ("P10", "docker", ("--cap-add", "SYS_ADMIN"), "EXPOSED"),
    ("P10", "apptainer", (), "DENIED"),
    ("P10", "apptainer", ("--fakeroot",), "EXPOSED"),
    ("P11", "docker", (), "DENIED"),
    ("P11", "docker", ("--cap-add", "SYS_ADMIN"), "EXPOSED"),
    ("P11", "docker", ("--security-opt", "systempaths=unconfined"), "EXPOSED"),
    ("P12", "docker", (), "DENIED"),
    ("P12", "docker", ("--device-cgroup-rule", "c 10:* rwm"), "EXPOSED"),
    ("P13", "docker", (), "DENIED"),
    ("P13", "docker", ("--device-cgroup-rule", "b 7:* rwm"), "EXPOSED"),
    ("P14", "docker", (), "EXPOSED"),
    ("P14", "docker", ("--cap-drop", "MKNOD"), "DENIED"),
    ("P16", "docker", (), "DENIED"),
    ("P16", "docker", (*SHOWS_DEV, "--device-cgroup-rule", "b 7:* r"), "EXPOSED"),
    ("P37", "docker", (), "DENIED"),
    ("P37", "docker", SHOWS_DEV, "EXPOSED"),
    ("P37", "apptainer", (), "EXPOSED"),
    ("P37", "apptainer", ("--contain",), "DENIED"),
    ("P38", "docker", (), "EXPOSED"),
    ("P38", "docker", ("--read-only",), "DENIED"),
    ("P38", "apptainer", (), "DENIED"),
    ("P38", "apptainer", ("--writable-tmpfs",), "EXPOSED"),
]
ROOTS_CANARIES = {"P07", "P11", "P12", "P13", "P14", "P16", "P25"}


def options(bench: Bench, words: tuple[str, ...]) -> tuple[str, ...]:
    user = bench.launcher.user
    further = next((group for group in user.groups if group != user.gid), None)
    if further is None and "{group}" in words:
        pytest.skip("the measuring user is in no further group")
    return tuple(word.format(uid=user.uid, gid=user.gid, group=further) for word in words)


def turn(bench: Bench, arm: Arm, name: str) -> Observations:
    probe = find(name)
    with work_directory(bench) as work:
        session = TurnSession(bench=bench, arm=arm, probe=probe, block=0, order=0, work=work)
        probe.observe(session)
    return Observations(tuple(session.observations))


@pytest.mark.parametrize(
    ("name", "runtime", "words", "expected"),
    KNOBS,
    ids=[f"{name}-{runtime}{''.join(words)}" for name, runtime, words, _ in KNOBS],
)
def test_one_option_flips_it(
    name: str,
    runtime: str,
    words: tuple[str, ...],
    expected: str,
    bench: Bench,
    arm_of: Callable[[str], Arm],
) -> None:
    if name in ROOTS_CANARIES and os.getuid() != 0:
        pytest.skip("only root can plant this canary")
    in_sight.require(name)
    probe, host, arm = find(name), turn(bench, arm_of("host"), name), arm_of(runtime)
    own = turn(bench, replace(arm, runtime=arm.runtime.using(options=options(bench, words))), name)
    control = probe.judge(host, {})
    if control.verdict == "INERT" and own.last("effect") is None:
        pytest.skip(control.message)
    judgement = probe.judge(own, {"host": host})
    assert judgement.verdict == expected, judgement.message


PROFILE = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "architectures": ["SCMP_ARCH_X86_64"],
    "syscalls": [{"names": ["uselib"], "action": "SCMP_ACT_ERRNO"}],
}


def test_a_filter_for_apptainer_is_seen(bench: Bench, arm_of: Callable[[str], Arm]) -> None:
    profile = bench.scratch / "profile.json"
    profile.write_text(json.dumps(PROFILE))
    host, plain, arm = turn(bench, arm_of("host"), "P04"), arm_of("apptainer"), arm_of("apptainer")
    filtered = replace(arm, runtime=arm.runtime.using(options=("--security", f"seccomp:{profile}")))
    others = {"host": host}
    assert find("P04").judge(turn(bench, plain, "P04"), others).verdict == "EXPOSED"
    assert find("P04").judge(turn(bench, filtered, "P04"), others).verdict == "DENIED"
