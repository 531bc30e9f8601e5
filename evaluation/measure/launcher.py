"""The one place that starts processes: a small process apart, fed over a pipe.

Why a process apart: a notebook-sized Python pays 4-29 ms for each fork, and floors its children's peak
memory with its own. See ``docs/decisions/0003-launcher.md``.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from evaluation.errors import EvaluationError
from evaluation.measure.user import User
from evaluation.model import Evidence
from evaluation.probes.base import Completed

__all__ = ["Command", "Launcher", "LauncherGoneError", "LauncherTask"]

NOT_FOUND = 127
NOT_EXECUTABLE = 126

FLOODED = "it flooded its output and was ended by us (more than 256 MiB)"
"""The failure of a command that printed without end."""

# Not the command's fault but the machine's: it says nothing about what was to be measured.
_EXHAUSTED = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC}


class LauncherGoneError(EvaluationError):
    """The launcher's process has ended: nothing more can be started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to start.

    Parameters
    ----------
    argv : tuple of str
        Never a shell string.
    env : mapping of str to str
        The whole environment of the process.
    cwd : str
        Its working directory.
    stdin : bytes
        What it reads; nothing (``/dev/null``) when empty.
    cleanup : tuple of argv
        Run when the command has to be ended by force, or the evaluation itself dies.
    listing : tuple of str
        Prints the names of all that an engine holds; clean-up is repeated while ``listed`` is among them.
    listed : str
        The name to look for.
    accountable : bool
        Whether the work is done below the process that is started. Where an engine does it, CPU time
        and memory of the client say nothing and are recorded as not measurable.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str = "/"
    stdin: bytes = b""
    cleanup: tuple[tuple[str, ...], ...] = ()
    listing: tuple[str, ...] = ()
    listed: str = ""
    accountable: bool = True

    def request(self, operation: str, **more: object) -> dict[str, object]:
        """Put it as the launcher's process reads it."""
        return {
            "op": operation,
            "argv": self.argv,
            "env": dict(self.env),
            "cwd": self.cwd,
            "stdin": base64.b64encode(self.stdin).decode("ascii"),
            "cleanup": self.cleanup,
            "listing": self.listing,
            "listed": self.listed,
            **more,
        }


