"""The launcher is tested with real processes: what it promises is about them."""

from __future__ import annotations

import hashlib
import os
import pwd
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack

import pytest
from processes import eventually, running, unique_seconds

from evaluation.errors import EvaluationError
from evaluation.measure import launcher_main
from evaluation.measure.launcher import FLOODED, Command, Launcher
from evaluation.measure.user import User, measuring_user, ourselves
from evaluation.model import Completed

ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
MIB = 1 << 20
ROOT = Path(__file__).parents[2]

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    with Launcher(ourselves()) as opened:
        yield opened


class More(TypedDict, total=False):
    env: Mapping[str, str]
    cwd: str
    stdin: bytes
    cleanup: tuple[tuple[str, ...], ...]
    listing: tuple[str, ...]
    listed: str
    accountable: bool


def command(*argv: str, **more: Unpack[More]) -> Command:
    return replace(Command(argv=argv, env=ENV), **more)


def run(launcher: Launcher, *argv: str, timeout_s: float = 60.0, **more: Unpack[More]) -> Completed:
    return launcher.run(command(*argv, **more), timeout_s=timeout_s)


def shell(launcher: Launcher, script: str, timeout_s: float = 60.0, **more: Unpack[More]) -> Completed:
    return run(launcher, "sh", "-c", script, timeout_s=timeout_s, **more)


def python(launcher: Launcher, script: str) -> Completed:
    return run(launcher, sys.executable, "-I", "-S", "-c", script)


# -- how a command ends ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 1, 42, 125, 126, 127, 137, 255])
def test_exit_status_is_the_commands(launcher: Launcher, status: int) -> None:
    assert shell(launcher, f"exit {status}").evidence.exit_status == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGUSR1])
def test_a_signal_is_negative(launcher: Launcher, number: signal.Signals) -> None:
    assert shell(launcher, f"kill -{int(number)} $$").evidence.exit_status == -number


def test_a_missing_command_is_127_with_its_name(launcher: Launcher) -> None:
    done = run(launcher, "no-such-command-here")
    assert done.evidence.exit_status == 127
    assert done.stderr == b"no-such-command-here: No such file or directory\n"
    assert not done.ok


@pytest.mark.parametrize("what", ["text", "folder", "no format"])
def test_what_is_not_executable_is_126(launcher: Launcher, tmp_path: Path, what: str) -> None:
    path = tmp_path / "thing"
    if what == "folder":
        path.mkdir()
    else:
        path.write_text("neither a program nor a script")
        path.chmod(0o755 if what == "no format" else 0o644)
    done = run(launcher, str(path))
    assert done.evidence.exit_status == 126
    assert str(path).encode() in done.stderr


def test_what_cannot_be_passed_to_a_process_is_no_end_of_the_launcher(launcher: Launcher) -> None:
    assert run(launcher, "echo", "a\0b").evidence.exit_status == 126
    assert run(launcher, "true", env={"A=B": "C", "": ""}).evidence.exit_status == 126
    assert run(launcher, "echo", "still here").stdout == b"still here\n"


def test_a_command_that_cannot_be_started_has_no_task(launcher: Launcher) -> None:
    with pytest.raises(EvaluationError, match="cannot start no-such-command-here: No such file"):
        launcher.start(command("no-such-command-here"))


def test_a_missing_working_directory_is_not_the_commands_failure(launcher: Launcher, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"cannot work in .*gone: No such file"):
        run(launcher, "true", cwd=str(tmp_path / "gone"))
    assert run(launcher, "pwd", cwd=str(tmp_path)).stdout == f"{tmp_path}\n".encode()


def test_the_launcher_stands_in_no_folder_of_a_turn(launcher: Launcher, tmp_path: Path) -> None:
    run(launcher, "true", cwd=str(tmp_path))
    assert Path(f"/proc/{launcher._process.pid}/cwd").readlink() == Path("/")


# -- what a command gets -----------------------------------------------------------------------------


