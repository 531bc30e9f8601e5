"""Attempts on the kernel: what counts, what does not, and what is nobody's evidence."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import in_sight
import pytest

from evaluation.model import Outcome
from evaluation.probes.answers import Line
from evaluation.probes.attempting import told
from evaluation.probes.base import Completed, Judgement
from evaluation.probes.registry import find
from evaluation.probes.security import kernel_parameter_writing, raw_sockets, reboot_and_clock
from evaluation.probes.security.cgroup_release_agent import mounted_hierarchy
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, ended, judge

Fields = Mapping[str, object]

GATED = {
    "P17": "sysctl-write",
    "P18": "gates",
    "P19": "kernel-log",
    "P20": "bpf-map",
    "P21": "io-uring",
    "P22": "uncommon-calls",
    "P26": "raw-sockets",
    "P28": "release-agent",
}
"""Attempts whose control is that root itself, on the bare host, may do the same."""

ALL = [*GATED, "P24", "P30", "P32"]
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root has a control that must succeed")

REFUSED = {"ok": False, "errno": 1, "error": "Operation not permitted"}
UNKNOWN = {"ok": False, "errno": 38, "error": "Function not implemented"}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("own", "outcome", "verdict"),
    [
        ({"effect": True, "control": True}, Outcome.FAILS, "EXPOSED"),
        ({"effect": False, "control": True}, Outcome.HOLDS, "DENIED"),
        ({"effect": False, "control": False}, Outcome.INERT, "INERT"),
        ({"effect": False, "not_planted": "run as root"}, Outcome.INERT, "INERT"),
        ({"problem": "the payload did not run to its end"}, Outcome.ERROR, "ERROR"),
    ],
)
def test_the_table(name: str, own: Recorded, outcome: Outcome, verdict: str) -> None:
    judgement = judge(name, own, host={"effect": False})
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


def attempt(
    tmp_path: Path, name: str, inside: Completed, by_root: Completed | None = None, *, privileged: bool = True
) -> Judgement:
    """Judge a turn in which the payload inside answered so, and root's on the host so."""
    probe = find(name)

    def launch(argv: tuple[str, ...]) -> Completed:
        from_outside = argv[0].startswith(str(Path("/host")))
        return by_root if by_root and from_outside else inside

    session = FakeSession(
        probe=probe, work=tmp_path, on_launch=launch, privileged=privileged, payload=Path("/host")
    )
    probe.observe(session)
    return probe.judge(session.observations, {})


def lines(name: str, *parts: Fields) -> Completed:
    return answered(*({"what": GATED[name], **part} for part in parts))


SIMPLE = ("P19", "P20", "P21", "P22", "P28")


@pytest.mark.parametrize("name", SIMPLE)
def test_what_is_refused_inside_and_not_to_root_holds(tmp_path: Path, name: str) -> None:
    judgement = attempt(tmp_path, name, lines(name, REFUSED), lines(name, {"ok": True}))
    assert judgement.verdict == "DENIED"
    assert judgement.message.endswith("control: root itself could")


@pytest.mark.parametrize("name", SIMPLE)
def test_what_root_cannot_do_either_shows_nothing(tmp_path: Path, name: str) -> None:
    judgement = attempt(tmp_path, name, lines(name, REFUSED), lines(name, REFUSED))
    assert judgement.verdict == "INERT"


@pytest.mark.parametrize("name", SIMPLE)
def test_without_root_there_is_advice(tmp_path: Path, name: str) -> None:
    judgement = attempt(tmp_path, name, lines(name, REFUSED), privileged=False)
    assert judgement.verdict == "INERT"
    assert "as root" in judgement.message


@pytest.mark.parametrize("name", ["P20", "P21", "P22"])
def test_what_the_kernel_does_not_have_is_absent_and_what_a_filter_hides_is_denied(
    tmp_path: Path, name: str
) -> None:
    absent = attempt(tmp_path, name, lines(name, UNKNOWN), lines(name, UNKNOWN))
    assert (absent.outcome, absent.verdict) == (Outcome.HOLDS, "ABSENT")
    hidden = attempt(tmp_path, name, lines(name, UNKNOWN), lines(name, {"ok": True}))
    assert hidden.verdict == "DENIED"


def test_parts_with_the_same_reason_stand_together() -> None:
    parts = [Line({"what": "x", "call": call, **REFUSED}) for call in ("net", "mnt")]
    parts.append(Line({"what": "x", "call": "pid", **UNKNOWN}))
    assert told(parts, []) == ("refused: net, mnt (Operation not permitted); pid (Function not implemented)")


