"""The C program, really compiled and run, by an ordinary user where the tests are root's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[2] / "evaluation" / "payload"
PROGRAM = tuple(
    path.name for path in SOURCE.glob("*.c") if path.name not in {"helper.c", "legacy32.c", "mpi_pingpong.c"}
)
ORDINARY = 54_321
STRICT = ("-std=gnu99", "-O2", "-static", "-Wall", "-Wextra", "-Werror")


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="evaluation-tests-"))
    path.chmod(0o755)
    for name, files in (("probe", PROGRAM), ("helper", ("helper.c",))):
        subprocess.run(["cc", *STRICT, "-o", path / name, *(SOURCE / file for file in files)], check=True)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def own(directory: Path) -> Iterator[Path]:
    """A directory of the ordinary user's own."""
    path = Path(tempfile.mkdtemp(prefix="own-", dir=directory))
    if os.getuid() == 0:
        os.chown(path, ORDINARY, ORDINARY)
    yield path
    shutil.rmtree(path)


class Program:
    def __init__(self, path: Path) -> None:
        self.path = path

    def argv(self, *words: object) -> list[str]:
        drop = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups"]
        return [*(drop if os.getuid() == 0 else []), str(self.path), *map(str, words)]

    def run(self, *words: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.argv(*words), capture_output=True, text=True, check=False, env=env)

    def lines(self, *words: object, env: dict[str, str] | None = None) -> list[dict[str, Any]]:
        done = self.run(*words, env=env)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert lines.pop() == {"done": True}
        return lines

    def line(self, *words: object, env: dict[str, str] | None = None) -> dict[str, Any]:
        (line,) = self.lines(*words, env=env)
        return line


@pytest.fixture(scope="module")
def probe(directory: Path) -> Program:
    return Program(directory / "probe")


def test_it_needs_nothing_from_an_image(directory: Path) -> None:
    for name in ("probe", "helper"):
        done = subprocess.run(["ldd", directory / name], capture_output=True, text=True, check=False)
        assert "not a dynamic executable" in done.stderr + done.stdout


@pytest.mark.skipif(os.getuid() != 0, reason="only root can change the root directory")
def test_it_runs_in_an_empty_image(directory: Path, own: Path) -> None:
    shutil.copy(directory / "probe", own / "probe")
    done = subprocess.run(["chroot", own, "/probe", "identity"], capture_output=True, text=True, check=True)
    line, sentinel = map(json.loads, done.stdout.splitlines())
    assert sentinel == {"done": True}
    assert (line["uid"], line["seccomp"]) == (0, None), "there is no /proc to read"


@pytest.mark.parametrize("words", [(), ("nonsense",), ("walk",), ("syscalls", "x", "1"), ("cpu", "-1", "1")])
def test_a_wrong_call_ends_without_the_sentinel(probe: Program, words: tuple[str, ...]) -> None:
    done = probe.run(*words)
    assert done.returncode == 2
    assert "done" not in done.stdout
    assert done.stderr


def test_commands_are_separated_by_two_dashes(probe: Program) -> None:
    lines = probe.lines("getenv", "A", "--", "getenv", "B", env={"A": "1"})
    assert [(line["name"], line["ok"], line["text"]) for line in lines] == [
        ("A", True, "1"),
        ("B", False, None),
    ]


def test_what_was_used_before_is_not_computed_now(probe: Program) -> None:
    """Else a payload that waited seems to have computed what was charged before: B02 in a virtual machine."""
    before = os.times()
    burnt = [line["cpu_ns"] for line in probe.lines("burn", "200", "--", "burn", "200")]
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert min(burnt) >= 200_000_000
    assert used >= sum(burnt) / 1e9 - 2 / os.sysconf("SC_CLK_TCK"), "more was told than was used"


def test_parameters_can_come_from_a_file(probe: Program, own: Path) -> None:
    (own / "parameters").write_text("getenv\nA\n--\ngetenv\nB\n")
    assert [line["name"] for line in probe.lines(f"@{own}/parameters")] == ["A", "B"]
    assert probe.run(f"@{own}/missing").returncode == 2