def test_the_environment_is_exactly_what_was_asked_for(launcher: Launcher) -> None:
    env = {"PATH": "/usr/bin:/bin", "LANG": "C", "EMPTY": "", "TEXT": 'a "quoted" $HOME\nä'}
    done = run(launcher, "cat", "/proc/self/environ", env=env)
    assert done.stdout == b"".join(f"{key}={value}\0".encode() for key, value in env.items())


def test_arguments_arrive_byte_for_byte(launcher: Launcher) -> None:
    odd = os.fsdecode(b"\xff\xfe not UTF-8")
    assert run(launcher, "printf", "%s|", "", "a b", "$HOME", "*", odd).stdout == (
        b"|a b|$HOME|*|\xff\xfe not UTF-8|"
    )


def test_nothing_else_is_open(launcher: Launcher) -> None:
    other = launcher.start(command("sleep", unique_seconds()))
    done = python(launcher, "import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))")
    assert done.stdout == b"[0, 1, 2, 3]\n"  # 3 is the listing itself
    other.signal(signal.SIGKILL)
    other.wait()


def test_no_signal_is_ignored_or_blocked(tmp_path: Path) -> None:
    # In a process of its own: what it ignores, its children would inherit.
    script = tmp_path / "ignoring.py"
    script.write_text(
        "import signal\n"
        "from evaluation.measure.launcher import Command, Launcher\n"
        "from evaluation.measure.user import ourselves\n"
        "for number in signal.valid_signals() - {9, 17, 19}: signal.signal(number, signal.SIG_IGN)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
        "with Launcher(ourselves()) as launcher:\n"
        "    done = launcher.run(Command(argv=('cat', '/proc/self/status'), env={}), timeout_s=60)\n"
        "print(done.stdout.decode())\n"
    )
    told = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}).stdout  # fmt: skip
    status = dict(line.split(":\t", 1) for line in told.splitlines() if ":\t" in line)
    ours = sum(1 << (number - 1) for number in signal.valid_signals())  # not the C library's own two
    found = {name: int(status[name], 16) & ours for name in ("SigIgn", "SigBlk")}
    assert found == {"SigIgn": 0, "SigBlk": 0}


def test_a_session_of_its_own(launcher: Launcher) -> None:
    script = "import os; print(os.getsid(0) == os.getpgid(0) == os.getpid())"
    assert python(launcher, script).stdout == b"True\n"


def test_standard_input_is_what_was_sent_or_nothing(launcher: Launcher) -> None:
    data = bytes(range(256)) * 4096
    done = run(launcher, "sha256sum", stdin=data)
    assert done.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()
    assert run(launcher, "cat").stdout == b""


# -- what is kept of its output ----------------------------------------------------------------------


def test_outputs_are_kept_apart_and_named_by_their_digest(launcher: Launcher) -> None:
    done = shell(launcher, r"printf '\000\377out'; printf err >&2")
    assert (done.stdout, done.stderr) == (b"\x00\xffout", b"err")
    assert done.evidence.stdout == hashlib.sha256(done.stdout).hexdigest()
    assert done.evidence.stderr == hashlib.sha256(done.stderr).hexdigest()
    assert (done.evidence.stdout_bytes, done.evidence.stderr_bytes) == (5, 3)


def test_an_output_that_is_opened_again_loses_nothing(launcher: Launcher) -> None:
    done = shell(launcher, "echo one >&2; echo two >>/dev/stderr; echo three >&2")
    assert done.stderr == b"one\ntwo\nthree\n"


def test_a_long_output_is_cut_and_its_length_told(launcher: Launcher) -> None:
    done = run(launcher, "head", "-c", str(3 * MIB), "/dev/zero")
    assert (done.ok, len(done.stdout), done.evidence.stdout_bytes) == (True, MIB, 3 * MIB)


def test_a_flood_is_ended_and_said_so(launcher: Launcher) -> None:
    done = run(launcher, "cat", "/dev/zero")
    assert (done.evidence.exit_status, done.evidence.timed_out) == (-signal.SIGKILL, False)
    assert done.failure == FLOODED
    assert done.evidence.stdout_bytes > 256 * MIB
    assert f"{launcher_main.FLOOD_CAP // MIB} MiB" in FLOODED


