"""The process that starts many at once is tested with real processes: what it promises is about them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import fake_executable
from processes import eventually, running, unique_seconds

from evaluation.measure.crowd import NOTHING_RUN, Crowd, Crowded, Limits, cause_of
from evaluation.measure.launcher import Command
from evaluation.measure.user import ourselves
from evaluation.runtimes import known_runtimes

ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
LIMITS = Limits(
    least_s=0.0, at_most=1000, most_s=60.0, timeout_s=60.0, floor_bytes=0, pressure=2.0, failures=1000
)
HOST = known_runtimes()["host"]
DOCKER = known_runtimes()["docker"]
TELLS = """import time; print('{"what": "start", "monotonic_ns": %d}' % time.monotonic_ns(), flush=True)"""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    with Crowd(ourselves()) as opened:
        yield opened


def level(
    crowd: Crowd, *argv: str, width: int = 2, launches: int = 6, limits: Limits = LIMITS, **more: object
) -> Crowded:
    command = replace(Command(argv=argv, env=ENV, listed="nobody"), **more)  # type: ignore[arg-type]
    return crowd.run_level(command, HOST, limits, width=width, launches=launches)


def python(script: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", script)


def test_every_container_has_its_times_from_one_clock(crowd: Crowd) -> None:
    done = level(crowd, *python(TELLS), width=3, launches=7)
    assert len(done.launches) == 7
    for launch in done.launches:
        assert not launch.cause
        assert launch.started_s is not None
        assert launch.first_output_s is not None
        assert 0 <= launch.submitted_s < launch.started_s < launch.first_output_s <= launch.ended_s
        assert launch.ended_s <= done.span_s
    assert done.left == ()
    assert not done.stopped


def test_no_more_than_the_width_run_at_once_and_that_many_do(crowd: Crowd) -> None:
    done = level(crowd, "sleep", "0.05", width=4, launches=12)
    spans = [(launch.submitted_s, launch.ended_s) for launch in done.launches]
    most = max(sum(begin <= at < end for begin, end in spans) for at, _ in spans)
    assert most == 4


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("exit 3", "exit status 3"),
        ("echo trouble with 4711 >&2; exit 125", "exit status 125: trouble with #"),
        ("kill -9 $$", "signal 9"),
        ("true", NOTHING_RUN),
    ],
)
def test_a_failure_has_its_cause_and_none_is_lost(crowd: Crowd, script: str, cause: str) -> None:
    done = level(crowd, "sh", "-c", script)
    assert [launch.cause for launch in done.launches] == [cause] * 6


def test_what_cannot_be_started_is_said_once_and_nothing_more_is_tried(crowd: Crowd) -> None:
    done = level(crowd, "no-such-command-here")
    assert [launch.cause for launch in done.launches] == ["not started: No such file or directory"]
    assert done.stopped == "it cannot be started"


def test_what_hangs_is_ended_and_ends_the_level(crowd: Crowd) -> None:
    seconds = unique_seconds()
    done = level(crowd, "sleep", seconds, limits=replace(LIMITS, timeout_s=0.3))
    assert [launch.cause for launch in done.launches] == ["ended by us after 0 s"] * 2
    assert done.stopped.startswith("one did not end within")
    assert not running(seconds)


def test_too_little_memory_ends_everything(crowd: Crowd) -> None:
    seconds = unique_seconds()
    done = level(crowd, "sleep", seconds, limits=replace(LIMITS, floor_bytes=1 << 60))
    assert "of memory were left" in done.stopped
    assert all("of memory were left" in launch.cause for launch in done.launches)
    assert not running(seconds)


def test_so_many_failures_end_the_level(crowd: Crowd) -> None:
    done = level(
        crowd, "sh", "-c", "sleep 0.1; exit 1", width=1, launches=100, limits=replace(LIMITS, failures=3)
    )
    assert done.stopped.endswith("of them failed")
    assert 3 <= len(done.launches) < 20


def test_fast_ones_are_started_for_a_while_and_no_more_than_are_allowed(crowd: Crowd) -> None:
    assert (
        len(level(crowd, "true", launches=4, limits=replace(LIMITS, least_s=30.0, at_most=40)).launches) == 40
    )
    assert len(level(crowd, "true", launches=4).launches) == 4
    slow = replace(LIMITS, most_s=0.0)
    assert len(level(crowd, "true", width=3, launches=50, limits=slow).launches) == 3


def test_what_a_command_leaves_behind_is_named_and_ended(crowd: Crowd) -> None:
    seconds = unique_seconds()
    done = level(crowd, "sh", "-c", f"setsid sleep {seconds} >/dev/null 2>&1 &", width=1, launches=1)
    assert done.left == ("processes: sleep",)
    assert not running(seconds)


def engine(folder: Path) -> Command:
    """A made-up engine: its containers are files, and a client that ends leaves its own."""
    fake_executable(folder / "engine", f'case $1 in run) : > {folder}/"$2";; list) ls {folder} | grep our- ;;'
                    f' remove) shift; cd {folder} && rm "$@";; esac')  # fmt: skip
    client = str(folder / "engine")
    return Command(
        argv=(client, "run", "our-0"),
        env=ENV,
        cleanup=((client, "remove", "our-0"),),
        listing=(client, "list"),
        listed="our-0",
    )


def test_containers_that_an_engine_still_holds_are_named_and_removed(crowd: Crowd, tmp_path: Path) -> None:
    (tmp_path / "our-1-of-others").touch()
    done = crowd.run_level(engine(tmp_path), DOCKER, LIMITS, width=2, launches=3)
    assert done.left == ("containers: our-0-0", "containers: our-0-1", "containers: our-0-2")
    assert sorted(path.name for path in tmp_path.glob("our-*")) == ["our-1-of-others"]


_MID_SWEEP = """
import json, sys
from pathlib import Path
from evaluation.measure.crowd import Crowd, Limits
from evaluation.measure.launcher import Command
from evaluation.measure.user import ourselves
from evaluation.runtimes import known_runtimes
told = json.loads(sys.argv[1])
words = {key: tuple(told["command"].pop(key)) for key in ("argv", "listing")}
cleanup = tuple(map(tuple, told["command"].pop("cleanup")))
with Crowd(ourselves()) as crowd:
    command = Command(cleanup=cleanup, **words, **told["command"])
    docker, limits = known_runtimes()["docker"], Limits(**told["limits"])
    crowd.run_level(command, docker, limits, width=8, launches=8)