class Launcher:
    """Starts commands as one user, and times them on a monotonic nanosecond clock.

    Parameters
    ----------
    user : User
        Who runs the commands. Another user than our own can be had only as root.
    """

    program: ClassVar[str] = "launcher_main.py"
    """The file beside this one that the process runs."""

    def __init__(self, user: User) -> None:
        self.user = user
        self._abandoned = False
        self._told: dict[tuple[str, ...], Completed] = {}
        self._process = self._begin()

    def _begin(self) -> subprocess.Popen[str]:
        argv = [sys.executable, "-I", "-S", "-X", "utf8", str(Path(__file__).with_name(self.program))]
        if self.user.uid != os.getuid():
            groups = ",".join(str(group) for group in self.user.groups)
            argv += ["--uid", str(self.user.uid), "--gid", str(self.user.gid), "--groups", groups]
        return subprocess.Popen(  # noqa: S603 - our own file, by our own interpreter
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=dict(self.user.env),  # its PATH is the one that commands are looked up on
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything that still runs, and the launcher's process itself."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):  # it has ended already
                self._process.stdin.close()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def run(self, command: Command, *, timeout_s: float) -> Completed:
        """Start a command and wait for its end; past ``timeout_s`` its whole tree is ended.

        A command that cannot be started is answered as a shell would: exit status 127 (not found) or
        126, with the reason on stderr.

        Raises
        ------
        EvaluationError
            The working directory is not there, the machine can start nothing more, or the launcher's
            process is gone.
        """
        started_at = now()
        return completed(command, started_at, self._ask(command.request("run", timeout_s=timeout_s)))

    def ask(self, argv: tuple[str, ...], *, timeout_s: float) -> Completed:
        """Run a command that only tells something; asked again, give what it said before."""
        if argv not in self._told:
            self._told[argv] = self.run(Command(argv=argv, env=self.user.env), timeout_s=timeout_s)
        return self._told[argv]

    def start(self, command: Command) -> LauncherTask:
        """Start a command and return at once.

        Raises
        ------
        EvaluationError
            It cannot be started.
        """
        started_at = now()
        answer = self._ask(command.request("start"))
        if "errno" in answer:
            raise EvaluationError(f"cannot start {command.argv[0]}: {answer['error']}", where="launcher")
        return LauncherTask(self, command, started_at, answer["pid"])

    def sweep(self) -> tuple[str, ...]:
        """End what was started and not waited for, and what commands left in their sessions.

        Returns
        -------
        tuple of str
            Names of the processes that could not be ended.
        """
        return tuple(self._ask({"op": "sweep"})["survivors"])

    def find(self, name: str) -> str | None:
        """Find a command on the measuring user's PATH."""
        return shutil.which(name, path=self.user.env.get("PATH", os.defpath))

    def _ask(self, request: Mapping[str, object]) -> dict[str, Any]:
        if self._abandoned:
            self._abandoned = False
            self._process = self._begin()
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        if pipe_in is None or pipe_out is None:  # pragma: no cover - Popen was asked for both
            raise AssertionError
        line = ""
        try:
            pipe_in.write(json.dumps(request) + "\n")
            pipe_in.flush()
            line = pipe_out.readline()
        except (BrokenPipeError, ValueError):
            pass
        except BaseException:
            # Interrupted between question and answer: the next one asked would get the answer to this.
            self._abandoned = True
            self.close()
            raise
        if not line:
            raise LauncherGoneError(
                "the launcher's process has ended",
                where="launcher",
                advice="Was it killed? Run again: the run resumes where it stopped.",
            )
        answer: dict[str, Any] = json.loads(line)
        if "cwd" in answer:
            raise EvaluationError(f"cannot work in {request['cwd']}: {answer['cwd']}", where="launcher")
        if answer.get("errno") in _EXHAUSTED:
            raise EvaluationError(
                f"this machine can start nothing more: {answer['error']}",
                where="launcher",
                advice="Look at the limits of processes, open files and memory (ulimit -a).",
            )
        return answer


class LauncherTask:
    """A command that is still running."""

    def __init__(self, launcher: Launcher, command: Command, started_at: str, pid: int) -> None:
        self._launcher = launcher
        self._command = command
        self._started_at = started_at
        self.pid = pid

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to the started process alone, or its process group; an ended one is no error."""
        request = {"op": "signal", "pid": self.pid, "number": int(number), "group": group}
        self._launcher._ask(request)  # noqa: SLF001

    def wait(self, timeout_s: float = 30.0) -> Completed:
        """Wait for the end. The time limit counts from the start of the command.

        Raises
        ------
        EvaluationError
            It was waited for already, or ended by `Launcher.sweep`.
        """
        answer = self._launcher._ask({"op": "wait", "pid": self.pid, "timeout_s": timeout_s})  # noqa: SLF001
        if "errno" in answer:
            raise EvaluationError(f"cannot wait for process {self.pid}: {answer['error']}", where="launcher")
        return completed(self._command, self._started_at, answer)


def now() -> str:
    """Tell the time in UTC, as ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def completed(command: Command, started_at: str, answer: Mapping[str, Any]) -> Completed:
    """Turn the launcher's answer into evidence."""
    if "errno" in answer:
        reason = f"{command.argv[0]}: {answer['error']}\n".encode()
        status = NOT_FOUND if answer["errno"] == errno.ENOENT else NOT_EXECUTABLE
        answer = {
            "exit_status": status,
            "duration_s": 0.0,
            "timed_out": False,
            "flooded": False,
            "cpu_s": None,
            "max_rss_bytes": None,
            "stdout": "",
            "stdout_bytes": 0,
            "stderr": base64.b64encode(reason).decode("ascii"),
            "stderr_bytes": len(reason),
            "survivors": [],
        }
    stdout, stderr = base64.b64decode(answer["stdout"]), base64.b64decode(answer["stderr"])
    record = {
        "argv": command.argv,
        "cwd": command.cwd,
        "started_at": started_at,
        "duration_s": answer["duration_s"],
        "exit_status": answer["exit_status"],
        "timed_out": answer["timed_out"],
        "stdout": hashlib.sha256(stdout).hexdigest(),
        "stdout_bytes": answer["stdout_bytes"],
        "stderr": hashlib.sha256(stderr).hexdigest(),
        "stderr_bytes": answer["stderr_bytes"],
        "cpu_s": answer["cpu_s"] if command.accountable else None,
        "max_rss_bytes": answer["max_rss_bytes"] if command.accountable else None,
        "survivors": tuple(answer["survivors"]),
    }
    identity = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    failure = FLOODED if answer["flooded"] else ""
    return Completed(evidence=Evidence(id=identity, **record), stdout=stdout, stderr=stderr, failure=failure)