@pytest.mark.parametrize("value", ['"', "\\", "a\nb\tc", "\x01", "caf\xe9", "{}"])
def test_whatever_is_printed_is_json(probe: Program, value: str) -> None:
    assert probe.line("getenv", "A", env={"A": value})["text"].encode("latin-1").decode() == value


def test_system_calls_are_timed(probe: Program) -> None:
    lines = probe.lines("syscalls", 1000, 3)
    assert [(line["repetition"], line["calls"]) for line in lines] == [(0, 1000), (1, 1000), (2, 1000)]
    assert all(line["elapsed_ns"] > 0 for line in lines)


def test_the_same_rounds_give_the_same_checksum(probe: Program) -> None:
    first, second = probe.lines("cpu", 1000, 2)
    assert first["checksum"] == second["checksum"]
    assert probe.line("cpu", 1001, 1)["checksum"] != first["checksum"]


@pytest.mark.parametrize("what", ["lookups", "opens"])
def test_files_are_looked_up_and_opened(probe: Program, own: Path, what: str) -> None:
    (own / "one").write_text("1")
    (own / "two").write_text("2")
    (own / "directory").mkdir()
    (own / "link").symlink_to("one")
    line = probe.line(what, own, 10, 1)
    assert (line["calls"], line["files"], line["errors"]) == (10, 2, 0)
    assert line["elapsed_ns"] > 0
    assert probe.lines(what, own / "missing", 10, 1) == [], "nothing to do is nothing done"
    if what == "opens" and os.getuid() == 0:
        (own / "two").chmod(0)
        assert probe.line(what, own, 10, 1)["errors"] == 5


def test_files_are_read_by_several_at_once(probe: Program, own: Path) -> None:
    (own / "small").write_text("1")
    (own / "large").write_bytes(bytes(200_000))
    (own / "link").symlink_to("small")
    line = probe.line("reads", own, 10, 1, 4)
    assert (line["calls"], line["files"], line["readers"], line["errors"]) == (10, 2, 4, 0)
    assert line["bytes"] == 4 * 5 * 200_001, "each of the four reads each of the two five times, to the end"
    assert line["elapsed_ns"] > 0
    assert len(probe.lines("reads", own, 10, 3, 2)) == 3
    assert probe.lines("reads", own / "missing", 10, 1, 4) == [], "nothing to do is nothing done"
    assert probe.run("reads", own, 10, 1, 0).returncode == 2
    if os.getuid() == 0:
        (own / "large").chmod(0)
        line = probe.line("reads", own, 10, 1, 4)
        assert (line["errors"], line["bytes"]) == (4 * 5, 4 * 5)


def test_the_same_files_are_read_in_whatever_order_a_file_system_lists_them(
    probe: Program, own: Path
) -> None:
    for number in range(30):
        (own / f"{number:02}").write_bytes(bytes(1 << number if number < 10 else 1))
    assert [probe.line("reads", own, calls, 1, 1)["bytes"] for calls in range(1, 11)] == [
        (1 << calls) - 1 for calls in range(1, 11)
    ]


def test_the_payload_says_on_how_many_cores_it_may_run(probe: Program, own: Path) -> None:
    (own / "one").write_text("1")
    core = str(max(os.sched_getaffinity(0)))
    argv = ["taskset", "-c", core, *probe.argv("opens", own, 1, 1)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[0])["cpus"] == 1


def test_programs_are_started_and_their_end_is_looked_at(probe: Program) -> None:
    line = probe.line("execs", probe.path, 5, 1)
    assert (line["calls"], line["errors"]) == (5, 0)
    assert probe.line("execs", "/bin/false", 5, 1)["errors"] == 5
    assert probe.line("execs", "/missing", 5, 1)["errors"] == 5


def test_a_tree_is_counted(probe: Program, own: Path) -> None:
    (own / "tree" / "a").mkdir(parents=True)
    (own / "tree" / "a" / "file").write_text("x")
    (own / "tree" / "link").symlink_to("a")
    line = probe.line("cd", own, "--", "tree", "tree")
    assert (line["files"], line["directories"], line["others"], line["errors"]) == (1, 2, 1, 0)
    assert probe.line("tree", own / "missing")["errors"] == 1


