"""The launcher's own process: starts commands, times them, ends what does not end.

It is run as a script by ``python -I -S`` and imports the standard library only. It is small on purpose:
a child's peak memory is floored by its parent's, and ``posix_spawn`` from a small process costs what it
costs in C. Between a command's end and the clock nothing is done but `wait4`, and little before its start:
on a busy machine the scheduler lets a process wait that has just used its share, and the wait would be
counted as the command's. Commands arrive as JSON lines on standard input and are answered by JSON lines on
standard output; when standard input ends, everything still running is ended too.

Started as root with ``--uid``, it gives root up for good before it starts anything: containers are run by
an unprivileged user, whatever user started the evaluation.

Output goes to memory files, as a batch system sends it to files: nothing has to be read meanwhile, and a
command never waits for a reader.
"""

from __future__ import annotations

import argparse
import base64
import ctypes
import errno
import fcntl
import json
import os
import resource  # noqa: F401 - wait4 wants it, and it cannot be read any more once root is given up
import select
import signal
import sys
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

OUTPUT_CAP = 1 << 20
"""Bytes kept of each output stream; the full length is reported beside."""

FLOOD_CAP = 1 << 28
"""Bytes at which a command that floods its output is ended."""

CHILDREN_LISTED = os.path.exists(f"/proc/self/task/{os.getpid()}/children")  # noqa: PTH110 - no pathlib here
"""Whether this kernel lists a process's children; else every process is looked at."""

_PR_SET_CHILD_SUBREAPER = 36
_POLL_S = 0.2
_GONE_S = 5.0
_CLEANUP_S = 30.0
_CLEANUPS = 6
_CLEANUP_PAUSE_S = 0.2
_DEFAULTS = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
_CHILD = frozenset({signal.SIGCHLD})