"""


def test_when_the_submitting_process_is_killed_nothing_of_the_crowd_is_left(tmp_path: Path) -> None:
    seconds, folder = unique_seconds(), tmp_path / "engine"
    command = engine(folder)
    fake_executable(folder / "engine", f'case $1 in run) : > {folder}/"$2"; exec sleep {seconds};; list) '
                    f'ls {folder} | grep our- ;; remove) shift; cd {folder} && rm "$@";; esac')  # fmt: skip
    told = {
        "command": {
            "argv": command.argv, "env": ENV, "cleanup": command.cleanup, "listing": command.listing,
            "listed": command.listed,
        },
        "limits": {name: getattr(LIMITS, name) for name in Limits.__dataclass_fields__},
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", _MID_SWEEP, json.dumps(told)], env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as process:
        assert eventually(lambda: len(running(seconds)) == 8 or process.poll() is not None)
        assert len(list(folder.glob("our-*"))) == 8
        process.send_signal(signal.SIGKILL)
    assert eventually(lambda: not running(seconds) and not list(folder.glob("our-*")))


@pytest.mark.parametrize(
    ("status", "stderr", "error", "ran", "cause"),
    [
        (0, b"", "", True, ""),
        (None, b"", "ended by us", True, "ended by us"),
        (125, b"docker: Error response from daemon: no 0a1b2c3d4e5f6a\n", "", False,
         "exit status 125: docker: Error response from daemon: no #"),
        (-11, b"", "", True, "signal 11"),
    ],
)  # fmt: skip
def test_the_same_cause_has_the_same_words(
    status: int | None, stderr: bytes, error: str, *, ran: bool, cause: str
) -> None:
    assert cause_of(status, stderr, error, DOCKER, ran=ran) == cause