def test_without_the_directory_nothing_else_is_done(probe: Program, own: Path) -> None:
    done = probe.run("cd", own / "missing", "--", "identity")
    assert (done.returncode, done.stdout) == (3, "")
    assert "No such file or directory" in done.stderr


def test_the_triad_moves_three_arrays_and_is_checked(probe: Program) -> None:
    first, second = probe.lines("triad", 1000, 2)
    assert (first["bytes"], first["errors"], second["errors"]) == (24_000, 0, 0)


def test_the_matrix_product_is_right(probe: Program) -> None:
    size = 100
    a = [[((i * size + j) % 17) / 17 for j in range(size)] for i in range(size)]
    b = [[((i * size + j) % 23) / 23 for j in range(size)] for i in range(size)]
    columns = list(zip(*b, strict=True))
    product = [sum(x * y for x, y in zip(row, column, strict=True)) for row in a for column in columns]
    line = probe.line("matrix", size, 1)
    expected = sum(value * (i % 7) for i, value in enumerate(product))
    assert float(line["checksum"]) == pytest.approx(expected, rel=1e-12)
    assert line["operations"] == 2 * size**3


def test_memory_is_held_until_it_may_go(probe: Program, own: Path) -> None:
    argv = probe.argv("hold", 8 << 20, own / "h", 30)
    holding = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    while not (own / "h.ready").exists():
        assert holding.poll() is None
    (own / "h.go").touch()
    output, _ = holding.communicate(timeout=10)
    assert json.loads(output.splitlines()[0])["peak_bytes"] >= 8 << 20


def test_what_is_written_is_what_is_read(probe: Program, own: Path) -> None:
    written, read = probe.lines("bind-write", own / "f", 3 << 20, "--", "bind-read", own / "f")
    assert written["bytes"] == read["bytes"] == (own / "f").stat().st_size == 3 << 20
    assert written["checksum"] == read["checksum"]
    again = probe.line("bind-write", own / "f", 1 << 20)
    assert (again["errors"], again["error"]) == (1, "File exists"), "nothing is overwritten"
    (own / "f").write_bytes(b"x" * (3 << 20))
    assert probe.line("bind-read", own / "f")["checksum"] != written["checksum"]
    assert probe.line("bind-read", own / "missing")["errors"] == 1


def test_what_is_put_out_of_the_cache_is_counted(probe: Program, own: Path) -> None:
    probe.lines("bind-write", own / "f", 1 << 20)
    line = probe.line("evict", own)
    assert (line["files"], line["bytes"], line["errors"]) == (1, 1 << 20, 0)
    assert 0 <= line["resident_bytes"] <= 1 << 20
    assert probe.line("evict", own / "missing")["errors"] == 1


def test_every_byte_comes_over_the_loopback(probe: Program) -> None:
    line = probe.line("loopback", 4 << 20)
    assert (line["bytes"], line["errors"]) == (4 << 20, 0)


def test_the_vsyscall_page_is_looked_for_in_children_that_may_crash(probe: Program) -> None:
    page, call, read = probe.lines("vsyscall-page", "--", "vsyscall-call", "--", "vsyscall-read")
    assert page["listed"] is True
    if page["permissions"] is None:
        assert (call["ok"], read["ok"]) == (False, False)
    else:
        assert call["ok"] is True
        assert read["ok"] is page["permissions"].startswith("r")


def test_programs_of_the_usual_path_are_found(probe: Program) -> None:
    lines = probe.lines("programs", "sh", "no-such-program")
    assert [(line["name"], line["ok"]) for line in lines] == [("sh", True), ("no-such-program", False)]


