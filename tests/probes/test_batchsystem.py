"""What is said to a batch system, word for word, and what is read out of what it prints."""

from __future__ import annotations

import pytest

from evaluation.batch import Batch
from evaluation.probes.batchsystem import Account, GridEngine, Limits, Slurm, batch_system

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
        "-wd", "/w", "-o", "/dev/null", "-e", "/dev/null", "-S", "/bin/sh", "-l",
        "h_rt=180,h_vmem=2048M,h_cpu=600",
        "/w/j.sh",
    )  # fmt: skip


@pytest.mark.parametrize("system", [SLURM, GRID])
def test_no_command_can_wait_for_ever(system: Slurm | GridEngine) -> None:
    for argv in (system.cancellation("7"), system.accounting("7"), system.waiting("7", 60)):
        assert argv[0] == "timeout"
        assert "7" in argv or any(word.endswith("=7") for word in argv)
    assert system.waiting("7", 60)[1] == "60"


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