class Task:
    """One started command; ``pid`` names its process group and its session too."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.cleanup: list[list[str]] = request["cleanup"]
        self.listing: list[str] = request["listing"]
        self.listed: str = request["listed"]
        self.env: dict[str, str] = request["env"]
        self.before = set(descendants())
        self.stdout, self.stderr = memory_file("stdout"), memory_file("stderr")
        self.stdin = os.memfd_create("stdin") if request["stdin"] else os.open(os.devnull, os.O_RDONLY)
        if request["stdin"]:
            os.write(self.stdin, base64.b64decode(request["stdin"]))
            os.lseek(self.stdin, 0, os.SEEK_SET)
        signal.sigtimedwait(_CHILD, 0)  # what is left of others' ends would wake us for nothing
        try:
            self.started_ns = time.monotonic_ns()
            self.pid = spawn(request["argv"], self.env, self.streams)
        except (OSError, ValueError):
            self.close()
            raise

    @property
    def streams(self) -> tuple[int, int, int]:
        """Standard input, output and error."""
        return self.stdin, self.stdout, self.stderr

    def close(self) -> None:
        """Let go of the streams."""
        for stream in self.streams:
            os.close(stream)

    def wait(self, timeout_s: float, others: set[int], *, sleep_first: bool) -> dict[str, Any]:
        """Wait for the end; past the time limit, or on a flood of output, end the whole tree.

        SIGCHLD is blocked and fetched: a handler would cost some 40 microseconds of Python between the
        command's end and the clock. With ``sleep_first`` nothing at all is done before: two cores may be
        one, and what we did while the command starts would slow it down.
        """
        deadline = self.started_ns + int(timeout_s * 1e9)
        timed_out = flooded = False
        if sleep_first:
            signal.sigtimedwait(_CHILD, min(timeout_s, _POLL_S))
        while True:
            ended_ns = time.monotonic_ns()  # woken by its end; to ask for its status takes time of our own
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                break
            left_s = (deadline - ended_ns) / 1e9
            flooded = max(os.fstat(self.stdout).st_size, os.fstat(self.stderr).st_size) > FLOOD_CAP
            timed_out = left_s <= 0 and not flooded
            if timed_out or flooded:
                pid, status, usage = self.end(others)
                break
            if ended_asking():
                raise EOFError
            if signal.sigtimedwait(_CHILD, min(left_s, _POLL_S)) is None:
                reap({*others, self.pid})  # it may be an engine's command that waits for one of these
        out, out_bytes = take(self.stdout)
        err, err_bytes = take(self.stderr)
        self.close()
        left = {number: name for number, name in descendants(others).items() if number not in self.before}
        return {
            "exit_status": os.waitstatus_to_exitcode(status),
            "duration_s": (ended_ns - self.started_ns) / 1e9,
            "timed_out": timed_out,
            "flooded": flooded,
            "cpu_s": usage.ru_utime + usage.ru_stime if pid else None,
            "max_rss_bytes": usage.ru_maxrss * 1024 if pid else None,
            "stdout": out,
            "stdout_bytes": out_bytes,
            "stderr": err,
            "stderr_bytes": err_bytes,
            "survivors": [name for _, name in sorted(left.items())],
        }

    def end(self, others: set[int]) -> tuple[int, int, Any]:
        """Kill the whole tree, reap the command, then let the engine remove what only it can.

        Gives what `wait4` gave; process id 0 and SIGKILL for what cannot be ended.
        """
        kill(lambda: [pid for pid in descendants(others) if pid not in self.before])
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        self.clean_up(others)
        return pid, status if pid else int(signal.SIGKILL), usage

    def clean_up(self, others: Collection[int] = ()) -> None:
        """Run the engine's own commands for what is out of our reach, until it says that it is gone.

        An engine whose client was killed half-way may not know the state of its own container, and its
        own clean-up may be under way: what failed is tried again, a little later each time.
        """
        for attempt in range(_CLEANUPS):
            time.sleep(attempt * _CLEANUP_PAUSE_S)
            for argv in self.cleanup:
                self.engine(argv, others)
            if not self.listing or not self.cleanup:
                return
            said = self.engine(self.listing, others)
            if said is not None and self.listed not in said.split():
                return

    def engine(self, argv: list[str], others: Collection[int] = ()) -> str | None:
        """Run one of the engine's commands; what it printed, or ``None`` where it failed or hung."""
        return ask_engine(argv, self.env, others)


