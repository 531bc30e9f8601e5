"""What developers and end users do inside: judged from tables, flipped by one flag of a real runtime."""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from real_attempts import ArmOf, Flags, verdicts

from evaluation.images.contents import place_contents
from evaluation.images.convert import convert
from evaluation.measure.discovery import FoundRuntime
from evaluation.measure.images import built_image, runner, wanted_images
from evaluation.measure.session import Arm, Bench
from evaluation.model import Outcome
from evaluation.probes.registry import find
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

PROJECT = Path(__file__).parents[3]

NAMES = {
    "interactive_terminal": "works",
    "shared_group_output": "shared",
    "process_tracing": "traces",
    "build_and_debug": "rounds",
    "developer_flow": "flows",
}


@pytest.mark.parametrize(("name", "value"), NAMES.items())
@pytest.mark.parametrize(
    ("own", "host", "outcome", "words"),
    [
        (True, True, Outcome.HOLDS, ""),
        (False, True, Outcome.FAILS, "the bare host can, so it is the runtime's doing"),
        (False, False, Outcome.INERT, "bare"),
    ],
)
def test_the_table(name: str, value: str, own: bool, host: bool, outcome: Outcome, words: str) -> None:  # noqa: FBT001
    judgement = judge(name, {value: own, "detail": "seen"}, host={value: host})
    assert judgement.outcome is outcome
    assert words in judgement.message


@pytest.mark.parametrize("name", [*NAMES, "image_tree_writing"])
def test_without_an_answer_nothing_is_judged(name: str) -> None:
    assert judge(name, {"problem": "the payload did not run to its end"}).outcome is Outcome.ERROR
    assert judge(name, {"unavailable": "there is none here"}).outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize(
    ("own", "outcome", "words"),
    [
        ({"writes": True, "survives": False, "detail": "it is gone in the next"}, Outcome.HOLDS, "gone"),
        ({"writes": False, "detail": "Read-only file system"}, Outcome.FAILS, "Read-only file system"),
    ],
)
def test_a_tree_that_forgets_is_still_writable(own: Recorded, outcome: Outcome, words: str) -> None:
    judgement = judge("image_tree_writing", own)
    assert judgement.outcome is outcome
    assert words in judgement.message


GOOD = {
    "what": "terminal",
    "input": True,
    "output": True,
    "device": True,
    "rows": 37,
    "columns": 123,
    "term": "xterm",
    "ok": True,
}
INTERRUPT = {"what": "interrupt", "ok": True}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (({**GOOD, "rows": 24, "columns": 80}, INTERRUPT), "the size is 24 x 80, not 37 x 123"),
        (({**GOOD, "input": False}, INTERRUPT), "standard input is no terminal"),
        (({**GOOD, "ok": False, "error": "Operation not permitted"}, INTERRUPT), "no job control: Operation"),
        ((GOOD, {"what": "interrupt", "ok": False}), "control-C did not arrive"),
        (({**GOOD, "term": None}, INTERRUPT), "TERM is not handed over"),
    ],
)
def test_what_a_shell_lacks_is_named(
    tmp_path: Path, lines: tuple[dict[str, object], ...], words: str
) -> None:
    session = FakeSession(
        probe=find("interactive_terminal"), work=tmp_path, on_launch=lambda _: answered(*lines)
    )
    find("interactive_terminal").observe(session)
    assert session.observations.last("works") is False
    assert words in str(session.observations.last("detail"))


# ---- the bare host, and one command before it ---------------------------------------------------------


def test_a_bare_shell_has_its_terminal_and_one_behind_a_pipe_has_not(take_turn: TakesTurns) -> None:
    probe = find("interactive_terminal")
    host = take_turn("interactive_terminal")
    own = take_turn("interactive_terminal", wrap=("sh", "-c", 'trap "" INT; "$@" | cat', "sh"))
    assert probe.judge(host, {}).outcome is Outcome.HOLDS
    judgement = probe.judge(own, {"host": host})
    assert judgement.outcome is Outcome.FAILS
    assert "standard output is no terminal" in judgement.message


def test_a_bare_process_traces_its_child(take_turn: TakesTurns) -> None:
    assert find("process_tracing").judge(take_turn("process_tracing"), {}).outcome is Outcome.HOLDS


