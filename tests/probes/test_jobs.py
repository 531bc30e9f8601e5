"""What an engine's answers, and its silence, lead to. Its fakes record what they were asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes import asking, jobkills, jobs
from evaluation.probes.base import Completed, Judgement
from evaluation.probes.batch import batch_leftovers
from evaluation.probes.batchsystem import NO_ANSWER, Slurm
from evaluation.probes.controlgroups import groups_in
from evaluation.probes.hostprocesses import HostProcess
from evaluation.probes.registry import find
from evaluation.testing import FakeSession, answered, ended

SACCT = "7|COMPLETED|{cpu}||0:0\n7.batch|COMPLETED|{cpu}|{rss}|0:0\n"
DISABLED = ended(exit_status=1, stderr=b"Slurm accounting storage is disabled\n")
SOMEBODY = HostProcess(pid=2**22 + 1, parent=1, name="probe", began=0)


@dataclass(slots=True, kw_only=True)
class PlayedEngine:
    """Takes every job, and answers as the test says."""

    work: Path
    sbatch: Completed = field(default_factory=lambda: ended(b"7\n"))
    waiting: Completed = field(default_factory=ended)
    books: list[Completed] = field(default_factory=list)
    other: Callable[[tuple[str, ...]], Completed] = field(default=lambda _: ended())
    asked: list[tuple[str, ...]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)

    def __call__(self, argv: tuple[str, ...]) -> Completed:
        self.asked.append(argv)
        words = " ".join(argv)
        if "sbatch" in argv:
            script = Path(argv[-1])
            self.scripts.append(script.read_text())
            script.with_suffix(".facts").write_text("node=n1\n")
            script.with_suffix(".status").write_text("0\n")
            return self.sbatch
        if "squeue" in words:
            return self.waiting
        if "sacct" in argv:
            return self.books.pop(0) if len(self.books) > 1 else self.books[0]
        if argv[0] == "cat" or "burn" in argv:
            return answered({"what": "burn", "cpu_ns": self.burnt_ns})
        return self.other(argv)

    @property
    def burnt_ns(self) -> int:
        """What the payload was last told to compute."""
        last = next((script for script in reversed(self.scripts) if " burn " in script), " burn 0 ")
        return int(last.split(" burn ")[1].split()[0]) * 10**6


def taken(name: str, engine: PlayedEngine, *, within: bool = False) -> tuple[FakeSession, Judgement]:
    """One turn in a job of the played engine, and what is made of it with a bare host that is well."""
    session = FakeSession(
        probe=find(name), work=engine.work, on_launch=engine, uid=os.getuid(), gid=os.getgid(),
        batch=Slurm(options=("--account=a",), first=("module load apptainer",), within=within),
    )  # fmt: skip
    find(name).observe(session)
    return session, find(name).judge(session.observations, {})


def booked(cpu: str, rss: int | str = "") -> Completed:
    return ended(SACCT.format(cpu=cpu, rss=rss).encode())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BOOKS_S", 0.0)
    monkeypatch.setattr(asking, "_AGAIN_S", 0.0)


def test_a_probes_job_asks_for_what_the_sites_jobs_ask_for(tmp_path: Path) -> None:
    engine = PlayedEngine(work=tmp_path, books=[booked("00:00.100"), booked("00:02.100")])
    _, judgement = taken("batch_cpu_accounting", engine)
    assert judgement.outcome is Outcome.HOLDS, judgement.message
    submitted = [argv for argv in engine.asked if "sbatch" in argv]
    assert len(submitted) == 2
    assert all("--account=a" in argv for argv in submitted)
    assert all(script.startswith("#!/bin/bash\nmodule load apptainer\n") for script in engine.scripts)


@pytest.mark.parametrize(
    ("idle", "busy", "outcome"),
    [
        ("00:00.100", "00:02.100", Outcome.HOLDS),
        ("00:04.700", "00:14.100", Outcome.HOLDS),  # podman with vfs: the client copies the image
        ("00:04.700", "00:04.900", Outcome.FAILS),
        ("00:00.100", "00:00.100", Outcome.FAILS),
    ],
)
def test_what_the_client_burns_is_not_the_payloads(
    tmp_path: Path, idle: str, busy: str, outcome: Outcome
) -> None:
    engine = PlayedEngine(work=tmp_path, books=[booked(idle), booked(busy)])
    session, judgement = taken("batch_cpu_accounting", engine)
    assert judgement.outcome is outcome, judgement.message
    assert session.observations.last("control") is True


def test_a_control_that_did_not_compute_shows_nothing(tmp_path: Path) -> None:
    """What did not run beside the job was not charged to it either: that is no control."""

    class Idle(PlayedEngine):
        def __call__(self, argv: tuple[str, ...]) -> Completed:
            beside = "burn" in argv
            return ended(exit_status=-9) if beside else PlayedEngine.__call__(self, argv)

    engine = Idle(work=tmp_path, books=[booked("00:00.100"), booked("00:02.000")])
    session, judgement = taken("batch_cpu_accounting", engine)
    assert session.observations.last("control") is False
    assert judgement.outcome is Outcome.INERT, judgement.message


@pytest.mark.parametrize("name", ["batch_cpu_accounting", "batch_memory_accounting"])
def test_without_books_nobody_is_judged(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.Job, "ready", lambda *_: True)
    engine = PlayedEngine(work=tmp_path, books=[DISABLED])
    _, judgement = taken(name, engine)
    assert judgement.outcome is Outcome.UNAVAILABLE
    assert "Slurm accounting storage is disabled" in judgement.message
    assert len([argv for argv in engine.asked if "sacct" in argv]) == 1, "it is not asked again"


def test_memory_that_is_not_gathered_is_not_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.Job, "ready", lambda *_: True)
    engine = PlayedEngine(work=tmp_path, books=[booked("00:00.100")])
    _, judgement = taken("batch_memory_accounting", engine)
    assert judgement.outcome is Outcome.UNAVAILABLE
    assert "not gathered" in judgement.message


def test_books_that_fail_are_asked_again_and_are_at_last_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BOOKS_S", 30.0)
    refused = ended(exit_status=1, stderr=b"sacct: error: slurmdbd: Connection refused")
    engine = PlayedEngine(work=tmp_path, books=[refused, booked("00:00.100"), refused, booked("00:02.100")])
    assert taken("batch_cpu_accounting", engine)[1].outcome is Outcome.HOLDS
    monkeypatch.setattr(jobs, "BOOKS_S", 0.0)
    _, judgement = taken("batch_cpu_accounting", PlayedEngine(work=tmp_path, books=[refused]))
    assert (judgement.outcome, "Connection refused" in judgement.message) == (Outcome.ERROR, True)


def test_a_job_of_which_nothing_is_known_is_not_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The payload still runs, for the job does too: the failed question was taken for the job's end."""
    silent = ended(exit_status=NO_ANSWER, stderr=b"slurm_load_jobs error: Unable to contact controller")
    monkeypatch.setattr(jobkills, "_READY_S", 0.01)  # nothing gets ready beside a job that is played
    monkeypatch.setattr(jobkills, "found_by", lambda *_: SOMEBODY)
    monkeypatch.setattr(jobkills, "still_there", lambda processes, _: tuple(processes))
    monkeypatch.setattr(jobs.Job, "ready", lambda *_: True)
    for name in ("batch_kill_survival", "batch_leftovers", "batch_epilog"):
        engine = PlayedEngine(work=tmp_path, waiting=silent)
        session = FakeSession(
            probe=find(name), work=tmp_path, on_launch=engine, uid=os.getuid(), gid=os.getgid(),
            batch=Slurm(), is_control=True,
        )  # fmt: skip
        find(name).observe(session)
        judgement = find(name).judge(session.observations, {})
        assert judgement.outcome is Outcome.ERROR, name
        assert "Unable to contact controller" in judgement.message