class Server:
    """Answers requests, one after the other."""

    def __init__(self) -> None:
        self.tasks: dict[int, Task] = {}
        self.sessions: set[int] = set()
        self.unclean: list[Task] = []
        self.engines: dict[tuple[str, ...], tuple[Task, set[str]]] = {}
        """Per listing of an engine's containers, the first that were to be listed there, and all their names.

        Names alone, because this process stays small: the others' clean-up is the first's, for another name.
        """

    def serve(self) -> None:
        """Answer until standard input ends, then end everything below this process."""
        with suppress(EOFError):
            for line in sys.stdin:
                try:
                    answer = self.answer(json.loads(line))
                except (OSError, ValueError) as error:
                    number = getattr(error, "errno", None) or errno.EINVAL
                    answer = {"errno": number, "error": getattr(error, "strerror", None) or str(error)}
                reap(self.tasks)
                sys.stdout.write(json.dumps(answer) + "\n")
                sys.stdout.flush()
        self.sweep()
        self.clear_engines()
        kill(descendants)

    def clear_engines(self) -> None:
        """Ask every engine that was used for what it still lists of ours, and have it removed.

        A client that ended by itself may have left its container: it was killed from elsewhere, or its
        engine failed.
        """
        for first, names in self.engines.values():
            said = None
            for attempt in range(_CLEANUPS):  # a listing that fails is no empty one
                time.sleep(attempt * _CLEANUP_PAUSE_S)
                if (said := first.engine(first.listing)) is not None:
                    break
            for name in sorted(names & set((said or "").split())):
                first.cleanup = [
                    [name if word == first.listed else word for word in argv] for argv in first.cleanup
                ]
                first.listed = name
                first.clean_up()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked."""
        operation = request["op"]
        if operation == "sweep":
            return {"survivors": self.sweep()}
        if operation == "signal":
            if request["pid"] in self.tasks:  # else it was waited for, and the number may be another's
                (os.killpg if request.get("group") else os.kill)(request["pid"], request["number"])
            return {}
        if operation == "wait":
            if request["pid"] not in self.tasks:
                raise ProcessLookupError(errno.ESRCH, "it was waited for, or ended, already")
            return self.end_of(self.tasks[request["pid"]], request["timeout_s"], sleep_first=False)
        try:
            os.chdir(request["cwd"])
        except OSError as error:
            return {"cwd": error.strerror}
        try:
            task = Task(request)
            self.tasks[task.pid] = task
            self.sessions.add(task.pid)
            if task.listing and task.listed:
                self.engines.setdefault(tuple(task.listing), (task, set()))[1].add(task.listed)
            if operation == "start":
                return {"pid": task.pid}
            return self.end_of(task, request["timeout_s"], sleep_first=True)
        finally:
            os.chdir("/")  # a folder that we stand in could not be unmounted

    def end_of(self, task: Task, timeout_s: float, *, sleep_first: bool) -> dict[str, Any]:
        """Wait for a command's end and let go of it."""
        answer = task.wait(timeout_s, set(self.tasks) - {task.pid}, sleep_first=sleep_first)
        del self.tasks[task.pid]
        if answer["exit_status"] < 0 and not answer["timed_out"]:
            self.unclean.append(task)  # who ran it may not have told its engine
        return answer

    def sweep(self) -> list[str]:
        """End what was started and not waited for, and what commands left in their sessions.

        What has made a session of its own stays (an engine's helpers do); it was named as a survivor.
        """
        while self.tasks:
            _, task = self.tasks.popitem()
            task.end(set(self.tasks))
            task.close()
        for task in self.unclean:
            task.clean_up()
        left = kill(lambda: [pid for pid in descendants() if session_of(pid) in self.sessions])
        self.unclean, self.sessions = [], set()
        reap(self.tasks)
        return left


def ended_asking() -> bool:
    """Whether standard input is at its end: nobody asks while we wait, so there is nothing to read."""
    return bool(select.select([0], [], [], 0)[0])


def spawn(argv: list[str], env: dict[str, str], streams: tuple[int, int, int]) -> int:
    """Start a command in a session of its own, with default signals and nothing else open."""
    return os.posix_spawnp(
        argv[0],
        argv,
        env,
        file_actions=[(os.POSIX_SPAWN_DUP2, stream, number) for number, stream in enumerate(streams)],
        setsid=True,
        # What Python or whoever started us ignores or blocks would stay so across exec.
        setsigdef=_DEFAULTS,
        setsigmask=(),
    )


def reap(kept: Collection[int]) -> None:
    """Collect ended processes that were left to us by parents that are gone; not ``kept``, which are awaited.

    A container's payload that lost its parents is our child, and ``podman rm`` of Podman 5 waits until its
    process id is gone, which that of an unreaped one never is.
    """
    for pid in children_of(os.getpid()):
        if pid not in kept:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def ask_engine(argv: list[str], env: dict[str, str], others: Collection[int] = ()) -> str | None:
    """Run one of an engine's commands; what it printed, or ``None`` where it failed or hung.

    Meanwhile what has ended is reaped, all but ``others``.
    """
    nothing, output = os.open(os.devnull, os.O_RDWR), memory_file("listing")
    try:
        pid = spawn(argv, env, (nothing, output, nothing))
        give_up = time.monotonic() + _CLEANUP_S
        while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0):
            if time.monotonic() > give_up:
                os.killpg(pid, signal.SIGKILL)
            reap({*others, pid})
            time.sleep(0.01)
        return os.pread(output, OUTPUT_CAP, 0).decode(errors="replace") if ended[1] == 0 else None
    except OSError:
        return None
    finally:
        os.close(nothing)
        os.close(output)


