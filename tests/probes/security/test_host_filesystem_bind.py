import os
import socket
from pathlib import Path

import pytest

from evaluation.model import Bind, Outcome
from evaluation.probes.base import Completed
from evaluation.probes.security import host_filesystem_bind as module
from evaluation.probes.security.host_filesystem_bind import PROBE, closed_place
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, ended, judge

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can plant this canary")


@pytest.mark.parametrize(
    ("own", "host", "outcome", "verdict"),
    [
        ({"effect": False, "control": True}, {"effect": False}, Outcome.HOLDS, "DENIED"),
        ({"effect": True}, {"effect": False}, Outcome.FAILS, "EXPOSED"),
        ({"effect": False}, {"effect": False}, Outcome.INERT, "INERT"),
        ({"problem": "the payload did not run to its end"}, {"effect": True}, Outcome.ERROR, "ERROR"),
    ],
)
def test_the_table(own: Recorded, host: Recorded, outcome: Outcome, verdict: str) -> None:
    judgement = judge("host_filesystem_bind", own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


@AS_ROOT
def test_a_user_is_refused_and_root_is_not(take_turn: TakesTurns) -> None:
    host, own = take_turn("P39"), take_turn("P39", root_inside=True)
    denied = PROBE.judge(host, {})
    assert denied.verdict == "DENIED"
    assert "Permission denied" in denied.message
    assert denied.message.endswith("control: root itself could")
    exposed = PROBE.judge(own, {"host": host})
    assert exposed.verdict == "EXPOSED"
    assert "it read and wrote" in exposed.message


@AS_ROOT
def test_a_runtime_that_refuses_this_bind_alone_denies(tmp_path: Path) -> None:
    def launch(argv: tuple[str, ...]) -> Completed:
        return answered() if "identity" in argv else ended(exit_status=1, stderr=b"mount of / refused")

    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=launch, privileged=True)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.verdict == "DENIED"
    assert "not with this one: mount of / refused" in judgement.message


@AS_ROOT
def test_a_bind_that_shows_nothing_is_no_denial(tmp_path: Path) -> None:
    missing = {"ok": False, "error": "No such file or directory"}
    lines = [{"what": what, **missing} for what in ("read", "read", "write")]
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: answered(*lines), privileged=True)
    PROBE.observe(session)
    assert PROBE.judge(session.observations, {}).verdict == "ERROR"


def test_without_root_and_without_a_closed_place_an_administrator_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "closed_place", lambda: None)
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: ended())
    PROBE.observe(session)
    assert PROBE.judge(session.observations, {}).verdict == "INERT"
    assert not session.launched


@AS_ROOT
def test_writing_alone_is_an_exposure(tmp_path: Path) -> None:
    def launch(argv: tuple[str, ...]) -> Completed:
        target, content = argv[-2:]
        Path(target.removeprefix("/host")).write_text(content)
        refused = {"what": "read", "ok": False, "error": "Permission denied"}
        return answered(refused, refused, {"what": "write", "ok": True})

    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=launch, privileged=True)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.verdict == "EXPOSED"
    assert judgement.message.endswith("(it wrote)")


@AS_ROOT
def test_what_the_payload_only_says_is_no_exposure(tmp_path: Path) -> None:
    reads = [{"what": "read", "ok": True, "text": "something"}] * 2
    claimed = answered(*reads, {"what": "write", "ok": True})
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: claimed, privileged=True)
    PROBE.observe(session)
    assert PROBE.judge(session.observations, {}).verdict != "EXPOSED"


@pytest.fixture
def nothing_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an administrator has planted on the machine that runs the tests."""
    monkeypatch.setattr(module, "planted", lambda _: None)


@pytest.mark.usefixtures("nothing_planted")
def test_a_user_decides_without_root(take_turn: TakesTurns) -> None:
    denied = PROBE.judge(take_turn("P39", groups=()), {})
    assert denied.verdict == "DENIED"
    assert "Permission denied; the bare host refused the same user" in denied.message
    assert denied.message.endswith("by the same bind the host's root directory itself was opened")


@AS_ROOT
@pytest.mark.usefixtures("nothing_planted")
def test_without_root_what_is_opened_inside_is_an_exposure(take_turn: TakesTurns) -> None:
    exposed = PROBE.judge(take_turn("P39", groups=(), root_inside=True), {})
    assert exposed.verdict == "EXPOSED"
    assert any(f"it opened {place};" in exposed.message for place in module.CLOSED_PLACES)


@AS_ROOT
def test_the_place_is_a_canary_of_roots_before_anything_of_the_hosts(
    scratch: Path, take_turn: TakesTurns, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = scratch / "root-only"
    canary.touch(mode=0o600)
    monkeypatch.setattr(module, "planted", lambda _: canary)
    exposed = PROBE.judge(take_turn("P39", groups=(), root_inside=True), {})
    assert f"it opened {canary}" in exposed.message


def test_no_place_is_closed_to_who_may_open_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "CLOSED_PLACES", (tmp_path, tmp_path / "missing"))
    monkeypatch.setattr(module, "planted", lambda _: None)
    assert closed_place() is None


def test_a_place_on_a_servers_disk_is_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A server may refuse root itself: it would not be the runtime that denied."""
    monkeypatch.setattr(module, "planted", lambda _: tmp_path)
    monkeypatch.setattr(module, "_refused", lambda _: True)
    monkeypatch.setattr(module, "CLOSED_PLACES", ())
    monkeypatch.setattr(module, "file_system_of", lambda _: "ext4")
    assert closed_place() == tmp_path
    monkeypatch.setattr(module, "file_system_of", lambda _: "nfs4")
    assert closed_place() is None


