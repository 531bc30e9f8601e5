"""P10 to P14, P16, P37, P38: mounts, devices, and the image's own files."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.devices import canary_disk
from evaluation.probes.judging import Attempt
from evaluation.probes.registry import find
from evaluation.probes.security import character_device_node, image_root_writing
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can plant this canary")
IDS = (
    "filesystem_mounting",
    "proc_unmasking",
    "character_device_node",
    "block_device_node",
    "block_device_planting",
    "raw_disk_exposure",
    "host_device_tree",
    "image_root_writing",
)
IN_A_USER_NAMESPACE = ("unshare", "--user", "--map-root-user")
OWN_DEV = (
    *(*IN_A_USER_NAMESPACE, "--mount", "sh", "-c"),
    *('mount -t tmpfs none /dev && exec "$@"', "sh"),
)


@pytest.fixture(scope="module")
def loop_devices() -> None:
    with canary_disk() as disk:
        if disk is None:
            pytest.skip("no loop device can be made here")


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize(
    ("own", "host", "outcome", "verdict"),
    [
        ({"effect": False}, {"effect": True}, Outcome.HOLDS, "DENIED"),
        ({"effect": True}, {"effect": False}, Outcome.FAILS, "EXPOSED"),
        ({"absent": "there is nothing"}, {"effect": True}, Outcome.HOLDS, "ABSENT"),
        ({"effect": False}, {"effect": False}, Outcome.INERT, "INERT"),
        ({"not_planted": "run as root"}, {"effect": False}, Outcome.INERT, "INERT"),
        ({"problem": "the payload did not run to its end"}, {"effect": True}, Outcome.ERROR, "ERROR"),
    ],
)
def test_the_table(name: str, own: Recorded, host: Recorded, outcome: Outcome, verdict: str) -> None:
    judgement = judge(name, own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


@pytest.mark.parametrize("name", sorted(set(IDS) - {"host_device_tree"}))
def test_a_control_of_the_verifiers_own_shows_what_was_denied(name: str) -> None:
    probe = find(name)
    judgement = judge(name, {"effect": False, "control": True}, host={"effect": False})
    assert judgement.verdict == "DENIED"
    assert isinstance(probe.judge, Attempt)
    assert judgement.message.endswith(f"control: {probe.judge.control}")


REFUSED = {"ok": False, "errno": 1, "error": "Operation not permitted"}
BROKEN: Sequence[tuple[str, Sequence[Mapping[str, object]], str]] = [
    (
        "P10",
        [{"what": "apart", "ok": True}, {"what": "mount", "ok": True}],
        "mounted, but could not show it to the verifier",
    ),
    (
        "P10",
        [{"what": "apart", "ok": True}, {"what": "mount", "ok": False, "errno": 12, "error": "no memory"}],
        "mounting broke: no memory",
    ),
    (
        "P10",
        [{"what": "apart", **REFUSED}, {"what": "gate", "ok": False, "errno": 19, "error": "No such device"}],
        "no mount namespace could be made",
    ),
    ("P11", [{"what": "apart", "ok": True}], "reported too little"),
    ("P12", [{"what": "make-node", "made": True, "left": True, "ok": True}] * 2, "reported too little"),
    ("P16", [{"what": "read-disks", "ok": False, "error": "No such file"}], "could not look into /dev"),
    ("P37", [{"what": "list-devices", "ok": False, "error": "No such file"}], "could not look into /dev"),
    (
        "P38",
        [{"what": "write-image", "directory": "/", "ok": True, "left": True}] * 3,
        "a file was left in / of the image",
    ),
]


@pytest.mark.parametrize(("name", "lines", "word"), BROKEN)
def test_an_attempt_that_broke_is_no_answer(
    name: str,
    lines: Sequence[Mapping[str, object]],
    word: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(character_device_node, "_target", lambda: (Path("/dev/null"), os.makedev(1, 3)))
    probe = find(name)
    session = FakeSession(probe=probe, work=tmp_path, on_launch=lambda _: answered(*lines))
    probe.observe(session)
    judgement = probe.judge(session.observations, {"host": session.observations})
    assert judgement.verdict == "ERROR"
    assert word in judgement.message


@pytest.mark.parametrize("name", ["P12", "P13", "P14"])
def test_without_root_an_administrator_is_asked(name: str, tmp_path: Path) -> None:
    probe = find(name)
    lines = [{"what": "make-node", "made": False, **REFUSED}] * 2
    session = FakeSession(probe=probe, work=tmp_path, on_launch=lambda _: answered(*lines))
    probe.observe(session)
    judgement = probe.judge(session.observations, {"host": session.observations})
    assert judgement.verdict == "INERT"


@AS_ROOT
@pytest.mark.usefixtures("loop_devices")
def test_a_node_that_is_not_of_our_disk_is_not_opened(tmp_path: Path) -> None:
    probe = find("P14")
    opened: list[tuple[str, ...]] = []

    def launch(argv: tuple[str, ...]) -> object:
        if "make-node" in argv:
            opened.clear()
            Path(tmp_path, Path(argv[argv.index("keep") - 1]).name).touch()
            return answered({"what": "make-node", "made": True, "ok": True})
        opened.append(argv)
        return answered({"what": "read", "ok": True, "text": "of another disk"})

    session = FakeSession(probe=probe, work=tmp_path, on_launch=launch, privileged=True)  # type: ignore[arg-type]
    probe.observe(session)
    judgement = probe.judge(session.observations, {})
    assert judgement.verdict == "ERROR"
    assert "not the node of our disk" in judgement.message
    assert not opened
    assert not list(tmp_path.iterdir())


@AS_ROOT
@pytest.mark.usefixtures("loop_devices")
@pytest.mark.parametrize("name", ["P10", "P11", "P12", "P13", "P14", "P16"])
def test_an_ordinary_user_is_denied_and_root_is_not(name: str, take_turn: TakesTurns) -> None:
    probe = find(name)
    host, own = take_turn(name), take_turn(name, root_inside=True)
    denied, exposed = probe.judge(host, {}), probe.judge(own, {"host": host})
    if "none of the files" in denied.message:
        pytest.skip(denied.message)
    if denied.verdict == "INERT":
        pytest.skip(denied.message)
    assert (denied.verdict, exposed.verdict) == ("DENIED", "EXPOSED")
    assert "control" in denied.message


@pytest.mark.usefixtures("user_namespaces")
def test_root_of_a_user_namespace_mounts_and_nothing_reaches_the_host(take_turn: TakesTurns) -> None:
    own = take_turn("P10", wrap=IN_A_USER_NAMESPACE)
    judgement = find("P10").judge(own, {})
    assert judgement.verdict == "EXPOSED"
    assert "a user namespace of its own" in judgement.message
    mounts = Path("/proc/self/mountinfo").read_text()
    assert not re.search(r" - tmpfs [0-9a-f]{32} ", mounts), "no word of a verifier's is mounted on the host"


@pytest.mark.usefixtures("user_namespaces")
def test_the_bare_process_sees_the_hosts_devices_and_a_dev_of_ones_own_hides_them(
    take_turn: TakesTurns,
) -> None:
    host, own = take_turn("P37"), take_turn("P37", wrap=OWN_DEV)
    exposed, denied = find("P37").judge(host, {}), find("P37").judge(own, {"host": host})
    if exposed.verdict == "ABSENT":
        pytest.skip(exposed.message)
    assert (exposed.verdict, denied.verdict) == ("EXPOSED", "DENIED")
    assert "a /dev of its own, 0 of" in denied.message


def test_the_hosts_own_root_is_closed_and_an_open_directory_is_written(
    take_turn: TakesTurns, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = take_turn("P38")
    image = scratch / "image"
    image.mkdir()
    image.chmod(0o777)
    monkeypatch.setattr(image_root_writing, "PLACES", (str(image), str(image)))
    own = take_turn("P38")
    assert find("P38").judge(host, {}).verdict == "DENIED"
    assert find("P38").judge(own, {"host": host}).verdict == "EXPOSED"
    assert not list(image.iterdir())