def memory_file(name: str) -> int:
    """Make a file for an output; in append mode, so that a command that opens it again loses nothing."""
    stream = os.memfd_create(name)
    fcntl.fcntl(stream, fcntl.F_SETFL, os.O_APPEND)
    return stream


def take(stream: int) -> tuple[str, int]:
    """Read an output, at most its cap, as base64; also its full length in bytes."""
    size = os.fstat(stream).st_size
    data = os.pread(stream, min(size, OUTPUT_CAP), 0)
    return base64.b64encode(data).decode("ascii"), size


def kill(those: Callable[[], Collection[int]]) -> list[str]:
    """Kill what ``those()`` gives until it gives nothing that runs; name what could not be ended.

    Parents come first: a shell that sees its child die may still exit by itself, as if all were well.
    Again and again: a tree may fork while it is being killed, the list of a process's children may miss
    one while another ends, and a setuid helper cannot be signalled before it has given its privileges up.
    """
    give_up, quiet = time.monotonic() + _GONE_S, 0
    while (running := {pid: name for pid in those() if (name := name_of(pid))}) or quiet < 2:
        if time.monotonic() > give_up:
            return sorted(running.values())
        quiet = 0 if running else quiet + 1
        for pid in running:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if running:
            time.sleep(0.005)
    return []


def descendants(skipped: Collection[int] = ()) -> dict[int, str]:
    """Name every running process below this one, by process id, parents first.

    Left out are the trees and the sessions of other commands, whose first process ids are ``skipped``.
    As a subreaper this process is the parent of all that lost theirs.
    """
    found: dict[int, str] = {}
    level = children_of(os.getpid())
    while level:
        own = [pid for pid in level if pid not in skipped and not (skipped and session_of(pid) in skipped)]
        found.update((pid, name) for pid in own if (name := name_of(pid)))
        level = [child for pid in own for child in children_of(pid)]
    return found


def children_of(pid: int) -> list[int]:
    """List the children of every thread of a process, ended ones too."""
    if not CHILDREN_LISTED:
        everyone = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - as below
        return [other for other in everyone if stat_of(other)[1][1:2] == [str(pid)]]
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - in the path of every launch
            found += map(int, read(f"/proc/{pid}/task/{thread}/children").split())
    return found


def read(path: str) -> str:
    """Read a small file of ``/proc``."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 1 << 16).decode(errors="replace")
    finally:
        os.close(descriptor)


def stat_of(pid: int) -> tuple[str, list[str]]:
    """Give a process's name and the fields after it (state, parent, group, session); none when gone."""
    with suppress(OSError):
        head, _, tail = read(f"/proc/{pid}/stat").rpartition(")")
        return head.partition("(")[2], tail.split()
    return "", []


def name_of(pid: int) -> str:
    """Name a process that runs; empty for one that has ended, even where nobody has reaped it yet."""
    name, fields = stat_of(pid)
    return name if fields and fields[0] not in "ZX" else ""


def session_of(pid: int) -> int:
    """Give the session a process is in; 0 when it is gone."""
    fields = stat_of(pid)[1]
    return int(fields[3]) if fields else 0


def main(server: type[Server] = Server) -> None:
    """Become the measuring user, adopt orphans, serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--groups", default="")
    options = parser.parse_args()
    if options.uid is not None:
        os.setgroups([int(group) for group in options.groups.split(",") if group])
        os.setresgid(options.gid, options.gid, options.gid)
        os.setresuid(options.uid, options.uid, options.uid)
        os.umask(0o022)  # a fresh login's, whatever root's is
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would never be sent
    signal.pthread_sigmask(signal.SIG_BLOCK, _CHILD)
    # The evaluation decides; its end ends this too. Grid Engine's notice, SIGUSR2, goes to all of a job.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    server().serve()


if __name__ == "__main__":
    main()
