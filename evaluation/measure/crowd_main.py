"""The process that starts many containers at once: the launcher's, with one operation more.

The loop is written to be no slower than ``xargs -P``: one process, ``posix_spawn``, no thread, no shell. All
times are read from one clock, the kernel's monotonic one, which a container shares with its host: *submitted*
right before the spawn, *first output* when a byte of it is here, *ended* when its end is told. When the first
instruction ran inside, the payload says itself.

Its end ends everything, as the launcher's does: when standard input closes (the evaluation was killed), every
started process is killed, and the engines are asked to remove what is named as ours.
"""

from __future__ import annotations

import base64
import errno
import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))  # noqa: PTH100, PTH120 - no pathlib

from evaluation.measure.launcher_main import (
    Server,
    ask_engine,
    descendants,
    kill,
    main,
    memory_file,
    read,
    spawn,
    take,
)

_SAMPLE_S = 0.05
_PRESSURE_S = 1.0
_SETTLE_S = 3.0
_OUTPUT_CAP = 4096
_IMAGE_MOUNTS = ("squashfs ", "fuse")
_EXHAUSTED = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)


class Crowd:
    """One level: so many of one command, at most so many of them at once."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.argv: list[str] = request["argv"]
        self.name: str = request["listed"]
        self.env: dict[str, str] = request["env"]
        self.cleanup: list[list[str]] = request["cleanup"]
        self.listing: list[str] = request["listing"]
        self.width: int = request["width"]
        self.launches: int = request["launches"]
        self.at_most: int = request["at_most"]
        self.least_ns = int(request["least_s"] * 1e9)
        self.most_ns = int(request["most_s"] * 1e9)
        self.timeout_ns = int(request["timeout_s"] * 1e9)
        self.floor_bytes: int = request["floor_bytes"]
        self.pressure: float = request["pressure"]
        self.failures: int = request["failures"]
        self.running: dict[int, int] = {}
        self.streams: dict[int, tuple[int, int]] = {}
        self.rows: list[dict[str, Any]] = []
        self.stopped = ""
        self.failed = 0
        self.available = available_bytes()
        self.lowest = self.available
        self.sampled_ns = 0
        self.stalled = (time.monotonic_ns(), stalled_us())

    def run(self) -> dict[str, Any]:
        """Start, wait, account for every one of them, and look at what is left."""
        before, mounts, loops, busy = set(descendants()), mount_points(), loop_devices(), busy_s()
        ended, woken = os.pipe()
        os.set_blocking(ended, False)
        os.set_blocking(woken, False)
        self.epoll = select.epoll()
        self.epoll.register(0, select.EPOLLIN)
        self.epoll.register(ended, select.EPOLLIN)
        self.ended = ended
        former = signal.signal(signal.SIGCHLD, lambda *_: None)  # ignored by default, it would wake nobody
        wakeup = signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        self.nothing = os.open(os.devnull, os.O_RDONLY)
        self.began_ns = time.monotonic_ns()
        try:
            self.loop()
            span_ns = time.monotonic_ns() - self.began_ns
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
            signal.set_wakeup_fd(wakeup)
            signal.signal(signal.SIGCHLD, former)
            self.epoll.close()
            for stream in (ended, woken, self.nothing):
                os.close(stream)
        busy = busy_s() - busy
        left = self.settle(before, mounts, loops)
        return {
            "began_ns": self.began_ns,
            "wall_ns": time.time_ns() - (time.monotonic_ns() - self.began_ns),
            "span_s": span_ns / 1e9,
            "rows": self.rows,
            "stopped": self.stopped,
            "memory_used_bytes": max(0, self.available - self.lowest),
            "busy_s": busy,
            **left,
        }

    def loop(self) -> None:
        """Keep ``width`` of them running until all have ended, or the host is in distress."""
        while True:
            while len(self.running) < self.width and not self.stopped and self.wants_more():
                self.start()
            if not self.running:
                return
            events = self.epoll.poll(_SAMPLE_S)
            told_ns = time.monotonic_ns()
            for stream, what in events:
                if stream == 0:
                    raise EOFError
                if stream == self.ended:
                    with suppress(BlockingIOError):
                        os.read(stream, 4096)
                elif what & select.EPOLLIN:  # and not its end alone
                    self.rows[self.streams[stream][0]].setdefault("first", told_ns - self.began_ns)
            self.reap()
            if told_ns - self.sampled_ns > _SAMPLE_S * 1e9:
                self.sampled_ns = told_ns
                self.look(told_ns)

    def wants_more(self) -> bool:
        """At least ``width`` are started; then enough of them, for long enough, and never for too long."""
        begun = len(self.rows)
        if begun < self.width:
            return True
        if begun >= self.at_most:
            return False
        spent_ns = time.monotonic_ns() - self.began_ns
        return spent_ns < (self.most_ns if begun < self.launches else self.least_ns)

    def start(self) -> None:
        """Start one more."""
        number = len(self.rows)
        name = f"{self.name}-{number}"
        argv = [name if word == self.name else word for word in self.argv]
        out, into = os.pipe()
        os.set_blocking(out, False)
        errors = memory_file("stderr")
        row: dict[str, Any] = {"submitted": time.monotonic_ns() - self.began_ns}
        self.rows.append(row)
        try:
            pid = spawn(argv, self.env, (self.nothing, into, errors))
        except OSError as error:
            row |= {"ended": row["submitted"], "error": f"not started: {error.strerror}"}
            self.failed += 1
            os.close(out)
            os.close(errors)
            if error.errno in _EXHAUSTED:
                self.stopped = f"this machine starts nothing more: {error.strerror}"
            elif number == 0:
                self.stopped = "it cannot be started"
            return
        finally:
            os.close(into)
        self.running[pid] = number
        self.streams[out] = (number, errors)
        row["pid"], row["out"] = pid, out
        self.epoll.register(out, select.EPOLLIN | select.EPOLLONESHOT)

    def reap(self) -> None:
        """Collect what has ended; each end is timed as it is asked for."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            number = self.running.pop(pid, None)
            if number is not None:  # else an orphan that was left to us
                self.close(self.rows[number], os.waitstatus_to_exitcode(status))
                self.rows[number]["cpu_s"] = usage.ru_utime + usage.ru_stime

    def close(self, row: dict[str, Any], status: int | None, error: str = "") -> None:
        """Note one's end, with what it printed."""
        row["ended"] = time.monotonic_ns() - self.began_ns
        out = row.pop("out")
        row.pop("pid")
        _, errors = self.streams.pop(out)
        with suppress(BlockingIOError):
            if printed := os.read(out, _OUTPUT_CAP):
                row["stdout"] = base64.b64encode(printed).decode("ascii")
                row.setdefault("first", row["ended"])
        if status or error:
            self.failed += 1
            row["stderr"] = take(errors)[0]
        if status is not None:
            row["status"] = status
        if error:
            row["error"] = error
        os.close(out)
        os.close(errors)

    def look(self, now_ns: int) -> None:
        """Look at the host; at its first distress nothing more is started, and what hangs is ended."""
        self.lowest = min(self.lowest, available_bytes())
        if self.lowest < self.floor_bytes:
            self.give_up(f"less than {self.floor_bytes >> 20} MiB of memory were left")
        since_ns, before_us = self.stalled
        if now_ns - since_ns > _PRESSURE_S * 1e9:
            us = stalled_us()
            self.stalled = now_ns, us
            share = (us - before_us) * 1000 / (now_ns - since_ns)
            if share > self.pressure:
                self.give_up(f"everything waited for memory {share:.0%} of a second")
        if self.failed >= self.failures:
            self.stopped = self.stopped or f"{self.failed} of them failed"
        for pid, number in list(self.running.items()):
            if now_ns - self.began_ns - self.rows[number]["submitted"] > self.timeout_ns:
                self.stopped = self.stopped or f"one did not end within {self.timeout_ns / 1e9:.0f} s"
                self.end(pid, f"ended by us after {self.timeout_ns / 1e9:.0f} s")

    def give_up(self, why: str) -> None:
        """End all that run: the host needs what they have."""
        self.stopped = self.stopped or why
        for pid in list(self.running):
            self.end(pid, f"ended by us: {why}")

    def end(self, pid: int, why: str) -> None:
        """Kill one with its session and account for it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        self.close(self.rows[self.running.pop(pid)], None, why)

    def settle(self, before: set[int], mounts: set[str], loops: set[str]) -> dict[str, Any]:
        """Wait for what is ending; name what stays, and remove it."""

        def processes() -> dict[int, str]:
            reap_all()
            return {pid: name for pid, name in descendants().items() if pid not in before}

        give_up = time.monotonic() + _SETTLE_S
        while time.monotonic() < give_up and (
            processes() or mount_points() - mounts or loop_devices() - loops
        ):
            time.sleep(0.01)
        left = sorted(processes().values())
        held = self.containers() if self.listing else set()
        while held and time.monotonic() < give_up:
            time.sleep(0.1)
            held = self.containers()
        kill(lambda: list(processes()))
        self.remove(held)
        reap_all()
        return {
            "processes_left": left,
            "containers_left": sorted(held),
            "mounts_left": sorted(mount_points() - mounts),
            "loops_left": sorted(loop_devices() - loops),
        }

    def containers(self) -> set[str]:
        """Ask the engine for the containers of this level that it still holds."""
        said = ask_engine(self.listing, self.env) if self.listing else ""
        return {name for name in (said or "").split() if name.startswith(f"{self.name}-")}

    def remove(self, held: set[str]) -> None:
        """Have the engine remove them, all by one command."""
        for argv in self.cleanup if held else ():
            ask_engine(
                [each for word in argv for each in (sorted(held) if word == self.name else [word])], self.env
            )

    def abandon(self) -> None:
        """End everything at once, for nobody listens any more."""
        kill(descendants)
        for _ in range(3):  # a container that was being made is listed only afterwards
            self.remove(self.containers())
            time.sleep(0.2)


class CrowdServer(Server):
    """Answers what the launcher answers, and starts crowds."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked."""
        if request["op"] != "crowd":
            return super().answer(request)
        crowd = Crowd(request)
        try:
            return crowd.run()
        except BaseException:
            crowd.abandon()
            raise


