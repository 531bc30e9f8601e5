"""What cannot be run, and what does not end by itself."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator

from evaluation.folders import HeldFolder
from evaluation.measure.conformance.trial import (
    DeviationError,
    Trial,
    UnsupportedError,
    ending,
    expect,
    wait_until,
)
from evaluation.measure.launcher import LauncherTask
from evaluation.model import Completed, Task

__all__ = ["CHECKS"]

_READY_S = 30.0
_QUIET_S = 0.3
_GONE_S = 5.0

# Two processes that show on the bind that they live, one of them in a session of its own. Should a check
# fail they end when told, or after a minute.
_BEATS = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
name = "parent" if os.fork() else "child"
if name == "child":
    os.setsid()
with open(f"{sys.argv[1]}/{name}", "ab", buffering=0) as stream:
    for _ in range(3000):
        stream.write(b".")
        time.sleep(0.02)
        if os.path.exists(f"{sys.argv[1]}/stop"):
            break
"""


@expect("An image that does not exist is an error of the runtime's own")
def image_missing(trial: Trial) -> str:
    """And nothing is fetched from anywhere."""
    if not trial.arm.reference:
        raise UnsupportedError("it runs without an image")
    image = f"{trial.arm.reference}-missing"
    return _refusal(trial.run(trial.task(trial.python("print('ran')"), image=image)))


@expect("An image's name is never read as an option, or by a shell")
def image_hostile(trial: Trial) -> str:
    """It is refused by the adapter, or is the name of an image that there is not."""
    if not trial.arm.reference:
        raise UnsupportedError("it runs without an image")
    planted = trial.work / "planted"
    refused = 0
    names = ("--help", "-h", "--version", f"$(touch {planted})", f"no; touch {planted}", "no\n--help")
    for name in names:
        task = trial.task(trial.python("print('ran')"), image=name)
        if trial.refused(task):
            refused += 1
            continue
        done = trial.run(task)
        if planted.exists():
            raise DeviationError(f"the image's name {name!r} was run by a shell")
        if done.ok:
            raise DeviationError(f"the image's name {name!r} was read as an option")
        _refusal(done)
    return f"{refused} of {len(names)} names are refused, the others are images that there are not"


@expect("A command that does not exist, or cannot be executed, is an error")
def command_missing(trial: Trial) -> str:
    """Told by the shell's exit status 126 or 127, or in words by the runtime."""
    absent = _refusal(trial.run(trial.task(("/does/not/exist",))))
    _refusal(trial.run(trial.task((trial.runtime.sees_image(trial.arm.reference, "/etc/passwd"),))))
    return absent


@expect("Past its time limit a task is ended with everything that it started")
def time_limit(trial: Trial) -> str:
    """Also what left the process group, and what an engine holds."""
    with _running(trial) as (task, running):
        done = running.wait(0.0)  # counted from its start: the limit is long past
        if not done.evidence.timed_out:
            raise DeviationError(f"it was not ended by us: it {ending(done)}")
        if done.evidence.survivors:
            raise DeviationError(f"processes were left: {', '.join(done.evidence.survivors)}")
        _nothing_left(trial, task)
    return "nothing was left"


@expect("When the client is killed, what outlives it is noticed, or ended by the adapter's clean-up")
def client_killed(trial: Trial) -> str:
    """As an out-of-memory killer does it."""
    with _running(trial) as (task, running):
        running.signal(signal.SIGKILL)
        done = running.wait(_READY_S)
        if done.evidence.timed_out or done.evidence.exit_status not in {-9, 128 + 9}:
            raise DeviationError(f"the killed client {ending(done)}")
        outlived = _beating(trial)
        trial.clean_up(task)
        if not done.evidence.survivors:
            _nothing_left(trial, task)
    if not outlived:
        return "everything ends with the client"
    if trial.runtime.has_engine:
        return "the program outlives its client; the clean-up ends it"
    return f"processes outlive the client, as is noticed: {', '.join(done.evidence.survivors)}"


def _refusal(done: Completed) -> str:
    """What was said when nothing could be run."""
    if done.ok or done.stdout.strip() == b"ran":
        raise DeviationError(f"it should not have run, and {ending(done)}")
    if not done.failure and done.evidence.exit_status not in {126, 127}:
        raise DeviationError(f"it is not recognised as the runtime's own failure: it {ending(done)}")
    return done.failure or ending(done)


@contextlib.contextmanager
def _running(trial: Trial) -> Iterator[tuple[Task, LauncherTask]]:
    """Start the two processes, wait until both are seen to live, and see to it that they end."""
    task = trial.task(trial.python(_BEATS, trial.work_inside), binds=(trial.work_bind,))
    running = trial.start(task)
    files = [trial.work / name for name in ("parent", "child")]
    try:
        if not wait_until(lambda: all(path.is_file() and path.stat().st_size for path in files), _READY_S):
            raise DeviationError(f"the program did not start: it {ending(running.wait(0.0))}")
        yield task, running
    finally:
        with contextlib.suppress(FileExistsError), HeldFolder(trial.work) as work:
            work.write("stop", "", mode=0o644)
        wait_until(lambda: not _beating(trial), _READY_S)


def _beating(trial: Trial) -> bool:
    """Whether one of the two still lives."""

    def size() -> int:
        return sum(path.stat().st_size for path in trial.work.iterdir())

    before = size()
    time.sleep(_QUIET_S)
    return size() != before


def _nothing_left(trial: Trial, task: Task) -> None:
    # What was killed may take a moment on a busy machine; what was not goes on for a minute.
    if not wait_until(lambda: not _beating(trial), _GONE_S):
        raise DeviationError("the program still runs")
    if trial.is_held(task):
        raise DeviationError("the engine still holds the container")


CHECKS = (image_missing, image_hostile, command_missing, time_limit, client_killed)
