import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.probes.base import Completed
from evaluation.probes.reception import SEEN, Reception, attend
from evaluation.probes.security.effective_capabilities import PROBE
from evaluation.probes.visits import Visit, look
from evaluation.testing import FakeSession, answered, ended


def visit(**fields: object) -> Visit:
    made_up = {"letter": "v", "pid": 1, "status": {}, "namespaces": {}, "uid_map": "", "mounts": ""}
    return Visit(**{**made_up, **fields})  # type: ignore[arg-type]  # made up by name


def call(directory: Path, say: Callable[[socket.socket], None]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(5)
        anchor = os.open(directory, os.O_RDONLY)
        try:
            line.connect(f"/proc/self/fd/{anchor}/verifier.sock")
        finally:
            os.close(anchor)
        say(line)


def say_once(line: socket.socket) -> None:
    line.sendall(b"v")
    assert line.recv(1) == b"."


def test_a_caller_is_seen_each_time_it_shows_itself(tmp_path: Path) -> None:
    def twice(line: socket.socket) -> None:
        for letter in (b"a", b"b"):
            line.sendall(letter)
            assert line.recv(1) == b"."

    with Reception(tmp_path) as reception:
        call(tmp_path, twice)
        visits = reception.visits
    assert [seen.letter for seen in visits] == ["a", "b"]
    assert {seen.pid for seen in visits} == {os.getpid()}
    assert not list(tmp_path.iterdir())


def test_what_is_handed_over_is_looked_at_and_closed(tmp_path: Path) -> None:
    def hand(line: socket.socket) -> None:
        with Path("/dev/null").open("rb") as null:
            socket.send_fds(line, [b"n"], [null.fileno()])
            assert line.recv(1) == b"."

    before = len(list(Path("/proc/self/fd").iterdir()))
    with Reception(tmp_path) as reception:
        call(tmp_path, hand)
        (seen,) = reception.visits
    assert seen.device == ("c", 1, 3)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    ("flags", "readable"),
    [(os.O_PATH, False), (os.O_RDONLY, True), (os.O_RDWR, True), (os.O_WRONLY, False)],
)
def test_what_was_only_named_is_told_from_what_was_opened(
    flags: int,
    readable: bool,  # noqa: FBT001 - a row of the table
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    file.touch()

    def hand(line: socket.socket) -> None:
        descriptor = os.open(file, flags)
        socket.send_fds(line, [b"n"], [descriptor])
        os.close(descriptor)
        assert line.recv(1) == b"."

    with Reception(tmp_path) as reception:
        call(tmp_path, hand)
        (seen,) = reception.visits
    assert seen.handed is not None
    assert os.path.samestat(seen.handed, file.stat())
    assert seen.readable is readable


def test_a_caller_that_says_nothing_holds_nobody_up(tmp_path: Path) -> None:
    connected, over = threading.Event(), threading.Event()

    def silent(_line: socket.socket) -> None:
        connected.set()
        over.wait(5)

    caller = threading.Thread(target=call, args=(tmp_path, silent))
    with Reception(tmp_path) as reception:
        caller.start()
        connected.wait(5)
        assert reception.visits == ()
    over.set()
    caller.join()


def test_its_end_does_not_wait_for_another_caller(tmp_path: Path) -> None:
    with Reception(tmp_path) as reception:
        call(tmp_path, say_once)
        time.sleep(0.2)  # it waits for the next caller again
    assert len(reception.visits) == 1


def test_root_without_capabilities_can_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with Reception(tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o711


def test_this_process_is_described_as_it_is() -> None:
    seen = look(os.getpid(), "x")
    assert seen.effective_uid == os.geteuid()
    assert seen.in_user_namespace_of_host is True
    assert seen.shares("uts") is True
    assert seen.mask("CapBnd") is not None
    assert seen.number("Pid") == os.getpid()
    assert " / " in seen.mounts


def test_what_was_seen_is_told_and_recorded(tmp_path: Path) -> None:
    seen = look(os.getpid())
    assert f"Uid {os.getuid()} " in seen.told()
    assert seen.told().endswith("namespaces of the host: mnt, net, user, uts")
    assert (
        visit().told().endswith("namespaces of the host: none; closed to the verifier: mnt, net, user, uts")
    )

    def launch(_: tuple[str, ...]) -> Completed:
        call(tmp_path, say_once)
        return answered()

    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=launch)
    attend(session, "visit", "/work")
    assert session.observations.values(SEEN) == (look(os.getpid()).told(),)
    attend(session, "visit", "/work", on_host=True)
    assert len(session.observations.values(SEEN)) == 1


def test_a_process_that_there_is_not_is_described_as_nothing() -> None:
    seen = look(2**22 + 1)
    assert (seen.effective_uid, seen.mask("CapEff"), seen.number("Seccomp")) == (None, None, None)
    assert seen.in_user_namespace_of_host is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"namespaces": {"user": "user:[1]"}}, False),
        ({"uid_map": Path("/proc/self/uid_map").read_text()}, True),
        ({"uid_map": "0 1001 1\n1 100000 65536\n"}, False),
        ({}, None),
    ],
)
def test_whether_capabilities_count_is_told_by_the_namespace_or_its_map(
    fields: dict[str, object], expected: object
) -> None:
    assert visit(**fields).in_user_namespace_of_host is expected


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ({"what": "visit", "ok": False, "error": "Permission denied"}, "Permission denied"),
        ({"what": "visit", "ok": True}, "reported too little"),
    ],
)
def test_what_is_missing_has_a_reason(tmp_path: Path, line: dict[str, object], word: str) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(line))
    assert word in attend(session, "visit", "/work").missing
    broken = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: ended(exit_status=1))
    assert "exit status 1" in attend(broken, "visit", "/work").missing
