"""What is said to a batch system, word for word, and what is read out of what it prints."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from evaluation.batch import Batch
from evaluation.measure.submission.job_script import directives
from evaluation.probes.batchsystem import (
    HELD,
    NO_ANSWER,
    Account,
    GridEngine,
    Limits,
    Slurm,
    batch_system,
)

SLURM = Slurm(env={"SLURM_CONF": "/etc/slurm/slurm.conf"}, options=("--partition=main",))
GRID = GridEngine(env={"SGE_ROOT": "/sge"}, options=("-q", "main.q"))


def test_slurm_is_asked_for_memory_and_time_in_its_own_units() -> None:
    limits = Limits(memory_bytes=256 * 2**20, wall_s=90)
    assert SLURM.submission("/w/j.sh", name="j", folder="/w", limits=limits) == (
        "timeout", "20", "env", "SLURM_CONF=/etc/slurm/slurm.conf", "sbatch", "--parsable",
        "--partition=main", "--job-name=j", "--chdir=/w", "--output=/dev/null", "--time=2", "--mem=256M",
        "/w/j.sh",
    )  # fmt: skip


def test_slurm_hands_on_the_ulimits_of_who_submits() -> None:
    argv = SLURM.submission("/w/j.sh", name="j", folder="/w", limits=Limits(cpu_s=600))
    assert argv[4:8] == ("sh", "-c", 'ulimit -t 600; exec "$@"', "sh")
    assert "--propagate=ALL" in argv


def test_grid_engine_is_asked_for_address_space() -> None:
    limits = Limits(memory_bytes=2 * 2**30, cpu_s=600)
    assert GRID.submission("/w/j.sh", name="j", folder="/w", limits=limits) == (
        "timeout", "20", "env", "SGE_ROOT=/sge", "qsub", "-terse", "-q", "main.q", "-V", "-N", "j",
        "-wd", "/w", "-o", "/dev/null", "-e", "/dev/null", "-S", "/bin/bash", "-l",
        "h_rt=180,h_vmem=2048M,h_cpu=600",
        "/w/j.sh",
    )  # fmt: skip


@pytest.mark.parametrize("system", [SLURM, GRID])
def test_no_command_can_wait_for_ever(system: Slurm | GridEngine) -> None:
    for argv in (system.cancellation("7"), system.accounting("7"), system.waiting("7", 60)):
        assert argv[0] == "timeout"
        assert "7" in argv or any(word.endswith("=7") for word in argv)
    assert int(system.waiting("7", 60)[1]) > 60


FAILS = "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1"
HELD_SLURM = "echo ' 7'"
UNKNOWN_SLURM = "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1"
LOST_GRID = "echo 'error: commlib error: got select error (Connection refused)' >&2; exit 1"
UNKNOWN_GRID = "echo 'Following jobs do not exist or permissions are not sufficient:'; echo 7; exit 1"


@pytest.mark.parametrize(
    ("system", "program", "answers", "status", "times"),
    [
        (Slurm(), "squeue", [HELD_SLURM, FAILS, HELD_SLURM, FAILS, "true"], 0, 5),
        (Slurm(), "squeue", ["true"], 0, 1),
        (Slurm(), "squeue", [UNKNOWN_SLURM], 0, 1),
        (Slurm(), "squeue", [FAILS], NO_ANSWER, 2),
        (Slurm(), "squeue", [HELD_SLURM], HELD, 2),
        (GridEngine(), "qstat", ["echo 'job_number: 7'", LOST_GRID, UNKNOWN_GRID], 0, 3),
        (GridEngine(), "qstat", [LOST_GRID], NO_ANSWER, 2),
        (GridEngine(), "qstat", ["echo 'job_number: 7'"], HELD, 2),
    ],
)
def test_only_an_answer_ends_the_wait(
    tmp_path: Path, system: Slurm | GridEngine, program: str, answers: list[str], status: int, times: int
) -> None:
    """A fake scheduler: it gives one answer after the other, and the last for ever."""
    for number, answer in enumerate(answers):
        (tmp_path / f"answer{number}").write_text(answer)
    (tmp_path / program).write_text(
        f"#!/bin/sh\necho asked >>{tmp_path}/asked\nnumber=$(($(wc -l <{tmp_path}/asked) - 1))\n"
        f"last={len(answers) - 1}\n. {tmp_path}/answer$((number < last ? number : last))\n"
    )
    (tmp_path / program).chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    seconds = 30 if status == 0 else 2
    done = subprocess.run(system.waiting("7", seconds), env=env, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert len((tmp_path / "asked").read_text().split()) >= times
    assert bool(done.stderr) == (status == NO_ANSWER)


@pytest.mark.parametrize(
    ("system", "program", "answer"),
    [
        (Slurm(), "sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1"),
        (Slurm(), "sacct", "echo 'timeout: failed to run command: No such file or directory'; exit 127"),
        (GridEngine(), "qacct", "echo '/sge/accounting: No such file or directory' >&2; exit 1"),
    ],
)
def test_where_no_books_are_kept_they_say_so(
    tmp_path: Path, system: Slurm | GridEngine, program: str, answer: str
) -> None:
    (tmp_path / program).write_text(f"#!/bin/sh\n{answer}\n")
    (tmp_path / program).chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(system.accounting("7"), env=env, capture_output=True, text=True, check=False)
    assert system.no_books.search(done.stdout + done.stderr)
    assert not system.no_books.search("sacct: error: slurmdbd: Connection refused")


def test_a_limit_of_address_space_is_one_of_each_slot() -> None:
    limits = Limits(memory_bytes=2 * 2**30)
    argv = GridEngine(options=("-q", "long", "-pe", "smp", "4")).submission(
        "/w/j.sh", name="j", folder="/w", limits=limits
    )
    assert argv[argv.index("-l") + 1] == "h_rt=180,h_vmem=512M"


def test_a_limit_of_memory_takes_the_place_of_the_sites_own() -> None:
    options = ("--account=a", "--mem=8G", "--mem-bind=local")
    asked = {"name": "j", "folder": "/w"}
    plain = Slurm(options=options).submission("/w/j.sh", limits=Limits(), **asked)
    limited = Slurm(options=options).submission("/w/j.sh", limits=Limits(memory_bytes=2**30), **asked)
    assert set(options) <= set(plain)
    assert set(plain) - set(limited) == {"--mem=8G"}
    assert "--mem=1024M" in limited


@pytest.mark.parametrize(
    ("system", "said", "number"),
    [
        (SLURM, "12\n", "12"),
        (SLURM, "12;probe\n", "12"),
        (SLURM, "", ""),
        (GRID, "12\n", "12"),
        (GRID, "warning: no queue\n12\n", "12"),
        (GRID, "error: no suitable queues\n", ""),
    ],
)
def test_the_number_of_a_job(system: Slurm | GridEngine, said: str, number: str) -> None:
    assert system.number(said) == number


# As sacct and qacct of Debian 12 printed them.
SACCT = "7|COMPLETED|00:02.713||0:0\n7.batch|COMPLETED|00:02.713|700416|0:0\n"
SACCT_KILLED = "9|CANCELLED by 1001|1-00:00:01||0:0\n9.batch|CANCELLED|1-00:00:01|0|0:15\n"
QACCT = """\
==============================================================
qname        main.q
failed       0
exit_status  0
ru_wallclock 3s
ru_maxrss    4.527KB
cpu          2.290s
maxvmem      7.910MB
"""


def test_the_books_of_slurm() -> None:
    assert SLURM.account(SACCT) == Account(cpu_s=2.713, memory_peak_bytes=700416.0, state="COMPLETED")
    killed = SLURM.account(SACCT_KILLED)
    assert killed is not None
    assert (killed.cpu_s, killed.state) == (86401.0, "CANCELLED by 1001")


@pytest.mark.parametrize("said", ["", "7|RUNNING|00:00.000||0:0\n", "7|COMPLETED|00:00.000||0:0\n"])
def test_books_that_are_not_closed_say_nothing(said: str) -> None:
    assert SLURM.account(said) is None


def test_the_books_of_grid_engine_whose_peak_is_in_units_of_1024_bytes() -> None:
    account = GRID.account(QACCT)
    assert account is not None
    assert account.cpu_s == pytest.approx(2.29)
    assert account.memory_peak_bytes == pytest.approx(4.527 * 2**20)
    assert account.state == "failed 0, exit status 0"
    assert GRID.account("error: job id 7 not found\n") is None


def test_a_figure_that_the_books_do_not_hold_is_none_and_never_zero() -> None:
    without = SLURM.account(SACCT.replace("700416", ""))
    assert without is not None
    assert without.memory_peak_bytes is None
    without = GRID.account(QACCT.replace("ru_maxrss", "ru_other"))
    assert without is not None
    assert without.memory_peak_bytes is None


def test_a_site_names_its_engine_and_what_is_set_already_stays() -> None:
    batch = Batch(engine="slurm", partition="long", env={"SLURM_CONF": "/site/slurm.conf"})
    assert batch_system(batch, {}) == Slurm(
        env={"SLURM_CONF": "/site/slurm.conf"}, options=("--partition=long",)
    )
    found = batch_system(batch, {"SLURM_CONF": "/mine"})
    assert found is not None
    assert found.env == {"SLURM_CONF": "/mine"}
    assert batch_system(Batch(engine="gridengine", queue="q"), {}) == GridEngine(options=("-q", "q"))
    assert batch_system(Batch(engine="local"), {}) is None


def test_what_a_site_asks_of_every_job_is_asked_of_a_probes_too() -> None:
    lines = ("#SBATCH --qos=normal", "#SBATCH --exclusive  # whole nodes")
    batch = Batch(
        engine="slurm", partition="long", account="a:b", cores_per_node=4, mem_per_node=8,
        scheduler_options=lines, worker_init=("module load apptainer",),
    )  # fmt: skip
    found = batch_system(batch, {"SLURM_JOB_ID": "1"})
    asked = ("--partition=long", "--account=a:b", "--cpus-per-task=4", "--mem=8G", "--qos=normal")
    assert found == Slurm(options=(*asked, "--exclusive"), first=("module load apptainer",), within=True)
    assert directives(batch)[:6] == (*(f"#SBATCH {word}" for word in asked[:4]), *lines)
    batch = Batch(engine="gridengine", queue="q", scheduler_options=("#$ -pe smp 2", "#$ -P 'a b'"))
    found = batch_system(batch, {})
    assert found == GridEngine(options=("-q", "q", "-pe", "smp", "2", "-P", "a b"))
    assert directives(batch)[:3] == ("#$ -q q", "#$ -pe smp 2", "#$ -P 'a b'")
