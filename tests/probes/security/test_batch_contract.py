"""B01-B10, what a batch system takes for granted: one table of judgements, and real runtimes to flip it.

Each is mirrored here and not in a file of its own, because what can flip them is the same.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from real_attempts import ArmOf, Flags, verdicts

from evaluation.measure.session import Bench
from evaluation.model import Outcome
from evaluation.probes import jobgroups
from evaluation.probes.base import Completed
from evaluation.probes.registry import find
from evaluation.probes.security import job_cpu_accounting, requested_limit
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, ended, judge

IDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B10")
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can make a job's control group")


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize(
    ("own", "host", "outcome", "verdict"),
    [
        ({"effect": True}, {"effect": False}, Outcome.FAILS, "EXPOSED"),
        ({"effect": False, "control": True}, {"effect": False}, Outcome.HOLDS, "DENIED"),
        ({"effect": False}, {"effect": True}, Outcome.HOLDS, "DENIED"),
        ({"effect": False, "control": False}, {"effect": False}, Outcome.INERT, "INERT"),
        ({"not_planted": "only root can"}, {}, Outcome.INERT, "INERT"),
        ({"problem": "the payload did not run to its end"}, {"effect": True}, Outcome.ERROR, "ERROR"),
        ({"absent": "no such option"}, {"effect": False}, Outcome.HOLDS, "ABSENT"),
        ({}, {"effect": True}, Outcome.ERROR, "ERROR"),
    ],
)
def test_the_table(name: str, own: Recorded, host: Recorded, outcome: Outcome, verdict: str) -> None:
    judgement = judge(name, own, host=host)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


# What the runtimes of a Debian 12 machine with cgroup version 1 answered, recorded as it was.
TRANSCRIPT = [
    ("B01", {"effect": True, "control": True, "detail": "512 MiB were taken in a job of 256 MiB"}, "EXPOSED"),
    ("B01", {"effect": False, "control": True, "detail": "the kernel ended 1 of its processes"}, "DENIED"),
    ("B02", {"effect": True, "control": True, "burnt": 1.0, "charged": 0.02}, "EXPOSED"),
    ("B02", {"effect": False, "control": True, "burnt": 1.0, "charged": 1.17}, "DENIED"),
    ("B03", {"effect": True, "control": True, "detail": "400 children in a job of at most 200"}, "EXPOSED"),
    ("B03", {"effect": False, "control": True, "detail": "183 children in a job of at most 200"}, "DENIED"),
    ("B04", {"control": True, "effect": True, "niceness": "0", "processors": "0 1"}, "EXPOSED"),
    ("B04", {"control": True, "effect": False, "niceness": "3", "processors": "1"}, "DENIED"),
    ("B05", {"control": True, "effect": True, "detail": "0755 and 0644, bare 0750 and 0640"}, "EXPOSED"),
    ("B05", {"control": True, "effect": False, "detail": "0750 and 0640, bare 0750 and 0640"}, "DENIED"),
    ("B06", {"control": True, "effect": True, "detail": "the payload was still running"}, "EXPOSED"),
    ("B06", {"control": True, "effect": False, "detail": "the payload was gone"}, "DENIED"),
    ("B07", {"control": True, "effect": True, "detail": "the daemon was still running"}, "EXPOSED"),
    ("B08", {"control": True, "effect": True, "detail": "left: conmon, slirp4netns"}, "EXPOSED"),
    ("B08", {"control": True, "effect": True, "detail": "left: squashfuse_ll"}, "EXPOSED"),
    ("B08", {"control": True, "effect": False, "detail": "helpers were: none"}, "DENIED"),
    (
        "B09",
        {"control": True, "effect": False, "detail": "the payload was ended (exit status 137)"},
        "DENIED",
    ),
    ("B09", {"control": True, "effect": True, "detail": "ignored on cgroups V1 rootless systems"}, "EXPOSED"),
    ("B09", {"control": True, "absent": "this has no option"}, "ABSENT"),
    ("B10", {"control": True, "effect": True, "detail": "owned by host uid 112344 (given away)"}, "EXPOSED"),
    ("B10", {"control": True, "effect": False, "detail": "owned by host uid 1001"}, "DENIED"),
]


@pytest.mark.parametrize(("name", "own", "verdict"), TRANSCRIPT)
def test_what_was_seen_is_judged_the_same(name: str, own: Recorded, verdict: str) -> None:
    assert judge(name, own).verdict == verdict


# ---- without a container: the bare host, and one command before it ------------------------------------


@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("B04", ("nice", "-n", "5")),
        ("B05", ("sh", "-c", 'umask 022; exec "$@"', "sh")),
        ("B06", ("setsid", "--fork", "sh", "-c", 'exec "$@"', "sh")),
    ],
)
def test_what_a_bare_process_keeps_another_loses(take_turn: TakesTurns, name: str, wrap: Flags) -> None:
    host, own = take_turn(name), take_turn(name, wrap=wrap)
    assert find(name).judge(host, {}).verdict == "DENIED"
    assert find(name).judge(own, {"host": host}).verdict == "EXPOSED"


@pytest.mark.usefixtures("user_namespaces")
def test_a_process_namespace_ends_the_daemon(take_turn: TakesTurns) -> None:
    probe = find("B07")
    host = take_turn("B07")
    own = take_turn("B07", wrap=("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"))
    assert probe.judge(host, {}).verdict == "EXPOSED"
    assert probe.judge(own, {"host": host}).verdict == "DENIED"


def test_what_ran_before_the_client_is_no_helper_of_its_container(take_turn: TakesTurns) -> None:
    """A user's systemd adopts what starts containers: it stands above the payload, and is there for good."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o777)
        asked = Path(folder, "asked")
        os.mkfifo(asked)
        asked.chmod(0o666)
        manager = ("sh", "-c", 'while read -r line; do exec $line & done <"$0"', str(asked))
        client = ("sh", "-c", f'[ "$2" = await-signal ] || exec "$@"; echo "$*" >{asked}; sleep 60', "sh")
        with asked.open("r+b", buffering=0), subprocess.Popen(manager) as service:
            try:
                own = take_turn("B08", wrap=client)
            finally:
                service.kill()
    judgement = find("B08").judge(own, {})
    assert judgement.verdict == "DENIED", judgement.message
    assert own.last("detail") == "helpers were: sleep"