def reap_all() -> None:
    """Collect every child that has ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def available_bytes() -> int:
    """Tell how much memory a new program could have; a great deal where the kernel does not say."""
    with suppress(OSError, ValueError, IndexError):
        return int(read("/proc/meminfo").split("MemAvailable:")[1].split()[0]) * 1024
    return 1 << 60


def stalled_us() -> int:
    """Tell for how long nothing at all could go on for want of memory, since the start of the machine."""
    with suppress(OSError, ValueError, IndexError):
        return int(read("/proc/pressure/memory").split("full ")[1].split("total=")[1].split()[0])
    return 0


def busy_s() -> float:
    """Tell the seconds that all processors together have worked since the start of the machine."""
    with suppress(OSError, ValueError, IndexError):
        ticks = [int(word) for word in read("/proc/stat").split("\n", 1)[0].split()[1:9]]
        return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    return 0.0


def mount_points() -> set[str]:
    """Name the mounts of image files (proc_pid_mountinfo(5)); others work on this host too, and mount.

    What of an engine's or any other kind stays for good, the audit at the end of the run finds.
    """
    with suppress(OSError), open("/proc/self/mountinfo", errors="replace") as lines:  # noqa: PTH123 - no pathlib
        halves = [line.partition(" - ") for line in lines]
        return {head.split()[4] for head, _, tail in halves if tail.startswith(_IMAGE_MOUNTS)}
    return set()


def loop_devices() -> set[str]:
    """Name the loop devices in use."""
    with suppress(OSError):
        names = os.listdir("/sys/block")  # noqa: PTH208 - no pathlib
        return {
            name
            for name in names
            if name.startswith("loop") and os.path.exists(f"/sys/block/{name}/loop")  # noqa: PTH110
        }
    return set()


if __name__ == "__main__":
    main(CrowdServer)