def test_one_part_is_enough_and_the_message_names_it(tmp_path: Path) -> None:
    parts = ({"call": "userfaultfd", **REFUSED}, {"call": "add_key", "ok": True})
    judgement = attempt(tmp_path, "P22", lines("P22", *parts), lines("P22", *parts))
    assert judgement.verdict == "EXPOSED"
    assert "allowed: add_key; refused: userfaultfd (Operation not permitted)" in judgement.message


@pytest.mark.parametrize("name", GATED)
def test_an_attempt_that_hangs_is_our_error_and_one_that_a_filter_kills_is_refused(
    tmp_path: Path, name: str
) -> None:
    hung = lines(name, {"ok": False, "ended_by_signal": 14})
    assert attempt(tmp_path, name, hung, lines(name, {"ok": True})).verdict == "ERROR"
    killed = lines(name, {"ok": False, "ended_by_signal": 31})
    judgement = attempt(tmp_path, name, killed, killed)
    assert judgement.verdict == "INERT"
    assert "ended by signal 31" in judgement.message


def test_a_stand_in_with_another_value_is_not_the_kernels_parameter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameter = tmp_path / "panic"
    parameter.write_text("10\n")
    monkeypatch.setattr(kernel_parameter_writing, "PARAMETER", parameter)
    stand_in, real = lines("P17", {"ok": True, "value": "0\n"}), lines("P17", {"ok": True, "value": "10\n"})
    judgement = attempt(tmp_path, "P17", stand_in, real)
    assert judgement.verdict == "DENIED"
    assert "without effect on the host" in judgement.message
    assert attempt(tmp_path, "P17", real, real).verdict == "EXPOSED"


def test_a_reboot_of_the_container_alone_is_no_reboot() -> None:
    ours = reboot_and_clock.PROCESSES.stat().st_ino
    clock = {"call": "settimeofday", **REFUSED}
    alone, hosts = (
        lines("P18", {"call": "reboot", "pid_namespace": number, "ok": True}, clock)
        for number in (ours + 1, ours)
    )
    judgement = attempt(Path(), "P18", alone, hosts)
    assert judgement.verdict == "DENIED"
    assert "without effect on the host: reboot" in judgement.message
    assert attempt(Path(), "P18", hosts, hosts).verdict == "EXPOSED"


def socket_line(*, owner: int, network: int = 1, interfaces: int = 1) -> Fields:
    return {"call": "packet", "ok": True, "owner": owner, "network": network, "interfaces": interfaces}


def test_a_network_of_the_users_own_or_an_empty_one_has_nobody_in_it() -> None:
    users, network = raw_sockets.USERS.stat().st_ino, raw_sockets.NETWORK.stat().st_ino
    root = lines("P26", socket_line(owner=users, network=network))

    def verdict(line: Fields) -> str:
        return attempt(Path(), "P26", lines("P26", line), root).verdict

    assert verdict(socket_line(owner=users)) == "EXPOSED"
    assert verdict(socket_line(owner=users, network=network, interfaces=0)) == "EXPOSED"
    assert verdict(socket_line(owner=users, interfaces=0)) == "DENIED"
    assert verdict(socket_line(owner=users + 1)) == "DENIED"
    assert verdict(socket_line(owner=0)) == "ERROR"


@pytest.mark.parametrize(
    ("text", "hierarchy"),
    [
        ("12:cpu,cpuacct:/a\n1:name=systemd:/\n0::/\n", "cpu,cpuacct"),
        ("1:name=systemd:/\n4:memory:/a:b\n2:pids:/\n0::/\n", "pids"),
        ("1:name=systemd:/\n0::/\n", "none,name=systemd"),
        ("0::/user.slice\n", ""),
        ("", ""),
    ],
)
def test_only_hierarchies_that_are_there_are_mounted(text: str, hierarchy: str) -> None:
    assert mounted_hierarchy(text) == hierarchy


def test_without_version_1_there_is_no_release_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "cgroup"
    text.write_text("0::/\n")
    monkeypatch.setattr("evaluation.probes.security.cgroup_release_agent.HIERARCHIES", text)
    assert attempt(tmp_path, "P28", answered({"what": "identity"})).verdict == "ABSENT"
    assert attempt(tmp_path, "P28", ended(exit_status=125)).verdict == "ERROR"


