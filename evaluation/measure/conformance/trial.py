"""One check's turn on one runtime, and the words in which a check answers."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.measure.launcher import Command, LauncherTask
from evaluation.measure.session import Arm, Bench
from evaluation.model import WORK, Bind, Completed, Task
from evaluation.reasons import reason_in
from evaluation.runtimes.base import Runtime, RuntimeRefusalError

__all__ = ["Check", "DeviationError", "Trial", "UnsupportedError", "expect"]

_numbers = itertools.count(1)
_TIME_LIMIT_S = 60.0


class DeviationError(Exception):
    """The runtime does not do what its adapter says it does."""


class UnsupportedError(Exception):
    """The runtime cannot, by design, and its adapter says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One expectation. ``ask`` returns what was seen, or raises one of the two errors above."""

    id: str
    expectation: str
    ask: Callable[[Trial], str]


def expect(expectation: str) -> Callable[[Callable[[Trial], str]], Check]:
    """Make a check of a function: its id is the function's name."""
    return lambda ask: Check(id=ask.__name__, expectation=expectation, ask=ask)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a check may use. ``work`` is a fresh directory of the measuring user's."""

    bench: Bench
    arm: Arm
    work: Path

    @property
    def runtime(self) -> Runtime:
        """The adapter under examination."""
        return self.arm.runtime

    @property
    def work_bind(self) -> Bind:
        """Shows `work` inside."""
        return Bind(source=str(self.work), target=WORK)

    @property
    def work_inside(self) -> str:
        """Where `work` is found inside, when it is bound."""
        return self.runtime.sees(self.work_bind)

    def python(self, program: str, *words: str) -> tuple[str, ...]:
        """The image's own Python with a program on its command line: no bind is needed for it.

        Without ``-I`` and ``-E``: the control finds its modules by PYTHONHOME.
        """
        return ("python3", "-S", "-B", "-c", program, *words)

    def task(
        self,
        argv: Sequence[str],
        *,
        image: str | None = None,
        binds: Sequence[Bind] = (),
        env: Mapping[str, str] | None = None,
        workdir: str | None = None,
        stdin: bool = False,
    ) -> Task:
        """Say what to run, by default in the arm's image."""
        return Task(
            image=self.arm.reference if image is None else image,
            argv=tuple(argv),
            binds=tuple(binds),
            env=tuple((env or {}).items()),
            workdir=workdir,
            name=f"container-evaluation-check-{os.getpid()}-{next(_numbers)}",
            stdin=stdin,
        )

    def run(self, task: Task, *, host_env: Mapping[str, str] | None = None, stdin: bytes = b"") -> Completed:
        """Run it to its end, or for a minute."""
        done = self.bench.launcher.run(self._command(task, host_env or {}, stdin), timeout_s=_TIME_LIMIT_S)
        if done.evidence.timed_out:
            raise DeviationError(
                f"it did not end within {_TIME_LIMIT_S:.0f} s: {' '.join(done.evidence.argv)}"
            )
        said = done.stderr.decode(errors="replace")
        return replace(done, failure=self.runtime.own_failure(done.evidence.exit_status, said) or "")

    def output(self, task: Task, *, host_env: Mapping[str, str] | None = None, stdin: bytes = b"") -> bytes:
        """Run what must succeed; give its standard output.

        Raises
        ------
        DeviationError
            It did not succeed.
        """
        done = self.run(task, host_env=host_env, stdin=stdin)
        if not done.ok:
            raise DeviationError(f"a task that should succeed {ending(done)}")
        return done.stdout

    def start(self, task: Task) -> LauncherTask:
        """Start it, without waiting."""
        return self.bench.launcher.start(self._command(task, {}, b""))

    def clean_up(self, task: Task) -> None:
        """Do what the adapter says ends a task whose client is gone."""
        for argv in self.runtime.cleanup(task):
            self._tool(argv)

    def is_held(self, task: Task) -> bool:
        """Whether the engine, if there is one, still holds the task's container."""
        listing = self.runtime.listing()
        if not listing:
            return False
        done = self._tool(listing)
        if not done.ok:
            raise DeviationError(f"the engine's containers cannot be listed: it {ending(done)}")
        return task.name in done.stdout.decode(errors="replace").split()

    def refused(self, task: Task) -> str:
        """Why the adapter refuses the task; empty when it does not."""
        try:
            self.runtime.argv(task)
        except RuntimeRefusalError as refusal:
            return refusal.what
        return ""

    def _tool(self, argv: Sequence[str]) -> Completed:
        launcher = self.bench.launcher
        return launcher.run(Command(argv=tuple(argv), env=launcher.user.env), timeout_s=_TIME_LIMIT_S)

    def _command(self, task: Task, host_env: Mapping[str, str], stdin: bytes) -> Command:
        return Command(
            argv=self.runtime.argv(task),
            env={**self.bench.launcher.user.env, **host_env},
            cwd=str(self.work),
            stdin=stdin,
            cleanup=self.runtime.cleanup(task),
            listing=self.runtime.listing(),
            listed=task.name,
            accountable=not self.runtime.has_engine,
        )


def ending(done: Completed) -> str:
    """Tell how a process ended, with the reason that it gave."""
    said = reason_in((done.stderr or done.stdout).decode(errors="replace"))
    return f"ended with exit status {done.evidence.exit_status}" + (f": {said}" if said else "")


def wait_until(condition: Callable[[], bool], limit_s: float) -> bool:
    """Wait for something to become true; say whether it did."""
    give_up = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.01)
    return True