def test_a_32_bit_program_needs_nothing(directory: Path) -> None:
    flags = ("-m32", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-O2", "-Werror")
    argv = ["cc", *flags, "-o", str(directory / "legacy32"), str(SOURCE / "legacy32.c")]
    if subprocess.run(argv, capture_output=True, check=False).returncode:
        pytest.skip("this compiler makes no 32-bit programs")
    assert (directory / "legacy32").read_bytes()[4] == 1, "an ELF file of class 32"


def test_a_walk_counts_what_it_read(probe: Program, own: Path) -> None:
    tree = own / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "one").write_text("1" * 10)
    (tree / "a" / "two").write_text("2" * 100)
    (tree / "a" / "b" / "large").write_text("3" * 1000)
    (tree / "link").symlink_to("one")
    line = probe.line("walk", tree, 100)
    assert (line["files"], line["directories"], line["bytes"], line["errors"]) == (2, 3, 110, 0)


def test_a_walk_reports_what_it_could_not_read(probe: Program, own: Path) -> None:
    assert probe.line("walk", own / "missing", 100)["errors"] == 1
    if os.getuid() == 0:
        (own / "secret").write_text("x")
        (own / "secret").chmod(0o600)
        assert probe.line("walk", own, 100)["errors"] == 1


def test_a_file_is_written_once_and_never_through_a_link(probe: Program, own: Path) -> None:
    assert probe.line("write", own / "file", "text")["ok"] is True
    assert (own / "file").read_text() == "text"
    assert probe.line("write", own / "file", "more")["error"] == "File exists"
    (own / "link").symlink_to(own / "target")
    assert probe.line("write", own / "link", "text")["ok"] is False
    assert not (own / "target").exists()


def test_a_file_is_read_or_refused(probe: Program, own: Path) -> None:
    (own / "file").write_text("a secret")
    assert probe.line("read", own / "file")["text"] == "a secret"
    refused = probe.line("read", own / "missing")
    assert (refused["ok"], refused["errno"], "text" in refused) == (False, 2, False)


def test_a_tree_is_made_and_removed(probe: Program, own: Path) -> None:
    made, removed = probe.lines("make-tree", own / "tree", "--", "remove-tree", own / "tree")
    assert made["ok"]
    assert removed["ok"]
    assert not (own / "tree").exists()
    assert probe.line("remove-tree", own / "tree")["ok"] is False


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a foreign directory")
def test_a_foreign_tree_cannot_be_removed(probe: Program, own: Path) -> None:
    (own / "tree").mkdir()
    (own / "tree" / "file").write_text("")
    assert probe.line("remove-tree", own / "tree")["error"] == "Permission denied"


def test_the_identity_is_the_processes_own(probe: Program) -> None:
    line = probe.line("identity")
    expected = ORDINARY if os.getuid() == 0 else os.getuid()
    assert line["uid"] == line["euid"] == line["suid"] == expected
    before = os.umask(0o027)
    try:
        assert probe.line("identity")["umask"] == 0o027
    finally:
        os.umask(before)
    assert line["no_new_privs"] in {0, 1}
    assert int(line["cap_bnd"], 16) >= 0


def test_new_privileges_are_seen_to_be_forbidden(probe: Program) -> None:
    argv = ["setpriv", "--no-new-privs", *probe.argv("identity")]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[0])["no_new_privs"] == 1


def test_a_loopback_listener_is_reached(probe: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert probe.line("connect", port, "word")["ok"] is True
        caller, _ = listener.accept()
        with caller:
            assert caller.recv(100) == b"word"
    assert probe.line("connect", port, "word")["error"] == "Connection refused"


def test_a_call_needs_a_verifier(probe: Program, own: Path) -> None:
    assert probe.line("call", own)["ok"] is False
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(own / "verifier.sock"))
        (own / "verifier.sock").chmod(0o777)
        listener.listen()
        assert probe.line("call", own)["ok"] is True


def test_the_helper_says_who_it_is_and_that_a_missing_one_did_not_run(probe: Program, own: Path) -> None:
    helper = probe.path.with_name("helper")
    lines = probe.lines("run-helper", helper, own, ORDINARY, ORDINARY)
    by_name = {line.get("what"): line for line in lines}
    assert by_name["helper"]["euid"] == by_name["run-helper"]["euid"]
    lines = probe.lines("run-helper", own / "missing", own, ORDINARY, ORDINARY)
    assert [line["what"] for line in lines] == ["run-helper", "exec"]
    assert lines[1]["error"] == "No such file or directory"