REFUSED = ended(exit_status=1, stderr=b"sbatch: error: Batch job submission failed: Access denied")
SILENT = ended(exit_status=1, stderr=b"sbatch: error: Unable to contact slurm controller")


@pytest.mark.parametrize(
    ("said", "within", "outcome"),
    [
        (REFUSED, True, Outcome.UNAVAILABLE),
        (REFUSED, False, Outcome.ERROR),
        (SILENT, True, Outcome.ERROR),
    ],
)
def test_a_node_that_may_not_submit_is_unavailable(
    tmp_path: Path, said: Completed, outcome: Outcome, *, within: bool
) -> None:
    _, judgement = taken("batch_cpu_accounting", PlayedEngine(work=tmp_path, sbatch=said), within=within)
    assert judgement.outcome is outcome
    if outcome is Outcome.UNAVAILABLE:
        assert "Access denied" in judgement.message
        assert "let that node submit" in judgement.message


def test_an_engine_that_does_not_list_its_containers_is_asked_again(tmp_path: Path) -> None:
    answers = [ended(exit_status=1, stderr=b"Cannot connect to the Docker daemon"), ended(b"abc\n")]
    engine = PlayedEngine(work=tmp_path, other=lambda _: answers.pop(0))
    session = FakeSession(probe=find("batch_epilog"), work=tmp_path, on_launch=engine)
    assert asking.answered(session, ("docker", "ps")).stdout == b"abc\n"
    answers += [ended(exit_status=1, stderr=b"Cannot connect to the Docker daemon")] * 9
    with pytest.raises(asking.NoAnswerError, match="docker does not answer: Cannot connect"):
        asking.answered(session, ("docker", "ps"))


