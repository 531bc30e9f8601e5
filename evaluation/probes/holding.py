"""A payload that takes memory, says on the bind when it has it, and holds it until it may let go."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from evaluation.probes.base import RunningTask, Session
from evaluation.probes.canaries import plant_file
from evaluation.probes.hostprocesses import runs

__all__ = ["forget", "hold", "let_go", "took"]

_LIFETIME_S = 60


def hold(directory: str, name: str, size_bytes: int) -> tuple[str, ...]:
    """Words of the payload's command; ``directory`` is the work directory as the payload sees it."""
    return ("hold", str(size_bytes), f"{directory}/{name}", str(_LIFETIME_S))


def took(
    session: Session,
    name: str,
    running: RunningTask,
    within_s: float,
    given_up: Callable[[], bool] = lambda: False,
) -> bool:
    """Wait until the memory is taken, the command has ended, or ``given_up``; whether it was taken."""
    ready, give_up = session.work / f"{name}.ready", time.monotonic() + within_s
    while not ready.exists() and time.monotonic() < give_up and runs(running.pid) and not given_up():
        time.sleep(0.01)
    return ready.exists()


def let_go(session: Session, name: str) -> None:
    """Tell the payload that it may end."""
    with suppress(FileExistsError):  # whatever is there in its place, the payload sees it
        plant_file(session.work, f"{name}.go", "", mode=0o644)


def forget(session: Session, *names: str) -> None:
    """Remove the marks."""
    for name in names:
        for mark in ("ready", "go"):
            (session.work / f"{name}.{mark}").unlink(missing_ok=True)