def test_other_ends_are_no_flood(launcher: Launcher) -> None:
    assert run(launcher, "echo").failure == ""


# -- what it used ------------------------------------------------------------------------------------


def test_memory_is_the_commands_and_not_ours(launcher: Launcher) -> None:
    ours = bytearray(b"x") * (200 * MIB)
    small = run(launcher, "true").evidence.max_rss_bytes
    large = python(launcher, f"x = bytearray(b'x') * {100 * MIB}").evidence.max_rss_bytes
    assert small is not None
    assert large is not None
    assert small < 40 * MIB < 100 * MIB < large < len(ours)


def test_processor_time_of_the_command_and_its_children(launcher: Launcher) -> None:
    script = (
        "import os, time\nif not os.fork():\n while time.process_time() < 0.2: pass\n os._exit(0)\nos.wait()"
    )
    used = python(launcher, script).evidence.cpu_s
    assert used is not None
    assert used >= 0.2


def test_what_an_engine_used_is_not_told_by_its_client(launcher: Launcher) -> None:
    evidence = run(launcher, "true", accountable=False).evidence
    assert (evidence.cpu_s, evidence.max_rss_bytes) == (None, None)


# -- ending by force ---------------------------------------------------------------------------------


def test_past_its_time_the_whole_tree_is_ended(launcher: Launcher) -> None:
    marker = unique_seconds()
    script = (
        f"trap '' TERM HUP; echo started; sleep {marker} & setsid sleep {marker} & "
        f"setsid sh -c 'setsid sleep {marker} & exit' & sleep {marker}"
    )
    task = launcher.start(command("sh", "-c", script))
    assert eventually(lambda: len(running(marker)) == 4)
    done = task.wait(timeout_s=0.0)
    assert (done.evidence.timed_out, done.evidence.exit_status) == (True, -signal.SIGKILL)
    assert done.stdout == b"started\n"
    assert done.evidence.survivors == ()
    assert running(marker) == []


def test_a_tree_that_forks_while_it_is_ended(launcher: Launcher) -> None:
    marker = unique_seconds()
    done = shell(launcher, f"while :; do setsid sleep {marker} & sleep 0.002; done", timeout_s=0.5)
    assert done.evidence.timed_out
    assert running(marker) == []


def test_what_stays_behind_is_named_and_ended_with_the_launcher() -> None:
    marker = unique_seconds()
    with Launcher(ourselves()) as launcher:
        done = shell(launcher, f"setsid sleep {marker} & exit 0")
        assert done.ok
        assert eventually(lambda: len(running(marker)) == 1)
        assert len(done.evidence.survivors) == 1
        assert launcher.sweep() == ()
        assert len(running(marker)) == 1  # an engine's helpers do so, and are wanted by the next turn
    assert running(marker) == []


def test_a_sweep_ends_what_was_left_in_a_commands_session(launcher: Launcher) -> None:
    marker = unique_seconds()
    shell(launcher, f"sleep {marker} & exit 0")
    assert eventually(lambda: len(running(marker)) == 1)
    launcher.sweep()
    assert running(marker) == []


def test_a_sweep_ends_what_nobody_waited_for(launcher: Launcher, tmp_path: Path) -> None:
    marker, swept = unique_seconds(), tmp_path / "swept"
    task = launcher.start(command("sleep", marker, cleanup=(("touch", str(swept)),)))
    launcher.sweep()
    assert running(marker) == []
    assert swept.exists()
    with pytest.raises(EvaluationError, match="it was waited for, or ended, already"):
        task.wait()


def test_the_engine_cleans_up_after_force_only(launcher: Launcher, tmp_path: Path) -> None:
    def cleaned(script: str, timeout_s: float = 60.0) -> bool:
        mark = tmp_path / "mark"
        mark.unlink(missing_ok=True)
        shell(launcher, script, timeout_s=timeout_s, cleanup=(("no-such-command",), ("touch", str(mark))))
        launcher.sweep()
        return mark.exists()

    assert not cleaned("exit 0")
    assert not cleaned("exit 1")
    assert cleaned("sleep 600", timeout_s=0.2)
    assert cleaned("kill -KILL $$")  # a client that is killed tells its engine nothing


