import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.security import setuid_planting as module
from evaluation.probes.security.setuid_planting import PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can plant this canary")


@pytest.fixture(autouse=True)
def nothing_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an administrator has planted on the machine that runs the tests."""
    monkeypatch.setattr(module, "planted", lambda _: None)


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
    judgement = judge("setuid_planting", own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


@AS_ROOT
def test_a_users_file_gives_nothing_and_roots_does(take_turn: TakesTurns) -> None:
    host, own = take_turn("P15"), take_turn("P15", root_inside=True)
    denied = PROBE.judge(host, {})
    assert denied.verdict == "DENIED"
    assert denied.message.endswith("control: a file that root planted does")
    exposed = PROBE.judge(own, {"host": host})
    assert exposed.verdict == "EXPOSED"
    assert "belongs to host uid 0, mode 4755" in exposed.message


@AS_ROOT
def test_a_user_decides_without_root_by_a_setgid_program_of_another_group(take_turn: TakesTurns) -> None:
    denied = PROBE.judge(take_turn("P15", groups=(54_322,)), {})
    assert denied.verdict == "DENIED"
    assert denied.message.endswith("a setgid program that the user planted there gave its caller its group")
    exposed = PROBE.judge(take_turn("P15", groups=(54_322,), root_inside=True), {})
    assert exposed.verdict == "EXPOSED"
    assert "belongs to host uid 0, mode 4755" in exposed.message


def test_a_users_own_run_gives_nothing_away(take_turn: TakesTurns, scratch: Path) -> None:
    if any(module.obstacle(scratch)):
        pytest.skip(module.obstacle(scratch)[0])
    denied = PROBE.judge(take_turn("P15", groups=()), {})
    assert denied.verdict == "DENIED"
    assert "; control: a setgid program" in denied.message or "; control: setuid programs" in denied.message


@AS_ROOT
def test_a_user_of_one_group_has_the_kernels_word(take_turn: TakesTurns) -> None:
    denied = PROBE.judge(take_turn("P15", groups=()), {})
    assert denied.verdict == "DENIED"
    assert denied.message.endswith("setuid programs work there (told by the kernel, not tried)")


@AS_ROOT
def test_a_canary_of_an_administrators_is_tried_first(
    take_turn: TakesTurns, scratch: Path, payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = scratch / "canary"
    shutil.copyfile(payload / "helper", canary)
    canary.chmod(0o4755)
    monkeypatch.setattr(module, "planted", lambda _: canary)
    denied = PROBE.judge(take_turn("P15", groups=(54_322,)), {})
    assert denied.message.endswith("control: a file that root planted on the same file system does")
    canary.chmod(0o755)
    assert PROBE.judge(take_turn("P15", groups=(54_322,), wrap=("env",)), {}).verdict == "INERT"


def left_by_user(work: Path, payload: Path) -> FakeSession:
    """A fake runtime in which the payload leaves a file of the user's own; each program runs as the user."""

    def launch(argv: tuple[str, ...]) -> Completed:
        if "plant" not in argv:
            return answered({"what": "helper", "uid": 1, "euid": 1, "ok": True})
        shutil.copyfile(payload / "helper", work / "planted")
        return answered({"what": "plant", "ok": True})

    return FakeSession(probe=PROBE, work=work, on_launch=launch, payload=payload)


@pytest.mark.parametrize("kind", ["nfs4", "fuse.sshfs", "vfat", ""])
def test_where_a_file_may_change_its_owner_nothing_is_denied(
    kind: str, tmp_path: Path, payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "file_system_of", lambda _: kind)
    session = left_by_user(tmp_path, payload)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {"host": session.observations})
    assert judgement.verdict == "INERT"
    assert "set TMPDIR to a folder on a local disk" in judgement.message
    assert not (tmp_path / "planted").exists()


def test_where_setuid_bits_do_nothing_nothing_is_denied(
    tmp_path: Path, payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "file_system_of", lambda _: "ext4")
    monkeypatch.setattr(module, "setuid_works_under", lambda _: False)
    session = left_by_user(tmp_path, payload)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {"host": session.observations})
    assert judgement.verdict == "INERT"
    assert "mounted nosuid or noexec" in judgement.message


@pytest.mark.parametrize(
    ("wrap", "said"),
    [((), ""), (("--no-new-privs",), "no_new_privs"), (("unshare", "-Ur"), "in a user namespace")],
)
def test_what_keeps_setuid_programs_from_working_is_told(
    wrap: tuple[str, ...], said: str, scratch: Path, request: pytest.FixtureRequest
) -> None:
    if "unshare" in wrap:
        request.getfixturevalue("user_namespaces")
    code = f"import {module.__name__} as m; print(m.obstacle(m.Path({str(scratch)!r}))[0])"
    argv = (*(("setpriv",) if "unshare" not in wrap else ()), *wrap, sys.executable, "-c", code)
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert said in done.stdout
    assert bool(done.stdout.strip()) == bool(said)


@pytest.mark.parametrize("ran", [{}, {"what": "helper", "uid": 1, "euid": 1, "ok": False}])
def test_what_was_left_and_could_not_be_run_is_no_denial(
    ran: dict[str, object], tmp_path: Path, payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "obstacle", lambda _: ("", ""))
    monkeypatch.setattr(os, "getgroups", list)
    session = left_by_user(tmp_path, payload)
    answers = session.on_launch
    session.on_launch = lambda argv: answers(argv) if "plant" in argv else answered(ran)
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.verdict == "ERROR"
    assert "could not be run there" in judgement.message


def test_a_link_that_was_left_is_neither_run_nor_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "obstacle", lambda _: ("there is no control", "none is needed"))
    precious = tmp_path / "precious"
    precious.write_text("precious")
    precious.chmod(0o640)
    work = tmp_path / "work"
    work.mkdir()

    def launch(_: tuple[str, ...]) -> Completed:
        (work / "planted").symlink_to(precious)
        return answered({"what": "plant", "ok": True})

    session = FakeSession(probe=PROBE, work=work, on_launch=launch)
    PROBE.observe(session)
    assert PROBE.judge(session.observations, {}).verdict == "ERROR"
    assert len(session.launched) == 1
    assert precious.stat().st_mode & 0o777 == 0o640
