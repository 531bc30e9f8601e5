"""What runs on a node for a submission: importable there, and light."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Sequence

from evaluation.measure.launcher import Command, Launcher
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
        with _passed_on(task.pid):
            return task.wait(_FOR_EVER_S).evidence.exit_status


@contextlib.contextmanager
def _passed_on(pid: int) -> Iterator[None]:
    """Pass a scheduler's SIGTERM on to a process group; only a main thread gets one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def pass_on(number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