@pytest.mark.skipif(
    platform.machine() != "x86_64" or not all(map(shutil.which, ("gcc", "gdb"))),
    reason="needs gcc and gdb here, and the filter is written for x86-64",
)
@pytest.mark.parametrize("name", ["build_and_debug", "developer_flow"])
def test_a_filter_without_ptrace_flips_the_developer_s_round(
    take_turn: TakesTurns, scratch: Path, name: str
) -> None:
    probe = find(name)
    # where the user can read it
    wrapper = str(shutil.copy(Path(__file__).parents[1] / "without_ptrace.py", scratch))
    Path(wrapper).chmod(0o644)
    host = take_turn(name)
    filtered = take_turn(name, wrap=("/usr/bin/python3", wrapper))
    assert probe.judge(host, {}).outcome is Outcome.HOLDS
    judgement = probe.judge(filtered, {"host": host})
    assert judgement.outcome is Outcome.FAILS
    assert "gdb did not stop at the line" in judgement.message
    assert "the program did not run" not in judgement.message


# ---- real runtimes, as they are and with one flag changed --------------------------------------------


@pytest.fixture
def without_ptrace() -> Iterator[str]:
    """A seccomp profile that forbids ptrace alone; both engines read it, one of them as the user."""
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["ptrace"], "action": "SCMP_ACT_ERRNO"}],
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(profile, file)
        file.flush()
        Path(file.name).chmod(0o644)
        yield f"seccomp={file.name}"


def flipped(bench: Bench, arm_of: ArmOf, name: str, runtime: str, flags: Flags) -> tuple[Outcome, Outcome]:
    plain = verdicts(bench, arm_of, find(name), [runtime])
    changed = verdicts(bench, arm_of, find(name), [runtime], **{runtime: flags})
    return plain[runtime].outcome, changed[runtime].outcome


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "runtime", "flags"),
    [
        ("interactive_terminal", "docker", ("--tty=false",)),
        ("image_tree_writing", "docker", ("--read-only",)),
        pytest.param(
            "shared_group_output",
            "docker",
            ("--user", "USER"),
            marks=pytest.mark.skipif(os.getuid() != 0, reason="only root can make a group's directory"),
        ),
    ],
)
def test_one_flag_flips_it(bench: Bench, arm_of: ArmOf, name: str, runtime: str, flags: Flags) -> None:
    user = bench.launcher.user
    if name == "shared_group_output" and not set(user.groups) - {user.gid}:
        pytest.skip("the measuring user has no supplementary group")
    flags = tuple(word.replace("USER", f"{user.uid}:{user.gid}") for word in flags)
    assert flipped(bench, arm_of, name, runtime, flags) == (Outcome.HOLDS, Outcome.FAILS)


@pytest.mark.real
def test_a_filter_without_ptrace_flips_tracing(bench: Bench, arm_of: ArmOf, without_ptrace: str) -> None:
    flags = ("--security-opt", without_ptrace)
    assert flipped(bench, arm_of, "process_tracing", "docker", flags) == (Outcome.HOLDS, Outcome.FAILS)


@pytest.fixture
def in_med(bench: Bench, found: dict[str, FoundRuntime], arm_of: ArmOf) -> ArmOf:
    """Arms that run the med image, where it is built already: building it takes minutes."""
    if "med" not in wanted_images(PROJECT / "images", bench.launcher, ()):
        pytest.skip("the med image is not built: evaluation image build med")
    med = built_image("med", PROJECT / "images", bench.launcher)
    place_contents(med, bench.payload)

    def arm(runtime: str) -> Arm:
        small = arm_of(runtime)  # skips where the runtime is not here
        form = convert(med, found[runtime].runtime, runner(bench.launcher), str(bench.payload))
        return replace(small, reference=form.reference, image_digest=form.digest)

    return arm


@pytest.mark.real
def test_a_filter_without_ptrace_flips_the_round_in_docker(
    bench: Bench, in_med: ArmOf, without_ptrace: str
) -> None:
    flags = ("--security-opt", without_ptrace)
    assert flipped(bench, in_med, "build_and_debug", "docker", flags) == (Outcome.HOLDS, Outcome.FAILS)