@AS_ROOT
@pytest.mark.parametrize("name", ALL)
def test_the_bare_process_is_judged_against_root_and_root_itself_is_seen(
    take_turn: TakesTurns, name: str
) -> None:
    in_sight.require(name)
    probe = find(name)
    assert probe.judge(take_turn(name, root_inside=True), {}).verdict == "EXPOSED"
    host = take_turn(name)
    assert True in {*host.values("control"), *host.values("effect")}
    assert probe.judge(host, {}).verdict in {"DENIED", "EXPOSED"}


@AS_ROOT
@pytest.mark.usefixtures("user_namespaces")
@pytest.mark.parametrize("name", sorted({*ALL} - {"P21", "P22"}))
def test_root_in_a_namespace_of_the_users_own_is_root_of_nothing(take_turn: TakesTurns, name: str) -> None:
    in_sight.require(name)
    wrap = ("unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--mount-proc", "--cgroup")
    judgement = find(name).judge(take_turn(name, wrap=wrap), {})
    assert judgement.verdict == "DENIED", judgement.message


def handle_turn(tmp_path: Path, named: Fields, opened: Fields) -> Judgement:
    def launch(argv: tuple[str, ...]) -> Completed:
        if "file-handle" in argv:
            return answered({"what": "file-handle", **named})
        return answered({"what": "open-handle", "call": "open_by_handle_at", **opened})

    probe = find("P24")
    session = FakeSession(
        probe=probe,
        work=tmp_path,
        on_launch=launch,
        privileged=True,
        payload=Path("/host"),
    )
    probe.observe(session)
    return probe.judge(session.observations, {})


def test_only_the_word_of_the_root_only_file_counts(tmp_path: Path) -> None:
    named = {"ok": True, "text": "1:ab"}
    assert handle_turn(tmp_path, named, {"ok": True, "text": "another file's"}).verdict == "INERT"
    closed = handle_turn(tmp_path, named, {"call": "open the bind", **REFUSED})
    assert closed.verdict == "ERROR"
    assert "the bind could not be opened" in closed.message


def test_a_file_without_a_handle_is_nothing_to_attack(tmp_path: Path) -> None:
    assert handle_turn(tmp_path, {"ok": False, "errno": 95}, REFUSED).verdict == "ABSENT"
    assert handle_turn(tmp_path, {"ok": False, "errno": 13}, REFUSED).verdict == "ERROR"


def test_only_the_signal_that_arrived_at_roots_process_counts(tmp_path: Path) -> None:
    def turn(received: int) -> Judgement:
        def launch(argv: tuple[str, ...]) -> Completed:
            if "await-signal" in argv:
                (tmp_path / "canary.ready").touch()
                return answered({"what": "await-signal", "received": received})
            return answered({"what": "signal-process", "found": 7, "processes": 3, "ok": True})

        probe = find("P30")
        session = FakeSession(probe=probe, work=tmp_path, on_launch=launch, privileged=True)
        probe.observe(session)
        (tmp_path / "parameters").unlink()
        return probe.judge(session.observations, {})

    assert turn(signal.SIGTERM).verdict == "DENIED"
    assert turn(signal.SIGUSR1).verdict == "EXPOSED"
    assert turn(0).verdict == "ERROR"


def test_a_namespace_that_was_entered_is_named_and_an_unseen_process_is_said(tmp_path: Path) -> None:
    def turn(*parts: Fields) -> Judgement:
        def launch(argv: tuple[str, ...]) -> Completed:
            (tmp_path / "canary.ready").write_text("7\n")
            by_root = argv[0].startswith("/host")
            told = ({"ok": True},) if by_root else parts
            return answered(*({"what": "enter-namespaces", **part} for part in told))

        probe = find("P32")
        session = FakeSession(
            probe=probe, work=tmp_path, on_launch=launch, privileged=True, payload=Path("/host")
        )
        probe.observe(session)
        return probe.judge(session.observations, {})

    entered = turn({"call": "net", "seen": True, **REFUSED}, {"call": "mnt", "seen": True, "ok": True})
    assert entered.verdict == "EXPOSED"
    assert "allowed: mnt; refused: net" in entered.message
    unseen = turn({"call": "mnt", "seen": False, **REFUSED})
    assert unseen.verdict == "DENIED"
    assert "it did not see the host's process" in unseen.message
