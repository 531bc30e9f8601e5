"""Attempts on what belongs to the same user or to other jobs: only the canary itself counts."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.measure.user import User
from evaluation.model import Outcome
from evaluation.probes.base import Completed, Judgement
from evaluation.probes.registry import find
from evaluation.probes.security import (
    engine_socket_exposure,
    host_socket_exposure,
    keyring_exposure,
    sibling_environment_exposure,
)
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, ended, judge, observations

CANARIES = ("P23", "P27", "P31", "P34", "P35", "P40", "B11")
IN_NAMESPACES = ("unshare", "--user", "--map-root-user", "--mount")


@pytest.mark.parametrize("name", CANARIES)
@pytest.mark.parametrize(
    ("own", "host", "outcome", "verdict"),
    [
        ({"effect": False}, {"effect": True}, Outcome.HOLDS, "DENIED"),
        ({"effect": True}, {"effect": False}, Outcome.FAILS, "EXPOSED"),
        ({"effect": False}, {"effect": False}, Outcome.INERT, "INERT"),
        ({"not_planted": "no place for it"}, {"effect": True}, Outcome.INERT, "INERT"),
        ({"problem": "the payload did not run to its end"}, {"effect": True}, Outcome.ERROR, "ERROR"),
    ],
)
def test_the_table(name: str, own: Recorded, host: Recorded, outcome: Outcome, verdict: str) -> None:
    judgement = judge(name, own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


def attempt(tmp_path: Path, name: str, launch: Callable[[tuple[str, ...]], Completed]) -> Judgement:
    probe = find(name)
    session = FakeSession(probe=probe, work=tmp_path, user_home=tmp_path, on_launch=launch)
    probe.observe(session)
    return probe.judge(session.observations, {"host": observations(probe, {"effect": True}, "host")})


def starting(directory: Path, prefix: str, inside: Completed) -> Callable[[tuple[str, ...]], Completed]:
    """Answer as a canary that is ready with number 7, and as the payload inside."""

    def launch(argv: tuple[str, ...]) -> Completed:
        if "linger" in argv or "hold-shared" in argv:
            (directory / f"{prefix}.ready").write_text("7\n")
            return answered({"what": "linger", "ok": True})
        return inside

    return launch


def inspected(*parts: dict[str, object]) -> Completed:
    return answered(*({"what": "inspect", "seen": True, **part} for part in parts))


def test_another_word_in_the_same_place_is_no_exposure(tmp_path: Path) -> None:
    decoy: dict[str, object] = {"ok": True, "text": "something else"}
    shared = answered({"what": "read", **decoy}, {"what": "read-shared", **decoy})
    assert attempt(tmp_path, "P35", starting(tmp_path, "canary", shared)).verdict == "DENIED"
    key = answered({"what": "read", **decoy})
    assert attempt(tmp_path, "P34", lambda _: key).verdict == "DENIED"
    ring = answered({"what": "read-key", **decoy})
    assert attempt(tmp_path, "P23", lambda _: ring).verdict == "DENIED"
    sibling = inspected({"call": "environ", **decoy})
    assert attempt(tmp_path, "B11", starting(tmp_path / "meeting", "sibling", sibling)).verdict == "DENIED"


def test_a_process_that_is_looked_into_in_one_way_is_exposed_and_the_way_is_named(tmp_path: Path) -> None:
    refused = {"ok": False, "error": "Permission denied"}
    decoy = {"call": "environ", "ok": True, "text": "something else"}
    ways = inspected(decoy, {"call": "root", **refused}, {"call": "ptrace", "ok": True})
    judgement = attempt(tmp_path, "P31", starting(tmp_path, "canary", ways))
    assert judgement.verdict == "EXPOSED"
    assert "allowed: ptrace; without effect on the host: environ" in judgement.message


def test_what_is_not_in_sight_is_said_so(tmp_path: Path) -> None:
    unseen = answered({"what": "inspect", "call": "environ", "seen": False, "ok": False})
    judgement = attempt(tmp_path, "P31", starting(tmp_path, "canary", unseen))
    assert "it did not see the process" in judgement.message


@pytest.mark.parametrize("name", ["P31", "P35", "P32"])
def test_a_canary_that_does_not_start_is_our_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(f"evaluation.probes.security.{find(name).id}.READY_S", 0.01)
    judgement = attempt(tmp_path, name, lambda _: answered({"what": "read", "ok": False}))
    assert judgement.verdict == "ERROR"
    assert "the canary on the host did not work" in judgement.message


def test_a_sibling_that_does_not_start_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sibling_environment_exposure, "READY_S", 0.01)
    assert attempt(tmp_path, "B11", lambda _: ended(exit_status=125)).verdict == "ERROR"


def test_a_home_that_nothing_can_be_planted_in_shows_nothing(tmp_path: Path) -> None:
    assert attempt(tmp_path / "missing", "P34", lambda _: ended()).verdict == "INERT"


def test_without_keys_nothing_is_shown(tmp_path: Path) -> None:
    said = b"probe: cannot add a key: Disk quota exceeded\n"
    judgement = attempt(tmp_path, "P23", lambda _: ended(exit_status=keyring_exposure.NO_KEYS, stderr=said))
    assert judgement.verdict == "INERT"
    assert "Disk quota exceeded" in judgement.message


def test_somebody_elses_listener_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_socket_exposure, "PAUSE_S", 0.01)
    elsewhere = answered({"what": "connect", "ok": True}, {"what": "connect-abstract", "ok": True})
    judgement = attempt(tmp_path, "P27", lambda _: elsewhere)
    assert judgement.verdict == "DENIED"
    assert judgement.message.count("it connected, but not to the host") == 2


def test_without_an_engine_there_is_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answered({"what": "engine-sockets", "call": "/x", "ok": False, "error": "No such file"})
    monkeypatch.setattr(engine_socket_exposure, "SYSTEM", (str(tmp_path / "engine.sock"),))
    monkeypatch.setattr(engine_socket_exposure, "USER", ())
    assert attempt(tmp_path, "P40", lambda _: answer).verdict == "ABSENT"
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(tmp_path / "engine.sock"))
        assert attempt(tmp_path, "P40", lambda _: answer).verdict == "DENIED"


@pytest.mark.usefixtures("user_namespaces")
@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("P27", (*IN_NAMESPACES, "--net")),
        ("P31", (*IN_NAMESPACES, "--pid", "--fork", "--mount-proc")),
        ("P35", (*IN_NAMESPACES, "--ipc", "sh", "-c", 'mount -t tmpfs none /dev/shm && exec "$@"', "sh")),
        ("B11", (*IN_NAMESPACES, "--pid", "--fork", "--mount-proc")),
    ],
)
def test_the_bare_process_reaches_it_and_a_namespace_hides_it(
    take_turn: TakesTurns, name: str, wrap: tuple[str, ...]
) -> None:
    probe, host = find(name), take_turn(name)
    assert probe.judge(host, {}).verdict == "EXPOSED"
    judgement = probe.judge(take_turn(name, wrap=wrap), {"host": host})
    assert judgement.verdict == "DENIED", judgement.message


def test_the_bare_process_has_the_sessions_keyring(take_turn: TakesTurns) -> None:
    host = take_turn("P23")
    if not host.values("effect"):
        pytest.skip(str(host.last("not_planted")))
    assert find("P23").judge(host, {}).verdict == "EXPOSED"


def test_no_canary_is_left_in_shared_memory(take_turn: TakesTurns, ordinary_user: User) -> None:
    take_turn("P35")
    assert not list(Path("/dev/shm").glob("evaluation-*"))  # noqa: S108 - where the canary was
    owners = [line.split()[7] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    assert os.getuid() != 0 or str(ordinary_user.uid) not in owners, "that user has nothing else here"


def test_no_canary_is_left_in_the_home(tmp_path: Path) -> None:
    seen = []

    def launch(argv: tuple[str, ...]) -> Completed:
        key = Path(argv[2])
        seen.append(key.stat().st_mode & 0o777)
        elsewhere = {"what": "read", "path": f"/root/{key.name}", "ok": True, "text": key.read_text()}
        missing = {"what": "read", "path": str(key), "ok": False, "error": "No such file or directory"}
        return answered(missing, elsewhere)

    judgement = attempt(tmp_path, "P34", launch)
    assert judgement.verdict == "EXPOSED", "the home under another name is the home"
    assert judgement.message.endswith("(in /root)")
    assert seen == [0o600]
    assert not list(tmp_path.iterdir())