@AS_ROOT
@pytest.mark.parametrize("name", ["B01", "B02", "B03"])
def test_a_bare_process_stays_in_its_job(
    take_turn: TakesTurns, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = jobgroups.group_name()
    monkeypatch.setattr(jobgroups, "group_name", lambda: called)
    own = take_turn(name)
    if own.last("not_planted"):
        pytest.skip(str(own.last("not_planted")))
    judgement = find(name).judge(own, {})
    assert (judgement.verdict, own.last("control")) == ("DENIED", True)
    assert not list(Path("/sys/fs/cgroup").glob(f"**/{called}"))


@AS_ROOT
def test_root_leaves_what_the_user_cannot_remove(take_turn: TakesTurns) -> None:
    host, own = take_turn("B10"), take_turn("B10", root_inside=True)
    assert find("B10").judge(host, {}).verdict == "DENIED"
    assert find("B10").judge(own, {"host": host}).verdict == "EXPOSED"


@pytest.mark.parametrize("name", ["B01", "B02", "B03"])
def test_without_root_there_is_no_job_to_try_it_in(tmp_path: Path, name: str) -> None:
    session = FakeSession(probe=find(name), work=tmp_path, on_launch=lambda _: ended())
    find(name).observe(session)
    judgement = find(name).judge(session.observations, {})
    assert judgement.verdict == "INERT"
    assert "batch job" in judgement.message
    assert not session.launched


def test_a_runtime_without_the_option_cannot_ignore_it(tmp_path: Path) -> None:
    def held(argv: Flags) -> object:
        (tmp_path / f"{Path(argv[-2]).name}.ready").touch()
        return answered()

    session = FakeSession(probe=find("B09"), work=tmp_path, on_launch=held, limits_memory=False)  # type: ignore[arg-type]
    find("B09").observe(session)
    assert find("B09").judge(session.observations, {}).verdict == "ABSENT"
    assert len(session.launched) == 1


@pytest.mark.parametrize(("words", "verdict"), [((), "INERT"), (("--memory", "134217728"), "EXPOSED")])
def test_nobody_is_accused_of_a_limit_that_was_not_asked_for(
    tmp_path: Path, words: Flags, verdict: str
) -> None:
    def held(argv: Flags) -> Completed:
        (tmp_path / f"{Path(argv[-2]).name}.ready").touch()
        done = answered()
        return replace(done, evidence=replace(done.evidence, argv=("docker", "run", *words, *argv)))

    session = FakeSession(probe=find("B09"), work=tmp_path, on_launch=held)
    find("B09").observe(session)
    judgement = find("B09").judge(session.observations, {})
    assert judgement.verdict == verdict, judgement.message
    assert ("not on the runtime's command line" in judgement.message) == (verdict == "INERT")


def test_a_client_that_we_ended_ourselves_shows_no_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow machine; it was taken for a limit that had been applied."""

    def slow(argv: Flags) -> Completed:
        name = Path(argv[-2]).name
        if name == requested_limit.FREE:
            (tmp_path / f"{name}.ready").touch()
            return answered()
        done = ended(exit_status=-9, timed_out=True, duration_s=30.0)
        words = ("docker", "run", "--memory", str(requested_limit.LIMIT_BYTES), *argv)
        return replace(done, evidence=replace(done.evidence, argv=words))

    monkeypatch.setattr(requested_limit, "READY_S", 0.01)
    session = FakeSession(probe=find("B09"), work=tmp_path, on_launch=slow)
    find("B09").observe(session)
    judgement = find("B09").judge(session.observations, {})
    assert (judgement.verdict, "it was ended after 30.0 s" in judgement.message) == ("ERROR", True)


class PlayedGroup:
    """A job's control group that tells these seconds, one after the other. It is a fake."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = list(seconds)

    def cpu_s(self) -> float:
        return self._seconds.pop(0)


@pytest.mark.parametrize(
    ("charged", "verdict"),
    [
        ((0.0, 0.1, 1.1, 1.1), "DENIED"),
        ((0.0, 4.7, 5.7, 6.2), "DENIED"),  # the client copies an image, and the payload is charged too
        ((0.0, 4.7, 4.7, 5.2), "EXPOSED"),  # only what the client copied was charged
    ],
)
def test_the_payloads_cpu_time_is_told_from_the_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, charged: tuple[float, ...], verdict: str
) -> None:
    def burnt(argv: Flags) -> Completed:
        assert argv.count("hold") in {0, 2}, "outside, or between two marks"
        return answered({"what": "burn", "cpu_ns": 10**9})

    group = PlayedGroup(*charged)
    monkeypatch.setattr(job_cpu_accounting, "job_group", lambda *_: contextlib.nullcontext(group))
    monkeypatch.setattr(job_cpu_accounting, "took", lambda *_: True)
    monkeypatch.setattr(
        job_cpu_accounting, "start_in", lambda it, _, argv: contextlib.nullcontext(it.start(argv))
    )
    session = FakeSession(probe=find("B02"), work=tmp_path, on_launch=burnt)
    find("B02").observe(session)
    judgement = find("B02").judge(session.observations, {})
    assert judgement.verdict == verdict, judgement.message


