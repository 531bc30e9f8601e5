"""The launcher's own process: starts commands, times them, ends what does not end.

It is run as a script by ``python -I -S`` and imports the standard library only. It is small on purpose:
a child's peak memory is floored by its parent's, and ``posix_spawn`` from a small process costs what it
costs in C. Commands arrive as JSON lines on standard input and are answered by JSON lines on standard
output; when standard input ends, everything still running is ended too.

Started as root with ``--uid``, it gives root up for good before it starts anything: containers are run by
an unprivileged user, whatever user started the evaluation.
"""

from __future__ import annotations

import argparse
import base64
import ctypes
import json
import os
import resource  # noqa: F401 - wait4 wants it, and it cannot be read any more once root is given up
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

OUTPUT_CAP = 1 << 20
"""Bytes kept of each output stream; the full length is reported beside."""

FLOOD_CAP = 1 << 28
"""Bytes at which a command that floods its output is ended."""

_PR_SET_CHILD_SUBREAPER = 36
_POLL_S = 0.2
_GONE_S = 5.0


class Task:
    """One started command."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.cleanup: list[list[str]] = request.get("cleanup", [])
        self.env: dict[str, str] = request["env"]
        self.cwd: str = request["cwd"]
        self.stdout = os.memfd_create("stdout")
        self.stderr = os.memfd_create("stderr")
        self.before = set(descendants())
        stdin = os.open(os.devnull, os.O_RDONLY)
        if request.get("stdin"):
            os.close(stdin)
            stdin = os.memfd_create("stdin")
            os.write(stdin, base64.b64decode(request["stdin"]))
            os.lseek(stdin, 0, os.SEEK_SET)
        try:
            os.chdir(self.cwd)
            self.started_ns = time.monotonic_ns()
            self.pid = spawn(request["argv"], self.env, (stdin, self.stdout, self.stderr))
        except OSError:
            os.close(self.stdout)
            os.close(self.stderr)
            raise
        finally:
            os.close(stdin)

    def wait(self, timeout_s: float, wakeup: int) -> dict[str, Any]:
        """Wait for the end; past the time limit, or on a flood of output, end the whole tree."""
        deadline = self.started_ns + int(timeout_s * 1e9)
        timed_out = flooded = False
        while True:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                ended_ns = time.monotonic_ns()
                break
            left_s = (deadline - time.monotonic_ns()) / 1e9
            flooded = max(os.fstat(self.stdout).st_size, os.fstat(self.stderr).st_size) > FLOOD_CAP
            if left_s <= 0 or flooded:
                timed_out = not flooded
                self.end()
                deadline = time.monotonic_ns() + int(_GONE_S * 1e9)
                if not alive(self.pid):
                    continue
                status, ended_ns = int(signal.SIGKILL), time.monotonic_ns()
                break
            ready, _, _ = select.select([wakeup, 0], [], [], min(left_s, _POLL_S))
            if 0 in ready:  # nobody asks while we wait: this is the end of whoever did
                raise EOFError
            with suppress(BlockingIOError):
                os.read(wakeup, 4096)
        out, out_bytes = take(self.stdout)
        err, err_bytes = take(self.stderr)
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
            "survivors": [
                name for pid in sorted(set(descendants()) - self.before) if (name := command_of(pid))
            ],
        }

    def end(self) -> None:
        """Kill the whole tree, then let the engine remove what only it can."""
        give_up = time.monotonic() + _GONE_S
        while time.monotonic() < give_up:
            # Again and again: a tree may fork while it is being killed, and a setuid helper cannot be
            # signalled (EPERM) before it has given its privileges up.
            for pid in {self.pid, *descendants()} - self.before:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            if not any(alive(pid) for pid in {self.pid, *descendants()} - self.before):
                break
            time.sleep(0.01)
        for argv in self.cleanup:
            nothing = os.open(os.devnull, os.O_RDWR)
            pid = 0
            with suppress(OSError):
                pid = spawn(argv, self.env, (nothing, nothing, nothing))
            os.close(nothing)
            give_up = time.monotonic() + 30.0
            while pid and os.waitpid(pid, os.WNOHANG) == (0, 0):
                if time.monotonic() > give_up:
                    os.killpg(pid, signal.SIGKILL)
                time.sleep(0.01)


def spawn(argv: list[str], env: dict[str, str], streams: tuple[int, int, int]) -> int:
    """Start a command in a session of its own, with default signals and nothing else open."""
    return os.posix_spawnp(
        argv[0],
        argv,
        env,
        file_actions=[(os.POSIX_SPAWN_DUP2, stream, number) for number, stream in enumerate(streams)],
        setsid=True,
        # Python ignores these, and what is ignored stays ignored across exec.
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT],
    )


def take(stream: int) -> tuple[str, int]:
    """Read an output, at most its cap, as base64; also its full length in bytes."""
    size = os.fstat(stream).st_size
    data = os.pread(stream, min(size, OUTPUT_CAP), 0)
    os.close(stream)
    return base64.b64encode(data).decode("ascii"), size


def descendants() -> list[int]:
    """Every process below this one; as a subreaper it is the parent of all that lost theirs."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - in the path of every launch
        if entry.isdigit():
            with suppress(OSError, ValueError):
                parents[int(entry)] = int(stat_fields(int(entry))[1])
    found: list[int] = []
    level = {os.getpid()}
    while level:
        level = {pid for pid, parent in parents.items() if parent in level}
        found += level
    return found


def stat_fields(pid: int) -> list[str]:
    """Fields of ``/proc/PID/stat`` after the command's name: state, parent, ..."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return stat_fields(pid)[0] != "Z"
    except OSError:
        return False


def command_of(pid: int) -> str:
    """Name a process that still runs; empty for one that has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").strip() if alive(pid) else ""
    except OSError:
        return ""


def serve(wakeup: int) -> None:
    """Answer requests until standard input ends, then end what still runs."""
    tasks: dict[int, Task] = {}
    with suppress(EOFError):
        answer_all(tasks, wakeup)
    for task in tasks.values():
        task.end()
    for pid in descendants():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def answer_all(tasks: dict[int, Task], wakeup: int) -> None:
    """Answer one request after the other."""
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any] = {}
        try:
            if request["op"] == "start":
                task = Task(request)
                tasks[task.pid] = task
                answer["pid"] = task.pid
            elif request["op"] == "run":
                task = Task(request)
                tasks[task.pid] = task
                answer = task.wait(request["timeout_s"], wakeup)
                del tasks[task.pid]
            elif request["op"] == "wait":
                answer = tasks[request["pid"]].wait(request["timeout_s"], wakeup)
                del tasks[request["pid"]]
            elif request["op"] == "signal":
                os.kill(request["pid"], request["number"])
        except OSError as error:
            answer = {"errno": error.errno, "error": error.strerror}
        reap_orphans(tasks)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def reap_orphans(tasks: dict[int, Task]) -> None:
    """Collect ended processes that were left to us by parents that are gone."""
    for pid in descendants():
        if pid not in tasks:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def main() -> None:
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
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wakeup, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the evaluation decides; its end ends this too
    serve(wakeup)


if __name__ == "__main__":
    main()