class Reached:
    """A fake payload: it hands files over as `reach` would, and says of the second what the test says."""

    def __init__(self, work: Path, place: Path) -> None:
        self.work, self.place = work, place
        self.inside = {"/": os.O_RDONLY, str(place): os.O_PATH}
        self.errno, self.writable = 13, False

    def __call__(self, argv: tuple[str, ...]) -> Completed:
        on_host = not argv[3].startswith("/host")
        shown = {"/": os.O_RDONLY, str(self.place): os.O_PATH} if on_host else self.inside
        for path, flags in shown.items():
            self._hand(path, flags)
        refused = {"ok": False, "errno": self.errno, "error": "refused", "writable": self.writable}
        return answered({"what": "reach", "ok": True}, {"what": "reach", **refused})

    def _hand(self, path: str, flags: int) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.connect(str(self.work / "verifier.sock"))
            for descriptor in {os.open(path, os.O_PATH), os.open(path, flags)}:
                socket.send_fds(line, [b"n"], [descriptor])
                line.recv(1)
                os.close(descriptor)

    def turn(self, monkeypatch: pytest.MonkeyPatch) -> FakeSession:
        monkeypatch.setattr(module, "closed_place", lambda: self.place)
        session = FakeSession(probe=PROBE, work=self.work, on_launch=self)
        PROBE.observe(session)
        return session


@pytest.fixture
def reached(tmp_path: Path) -> Reached:
    place, work = tmp_path / "place", tmp_path / "work"
    place.mkdir()
    work.mkdir()
    return Reached(work, place)


def test_the_bare_host_is_asked_first_and_the_same_is_asked_inside(
    reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = reached.turn(monkeypatch)
    first, second = session.asked
    assert (first.place, first.argv[1:]) == ("host", ("reach", str(reached.work), "/", str(reached.place)))
    assert second.argv[1:] == ("reach", "/work", "/host/", f"/host{reached.place}")
    assert second.binds == (Bind(source="/", target="/host"),)
    assert PROBE.judge(session.observations, {}).verdict == "DENIED"


def test_an_open_file_of_roots_that_arrives_is_an_exposure(
    reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached.inside[str(reached.place)] = os.O_RDONLY
    judgement = PROBE.judge(reached.turn(monkeypatch).observations, {})
    assert judgement.verdict == "EXPOSED"
    assert f"it opened {reached.place}; the bare host refused the same user" in judgement.message


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ({"/": os.O_PATH, "{place}": os.O_PATH}, "the bind did not show the host"),
        ({"/": os.O_RDONLY}, "the bind did not show the host"),
        ({"/": os.O_RDONLY, "/usr": os.O_RDONLY}, "the bind did not show the host"),
        ({}, "the bind did not show the host"),
    ],
)
def test_what_is_not_seen_to_be_the_hosts_is_no_denial(
    inside: dict[str, int], said: str, reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached.inside = {path.format(place=reached.place): flags for path, flags in inside.items()}
    judgement = PROBE.judge(reached.turn(monkeypatch).observations, {})
    assert judgement.verdict == "ERROR"
    assert said in judgement.message


@pytest.mark.parametrize("failed", ["otherwise", "for reading alone"])
def test_what_failed_otherwise_or_could_be_written_is_no_denial(
    failed: str, reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached.errno, reached.writable = (24, False) if failed == "otherwise" else (13, True)
    judgement = PROBE.judge(reached.turn(monkeypatch).observations, {})
    assert judgement.verdict == "ERROR"
    assert "was neither opened nor refused" in judgement.message


def test_a_place_that_the_bare_host_opens_shows_nothing(
    reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached.place = Path("/usr")
    monkeypatch.setattr(Reached, "__call__", _opens_everything)
    session = reached.turn(monkeypatch)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.verdict == "ERROR"
    assert "asked first, the bare host did not refuse /usr alone" in judgement.message
    assert len(session.launched) == 1


def _opens_everything(reached: Reached, _argv: tuple[str, ...]) -> Completed:
    for path in ("/", str(reached.place)):
        reached._hand(path, os.O_RDONLY)
    return answered({"what": "reach", "ok": True}, {"what": "reach", "ok": True})


def test_a_payload_that_broke_is_not_taken_for_a_bind_that_was_refused(
    reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Reached.__call__

    def broke(fake: Reached, argv: tuple[str, ...]) -> Completed:
        if "identity" in argv:
            return answered({"what": "identity"})
        return (
            bare(fake, argv) if not argv[3].startswith("/host") else answered({"what": "reach", "ok": True})
        )

    monkeypatch.setattr(Reached, "__call__", broke)
    judgement = PROBE.judge(reached.turn(monkeypatch).observations, {})
    assert judgement.verdict == "ERROR"