@pytest.mark.parametrize("name", ["verifier.sock", "other.sock"])
def test_the_helper_calls_the_verifier_and_nobody_whom_a_link_names(
    probe: Program, own: Path, name: str
) -> None:
    """Planted setuid, it would have let any user have root call any socket of the machine."""
    helper = own / "helper"
    shutil.copy(probe.path.with_name("helper"), helper)
    helper.chmod(0o4755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(own / name))
        (own / name).chmod(0o777)
        listener.listen()
        if name != "verifier.sock":
            (own / "verifier.sock").symlink_to(own / name)
        told = Program(helper).line(own)
    assert told["ok"] is (name == "verifier.sock")


def test_a_helper_is_planted_with_its_bit(probe: Program, own: Path) -> None:
    helper = probe.path.with_name("helper")
    line = probe.line("plant", helper, own / "planted")
    assert (line["ok"], line["mode"]) == (True, 0o4755)
    assert (own / "planted").read_bytes() == helper.read_bytes()
    assert (own / "planted").stat().st_mode & 0o7777 == 0o4755
    assert probe.line("plant", helper, own / "planted")["error"] == "File exists"


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_is_waited_for(probe: Program, own: Path, sent: signal.Signals) -> None:
    waiting = subprocess.Popen(probe.argv("await-signal", own / "w", 30), stdout=subprocess.PIPE, text=True)
    while not (own / "w.ready").exists():
        assert waiting.poll() is None
    waiting.send_signal(sent)
    output, _ = waiting.communicate(timeout=10)
    line, sentinel = map(json.loads, output.splitlines())
    assert (line["received"], line["sender_uid"], sentinel) == (sent, os.getuid(), {"done": True})
    assert waiting.returncode == 42
    assert (own / "w.received").read_text() == f"{sent:d}\n"


def test_no_mark_is_left_by_a_process_that_could_not_write_it(probe: Program, own: Path) -> None:
    no_file_may_grow = ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh")
    done = subprocess.run((*no_file_may_grow, *probe.argv("await-signal", own / "w", 1)), check=False)
    assert done.returncode == -signal.SIGXFSZ
    assert not (own / "w.ready").exists()


def test_waiting_in_vain_is_told_apart(probe: Program, own: Path) -> None:
    done = probe.run("await-signal", own / "w", 0)
    assert done.returncode == 43
    assert not (own / "w.received").exists()


def test_a_process_is_found_by_its_word_and_signalled(probe: Program, own: Path) -> None:
    argv = probe.argv("await-signal", own / "w", 30, "a-word-of-its-own")
    waiting = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    while not (own / "w.ready").exists():
        assert waiting.poll() is None
    (own / "other").write_text("signal-process\na-word\n")
    (own / "exact").write_text("signal-process\na-word-of-its-own\n")
    assert probe.line(f"@{own}/other")["found"] == 0
    line = probe.line(f"@{own}/exact")
    output, _ = waiting.communicate(timeout=10)
    assert (line["found"], line["may_signal"], line["ok"]) == (waiting.pid, True, True)
    assert json.loads(output.splitlines()[0])["received"] == signal.SIGUSR1


@pytest.mark.skipif(os.getuid() != 0, reason="only root has a process that a user may not signal")
def test_a_foreign_process_may_not_be_signalled(probe: Program, own: Path) -> None:
    foreign = subprocess.Popen(["sleep", "30", "31"])
    try:
        (own / "parameters").write_text("signal-process\n31\n")
        line = probe.line(f"@{own}/parameters")
        assert (line["found"], line["ok"], line["error"]) == (foreign.pid, False, "Operation not permitted")
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


def test_an_attempt_that_is_killed_says_so_and_the_rest_goes_on(probe: Program, own: Path) -> None:
    argv = ["prlimit", "--fsize=0", *probe.argv("write", own / "file", "text", "--", "getenv", "A")]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env={**os.environ, "A": "1"})
    killed, after, sentinel = map(json.loads, done.stdout.splitlines())
    assert (killed["ok"], killed["ended_by_signal"]) == (False, signal.SIGXFSZ)
    assert after["text"] == "1"
    assert sentinel == {"done": True}