ONE = "7:memory:/slurm_n1/uid_0/job_7\n6:pids:/slurm_n1/uid_0/job_7\n1:cpuset:/slurm_n1\n"
TWO = "0::/system.slice/n1_slurmstepd.scope/job_7/step_batch/user/task_0\n"


@pytest.mark.parametrize(
    ("told", "kind", "names", "left"),
    [
        (ONE, "cgroup", ("memory", "pids", "cpuset"), "/slurm_n1/uid_0/job_7 in 2 hierarchies"),
        (
            TWO,
            "cgroup2",
            ("",),
            "/system.slice/n1_slurmstepd.scope/job_7/step_batch/user/task_0 in 1 hierarchy",
        ),
    ],
    ids=["version 1", "version 2"],
)
def test_control_groups_that_are_left_are_seen_in_either_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, kind: str, names: tuple[str, ...], left: str
) -> None:
    table = tmp_path / "mounts"
    table.write_text("".join(f"{kind} {tmp_path}/at{name} {kind} rw,{name} 0 0\n" for name in names))
    found = partial(groups_in, mounts=table)
    monkeypatch.setattr(jobs, "groups_in", found)
    (tmp_path / "job.facts").write_text(f"node=n1\nhost=h\n{told}")
    session = FakeSession(
        probe=find("batch_leftovers"), work=tmp_path, on_launch=lambda _: ended(),
        uid=os.getuid(), gid=os.getgid(),
    )  # fmt: skip
    job = jobs.Job(
        session=session, system=Slurm(), launch=session.described(("true",)), name="job", token="", number="7"
    )
    assert job.has_group
    assert job.groups_left() == ""
    for group in found(told):
        group.folder.mkdir(parents=True, exist_ok=True)
        (group.folder / "cgroup.procs").touch()
    assert job.groups_left() == left
    done = jobkills.Killed(
        job=job, payload=SOMEBODY, survived=False, beside_survived=True, took_s=0.0, told="",
        groups=tuple(group for group in found(told) if group.path.count("/") > 1), tree="", evidence=(),
    )  # fmt: skip
    path, _, number = left.partition(" in ")
    assert batch_leftovers._groups(done) == f"{path} ({number})"