# ---- real runtimes, as they are and with one flag changed --------------------------------------------


@pytest.fixture
def job_name(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A known name for the job's group, and what an engine made by that name elsewhere removed again."""
    name = jobgroups.group_name()
    monkeypatch.setattr(jobgroups, "group_name", lambda: name)
    yield f"/{name}"
    for group in sorted(Path("/sys/fs/cgroup").glob(f"**/{name}"), reverse=True):
        group.rmdir()


@AS_ROOT
@pytest.mark.real
@pytest.mark.parametrize("name", ["B01", "B02", "B03"])
def test_a_daemon_escapes_the_job_unless_it_is_told_the_group(
    bench: Bench, arm_of: ArmOf, job_name: str, name: str
) -> None:
    probe = find(name)
    plain = verdicts(bench, arm_of, probe, ["docker"])
    if plain["host"].verdict == "INERT":
        pytest.skip(plain["host"].message)
    told = verdicts(bench, arm_of, probe, ["docker"], docker=("--cgroup-parent", job_name))
    assert [plain[arm].verdict for arm in ("host", "docker")] == ["DENIED", "EXPOSED"]
    assert told["docker"].verdict == "DENIED"


FLIPS = [
    ("B04", "podman", ("--ulimit", "cpu=1800"), "DENIED", "EXPOSED"),
    ("B05", "podman", ("--umask", "0027"), "EXPOSED", "DENIED"),
    ("B05", "apptainer", ("--no-umask",), "DENIED", "EXPOSED"),
    ("B07", "apptainer", ("--pid",), "EXPOSED", "DENIED"),
    ("B09", "docker", ("--memory", "1g"), "DENIED", "EXPOSED"),
    ("B10", "docker", ("--user", "1001:1001"), "EXPOSED", "DENIED"),
]


@pytest.mark.real
@pytest.mark.parametrize(("name", "runtime", "flags", "plain", "changed"), FLIPS)
def test_one_flag_flips_it(
    bench: Bench, arm_of: ArmOf, name: str, runtime: str, flags: Flags, plain: str, changed: str
) -> None:
    probe = find(name)
    user = bench.launcher.user
    flags = tuple(word.replace("1001:1001", f"{user.uid}:{user.gid}") for word in flags)
    as_it_is = verdicts(bench, arm_of, probe, [runtime])
    with_flag = verdicts(bench, arm_of, probe, [runtime], **{runtime: flags})
    assert (as_it_is[runtime].verdict, with_flag[runtime].verdict) == (plain, changed)


@pytest.mark.real
@pytest.mark.skipif(not shutil.which("docker"), reason="needs docker")
@pytest.mark.parametrize("name", ["B06", "B08"])
def test_a_daemons_container_outlives_its_client(bench: Bench, arm_of: ArmOf, name: str) -> None:
    seen = verdicts(bench, arm_of, find(name), ["docker", "charliecloud"])
    assert [seen[arm].verdict for arm in ("host", "docker", "charliecloud")] == [
        "DENIED",
        "EXPOSED",
        "DENIED",
    ]
