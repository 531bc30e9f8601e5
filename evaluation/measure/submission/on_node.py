"""What runs on a node for a submission: importable there, and light."""

from __future__ import annotations

import os
from collections.abc import Sequence

from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.user import ourselves

__all__ = ["run_here"]

_FOR_EVER_S = 1e7
"""Longer than any job: its end is the scheduler's business."""


def run_here(argv: Sequence[str], output: str) -> int:
    """Run a command with our own environment, add what it prints to a file as it comes; give its exit status.

    When we end, however we end, the launcher ends the command.
    """
    into = ("sh", "-c", 'exec "$@" >>"$0" 2>&1', output, *argv)
    with Launcher(ourselves()) as launcher:
        done = launcher.run(Command(argv=into, env=dict(os.environ)), timeout_s=_FOR_EVER_S)
    return done.evidence.exit_status
