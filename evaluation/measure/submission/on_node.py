"""What runs on a node for a submission: importable there, and light."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.submission.job_script import WORKING
from evaluation.measure.user import ourselves

__all__ = ["run_here"]

_FOR_EVER_S = 1e7
"""Longer than any job: its end is the scheduler's business."""


def run_here(argv: Sequence[str], folder: str, output: str) -> int:
    """Run a command with our own environment, add what it prints to a file as it comes; give its exit status.

    When the scheduler asks us to end, the command is asked to, and waited for: it has containers to end. When
    we are killed, the launcher kills it.
    """
    into = ("sh", "-c", 'exec "$@" >>"$0" 2>&1', output, *argv)
    with Launcher(ourselves()) as launcher:
        task = launcher.start(Command(argv=into, env=dict(os.environ), cwd=folder))
        with _under_way(), _passed_on(task.pid):
            return task.wait(_FOR_EVER_S).evidence.exit_status


@contextlib.contextmanager
def _under_way() -> Iterator[None]:
    """Have the job's script wait for us, where there is one."""
    if not (folder := os.environ.get(WORKING)):
        yield
        return
    mark = Path(folder, str(os.getpid()))
    mark.touch()
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


@contextlib.contextmanager
def _passed_on(pid: int) -> Iterator[None]:
    """Pass a scheduler's notice on to a process group, as SIGTERM; only a main thread gets one.

    Slurm's notice is SIGTERM, Grid Engine's is SIGUSR2.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def pass_on(_: int, __: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGTERM)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGUSR2)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