def test_the_clean_up_goes_on_until_the_engine_lists_it_no_more(launcher: Launcher, tmp_path: Path) -> None:
    tries, held = tmp_path / "tries", tmp_path / "held"
    held.touch()
    remove = f"echo >> {tries}; [ $(wc -l < {tries}) -lt 3 ] || rm -f {held}"
    task = launcher.start(
        command("sleep", "600", cleanup=(("sh", "-c", remove),), listing=("ls", str(tmp_path)), listed="held")
    )
    launcher.sweep()
    assert not held.exists()
    assert tries.read_text().count("\n") == 3
    with pytest.raises(EvaluationError):
        task.wait()


_ENGINE_THAT_WAITS = """
kill -KILL $(cat pid) 2>/dev/null
tries=0
while [ -d /proc/$(cat pid) ] && [ $tries -lt 200 ]; do tries=$((tries+1)); sleep 0.05; done
if [ -d /proc/$(cat pid) ]; then echo stuck; else echo gone; fi >>answers
"""
"""As ``podman rm`` of Podman 5: it kills the payload and waits until its process id is gone."""


@pytest.mark.parametrize(
    "payload",
    [
        "sh -c 'echo $$ >pid; exec sleep 600' & wait",  # its parents are killed by us, and so is it
        "setsid sh -c 'echo $$ >pid; exec sleep 600' & until [ -s pid ]; do sleep 0.01; done; kill -KILL $$",
    ],
    ids=["client that is ended", "client that was killed"],
)
def test_an_engine_that_waits_for_its_payload_is_not_kept_waiting(
    launcher: Launcher, tmp_path: Path, payload: str
) -> None:
    engine = ("sh", "-c", f"cd {tmp_path}; {_ENGINE_THAT_WAITS}")
    shell(launcher, f"cd {tmp_path}; {payload}", timeout_s=1.0, cleanup=(engine,))
    launcher.sweep()
    assert (tmp_path / "answers").read_text().split() == ["gone"]


def test_nor_is_one_that_is_run_as_a_command(launcher: Launcher, tmp_path: Path) -> None:
    shell(launcher, f"cd {tmp_path}; setsid sh -c 'echo $$ >pid; exec sleep 600' & sleep 0.2")
    assert eventually(lambda: (tmp_path / "pid").read_text() != "")
    shell(launcher, f"cd {tmp_path}; {_ENGINE_THAT_WAITS}")
    assert (tmp_path / "answers").read_text().split() == ["gone"]


def test_reaping_for_an_engine_takes_no_other_commands_end(launcher: Launcher) -> None:
    """Another command ends while an engine is waited for: its status is still told to who waits for it."""
    other = launcher.start(command("sh", "-c", "exit 7"))
    assert eventually(lambda: launcher_main.name_of(other.pid) == "")
    shell(launcher, "sleep 600", timeout_s=0.2, cleanup=(("sleep", "0.1"),))
    assert other.wait().evidence.exit_status == 7


def test_at_the_end_engines_are_asked_for_what_is_left(tmp_path: Path) -> None:
    left = [tmp_path / name for name in ("one", "two", "somebody-elses")]
    with Launcher(ourselves()) as opened:
        for path in left:
            path.touch()
            remove = ("sh", "-c", f'rm -f "{tmp_path}/$0"', path.name)
            if path.name != "somebody-elses":
                run(opened, "true", cleanup=(remove,), listing=("ls", str(tmp_path)), listed=path.name)
        opened.sweep()
        assert all(path.exists() for path in left)  # a client that ended well has told its engine
    assert [path.name for path in left if path.exists()] == ["somebody-elses"]


