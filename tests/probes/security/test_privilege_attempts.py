"""P02, P03, P04, P07, P08, P09, P25: more than a plain job of this user is."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.judging import Attempt
from evaluation.probes.registry import find
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can plant this canary")
IDS = (
    "effective_capabilities",
    "capability_bounding_set",
    "system_call_filter",
    "group_dropping",
    "user_switching",
    "user_namespace_creation",
    "hostname_change",
)
IN_A_USER_NAMESPACE = ("unshare", "--user", "--map-root-user")
# prctl(PR_SET_NO_NEW_PRIVS), then PR_SET_SECCOMP with a filter of one instruction: allow.
ALLOW_ALL = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
code = (ctypes.c_uint64 * 1)(0x06 | 0x7FFF0000 << 32)
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
libc.prctl(38, 1, 0, 0, 0)
assert libc.prctl(22, 2, ctypes.byref(Filter(1, ctypes.addressof(code)))) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""
FILTERED = ("/usr/bin/python3", "-c", ALLOW_ALL)
WITHOUT_USER_NAMESPACES = (
    *IN_A_USER_NAMESPACE,
    *("sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', "sh"),
)


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize(
    ("own", "host", "outcome", "verdict"),
    [
        ({"effect": False}, {"effect": True}, Outcome.HOLDS, "DENIED"),
        ({"effect": True}, {"effect": False}, Outcome.FAILS, "EXPOSED"),
        ({"effect": False}, {"effect": False}, Outcome.INERT, "INERT"),
        ({"not_planted": "run as root"}, {"effect": False}, Outcome.INERT, "INERT"),
        ({"problem": "the payload did not run to its end"}, {"effect": True}, Outcome.ERROR, "ERROR"),
    ],
)
def test_the_table(name: str, own: Recorded, host: Recorded, outcome: Outcome, verdict: str) -> None:
    judgement = judge(name, own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


@pytest.mark.parametrize(
    "name", ["effective_capabilities", "group_dropping", "user_switching", "hostname_change"]
)
def test_a_control_of_the_verifiers_own_shows_what_was_denied(name: str) -> None:
    probe = find(name)
    judgement = judge(name, {"effect": False, "control": True}, host={"effect": False})
    assert judgement.verdict == "DENIED"
    assert isinstance(probe.judge, Attempt)
    assert judgement.message.endswith(f"control: {probe.judge.control}")


VISITED = {"what": "visit", "ok": True}
TRANSCRIPTS: Mapping[str, Sequence[Mapping[str, object]]] = {
    # The payload believes that all went well, and the verifier saw nothing of it.
    "effective_capabilities": [VISITED],
    "capability_bounding_set": [VISITED],
    "system_call_filter": [VISITED],
    "user_switching": [VISITED, {"what": "switch-user", "uid": 0, "seen": False, "ok": True}],
    "user_namespace_creation": [{"what": "unshare", "name": "user", "ok": True}, VISITED],
    "hostname_change": [VISITED, {"what": "hostname", "past_the_check": True, "ok": False}],
}


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_what_the_verifier_did_not_see_is_no_answer(name: str, tmp_path: Path) -> None:
    probe = find(name)
    said = answered(*TRANSCRIPTS[name])
    session = FakeSession(probe=probe, work=tmp_path, on_launch=lambda _: said)
    probe.observe(session)
    assert probe.judge(session.observations, {}).verdict == "ERROR"


@AS_ROOT
@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ([{"what": "lay-down", "ok": False, "error": "no"}], "could not lay down its capabilities: no"),
        ([{"what": "lay-down", "ok": True}], "reported too little"),
    ],
)
def test_an_attempt_on_groups_that_broke_off_is_no_answer(
    lines: list[Mapping[str, object]], word: str, tmp_path: Path
) -> None:
    probe = find("P07")
    identity = answered({"what": "identity", "egid": 1, "groups": "1 2"})
    session = FakeSession(
        probe=probe,
        work=tmp_path,
        on_launch=lambda argv: identity if "identity" in argv else answered(*lines),
        privileged=True,
    )
    probe.observe(session)
    judgement = probe.judge(session.observations, {})
    assert judgement.verdict == "ERROR"
    assert word in judgement.message


@AS_ROOT
def test_a_user_without_further_groups_has_none_to_leave(take_turn: TakesTurns) -> None:
    judgement = find("P07").judge(take_turn("P07"), {})
    assert judgement.verdict == "INERT"
    assert "add the user to one" in judgement.message


@pytest.mark.parametrize("name", ["P02", "P08", "P25"])
def test_an_ordinary_user_is_denied(name: str, take_turn: TakesTurns) -> None:
    assert find(name).judge(take_turn(name), {}).verdict == "DENIED"


@AS_ROOT
@pytest.mark.parametrize("name", ["P02", "P03", "P08", "P25"])
def test_root_is_exposed(name: str, take_turn: TakesTurns) -> None:
    assert find(name).judge(take_turn(name, root_inside=True), {}).verdict == "EXPOSED"


@pytest.mark.usefixtures("user_namespaces")
@pytest.mark.parametrize(
    ("name", "wrap", "word"),
    [
        ("P02", IN_A_USER_NAMESPACE, "in a user namespace of its own"),
        ("P03", IN_A_USER_NAMESPACE, "in a user namespace of its own"),
        ("P08", IN_A_USER_NAMESPACE, "seteuid: Invalid argument"),
        ("P09", WITHOUT_USER_NAMESPACES, "user: No space left on device"),
        ("P25", (*IN_A_USER_NAMESPACE, "--uts"), "past the privilege check; UTS namespace: its own"),
    ],
)
def test_root_of_a_user_namespace_of_ones_own_is_denied(
    name: str, wrap: tuple[str, ...], word: str, take_turn: TakesTurns
) -> None:
    judgement = find(name).judge(take_turn(name, wrap=wrap), {"host": take_turn(name)})
    assert judgement.verdict == "DENIED"
    assert word in judgement.message


@AS_ROOT
def test_an_empty_bounding_set_is_seen(take_turn: TakesTurns) -> None:
    own = take_turn("P03", wrap=("setpriv", "--bounding-set=-all"), root_inside=True)
    judgement = find("P03").judge(own, {"host": take_turn("P03")})
    assert judgement.verdict == "DENIED"
    assert "bounding set 0000000000000000 in a user namespace of the host" in judgement.message


@pytest.mark.skipif(shutil.which("python3", path="/usr/bin") is None, reason="needs the system's Python")
def test_a_filter_is_seen_and_its_absence_is_exposed(take_turn: TakesTurns) -> None:
    host, own = take_turn("P04"), take_turn("P04", wrap=FILTERED)
    assert find("P04").judge(host, {}).verdict == "EXPOSED"
    judgement = find("P04").judge(own, {"host": host})
    assert judgement.verdict == "DENIED"
    assert "seccomp mode 2" in judgement.message


@pytest.mark.usefixtures("user_namespaces")
def test_the_bare_process_makes_a_user_namespace(take_turn: TakesTurns) -> None:
    judgement = find("P09").judge(take_turn("P09"), {})
    assert judgement.verdict == "EXPOSED"
    assert "made user, net, mnt" in judgement.message