def test_at_the_end_an_engine_whose_listing_fails_is_asked_again(tmp_path: Path) -> None:
    left, asked = tmp_path / "left", tmp_path / "asked"
    left.touch()
    script = f"echo >>{asked}; [ $(wc -l <{asked}) -gt 2 ] && if [ -e {left} ]; then echo left; fi"
    with Launcher(ourselves()) as opened:
        run(opened, "true", cleanup=(("rm", str(left)),), listing=("sh", "-c", script), listed="left")
    assert not left.exists()


def test_a_signal_to_the_group_reaches_the_children(launcher: Launcher) -> None:
    marker = unique_seconds()
    task = launcher.start(command("sh", "-c", f"sleep {marker} & wait"))
    assert eventually(lambda: len(running(marker)) == 1)
    task.signal(signal.SIGKILL, group=True)
    assert task.wait().evidence.exit_status == -signal.SIGKILL
    assert eventually(lambda: running(marker) == [])


def test_one_commands_end_is_not_anothers(launcher: Launcher, tmp_path: Path) -> None:
    first, second = unique_seconds(), unique_seconds()
    go = tmp_path / "go"
    waiting = f"while [ ! -e {go} ]; do sleep 0.01; done; sleep {first} & wait"
    victim = launcher.start(command("sh", "-c", waiting))
    other = launcher.start(command("sh", "-c", f"sleep {second} & wait"))
    go.touch()
    assert eventually(lambda: len(running(first)) == len(running(second)) == 1)
    assert other.wait(timeout_s=0.0).evidence.timed_out
    assert len(running(first)) == 1  # forked while the other ran: not the other's all the same
    assert running(second) == []
    late = launcher.start(command("sleep", second))
    assert eventually(lambda: len(running(second)) == 1)
    victim.signal(signal.SIGKILL)
    ended = victim.wait()
    assert ended.evidence.exit_status == -signal.SIGKILL
    assert ended.evidence.survivors == ("sleep",)  # its own child, and not the command started later
    assert len(running(second)) == 1
    late.signal(signal.SIGTERM)
    assert late.wait().evidence.exit_status == -signal.SIGTERM


def test_a_running_command_is_signalled_and_waited_for_once(launcher: Launcher) -> None:
    task = launcher.start(
        command("sh", "-c", "trap 'exit 42' TERM; echo ready; while :; do sleep 0.01; done")
    )
    stdout = Path(f"/proc/{task.pid}/fd/1")
    assert eventually(lambda: stdout.read_bytes() == b"ready\n")
    task.signal(signal.SIGTERM)
    assert task.wait().evidence.exit_status == 42
    task.signal(signal.SIGTERM)  # to one that has ended: no error
    with pytest.raises(EvaluationError, match="already"):
        task.wait()


# -- the launcher's own life -------------------------------------------------------------------------


def test_thousands_of_launches_leave_nothing(launcher: Launcher) -> None:
    own = Path(f"/proc/{launcher._process.pid}")

    def state() -> tuple[int, int]:
        return len(list((own / "fd").iterdir())), len(launcher_main.children_of(launcher._process.pid))

    run(launcher, "true")
    before = state()
    for number in range(2000):
        # A fifth of them leaves an orphan that ends later, to be reaped by nobody else.
        script = ("sh", "-c", "sleep 0.001 & exit") if number % 5 == 0 else ("true",)
        assert run(launcher, *script).ok
    assert eventually(lambda: run(launcher, "true").ok and state() == before)


def test_processes_are_found_where_the_kernel_lists_no_children(monkeypatch: pytest.MonkeyPatch) -> None:
    marker = unique_seconds()
    with subprocess.Popen(["sh", "-c", f"sleep {marker} & wait"]) as process:
        assert eventually(lambda: len(running(marker)) == 1)
        listed = launcher_main.descendants()
        monkeypatch.setattr(launcher_main, "CHILDREN_LISTED", False)
        assert launcher_main.descendants() == listed
        assert {process.pid, *running(marker)} <= set(listed)
        os.kill(running(marker)[0], signal.SIGKILL)


def test_a_polite_signal_to_the_launcher_ends_nothing(launcher: Launcher) -> None:
    assert run(launcher, "true").ok
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(launcher._process.pid, number)
    assert run(launcher, "echo", "here").stdout == b"here\n"


def test_a_killed_launcher_is_said_and_closes(launcher: Launcher) -> None:
    os.kill(launcher._process.pid, signal.SIGKILL)
    with pytest.raises(EvaluationError, match="the launcher's process has ended"):
        run(launcher, "true")


class Interruption(BaseException):
    """As KeyboardInterrupt, but no other's."""


def interrupted(*_: object) -> None:
    raise Interruption


def test_after_an_interruption_no_answer_goes_to_another_question(launcher: Launcher) -> None:
    marker = unique_seconds()
    before = signal.signal(signal.SIGALRM, interrupted)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(Interruption):
            run(launcher, "sleep", marker)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert running(marker) == []
    assert run(launcher, "echo", "mine").stdout == b"mine\n"


def test_when_the_parent_is_killed_everything_it_started_is_gone(tmp_path: Path) -> None:
    marker, cleaned = unique_seconds(), tmp_path / "cleaned"
    script = tmp_path / "parent.py"
    script.write_text(
        "import time\n"
        "from evaluation.measure.launcher import Command, Launcher\n"
        "from evaluation.measure.user import ourselves\n"
        f"tree = 'setsid sleep {marker} & sleep {marker} & sleep {marker}'\n"
        f"cleanup = (('touch', {str(cleaned)!r}),)\n"
        f"command = Command(argv=('sh', '-c', tree), env={ENV}, cleanup=cleanup)\n"
        "launcher = Launcher(ourselves())\n"
        "launcher.start(command)\n"
        "launcher.run(command, timeout_s=600)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, script], cwd=ROOT, env=env) as parent:
        assert eventually(lambda: len(running(marker)) == 6)
        parent.kill()
    assert eventually(lambda: running(marker) == [])
    assert eventually(cleaned.exists)


# -- who runs them -----------------------------------------------------------------------------------


@pytest.fixture
def nobody() -> User:
    return measuring_user("nobody")


@needs_root
def test_root_is_given_up_for_good(nobody: User) -> None:
    regain = (
        "import os\n"
        "for way in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0),\n"
        "            lambda: os.setgroups([0])):\n"
        "    try: way(); print('root again')\n"
        "    except PermissionError: print('refused')\n"
    )
    entry = pwd.getpwnam("nobody")
    groups = sorted({*os.getgrouplist("nobody", entry.pw_gid)})
    mask = os.umask(0o077)  # root's own, which is not to be the user's
    try:
        launcher = Launcher(nobody)
    finally:
        os.umask(mask)
    with launcher:
        status = dict(
            line.split(":\t", 1)
            for line in run(launcher, "cat", "/proc/self/status").stdout.decode().splitlines()
        )
        assert status["Uid"].split() == [str(entry.pw_uid)] * 4
        assert status["Gid"].split() == [str(entry.pw_gid)] * 4
        assert sorted(map(int, status["Groups"].split())) == groups
        assert [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")] == [0] * 4
        assert status["Umask"] == "0022"
        if launcher.find("python3"):  # ours may lie where only root can go
            assert run(launcher, "python3", "-I", "-S", "-c", regain).stdout == b"refused\n" * 4


@needs_root
def test_the_users_launcher_cannot_be_steered_by_the_user(nobody: User) -> None:
    with Launcher(nobody) as launcher:
        own = launcher._process.pid
        assert shell(launcher, f"cat /proc/{own}/environ").evidence.exit_status != 0
        assert shell(launcher, f"echo >/proc/{own}/fd/0").evidence.exit_status != 0


@needs_root
def test_a_full_machine_is_not_the_commands_failure(nobody: User) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    resource.setrlimit(resource.RLIMIT_NPROC, (1, hard))  # it does not bind root, who inherits it further
    try:
        launcher = Launcher(nobody)
    finally:
        resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))
    with launcher, pytest.raises(EvaluationError, match="this machine can start nothing more"):
        run(launcher, "true")
