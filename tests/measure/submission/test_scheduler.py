"""What schedulers are asked, exactly; and how what they really print is read."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.measure.launcher import Launcher
from evaluation.measure.submission import scheduler as module
from evaluation.measure.submission.scheduler import GridEngine, Job, Queue, Slurm, scheduler_of
from evaluation.measure.user import ourselves

# Printed by Slurm 22.05.8.
SQUEUE = """\
17|RUNNING|None|n1|parsl.evaluation-20261123T092157Z-1a2b3c.block-0.1795425717.1
18|PENDING|PartitionDown||evaluation-20261123T092157Z-1a2b3c
19|COMPLETING|None|n2|somebody|s job
"""
SHOWN = (
    "JobId=18 JobName=x UserId=root(0) GroupId=root(0) JobState={state} Reason={reason} Dependency=(null) "
    "Requeue=0 Restarts=0 BatchFlag=1 Reboot=0 ExitCode={code} RunTime=00:00:07\n"
)
# Printed by Grid Engine 8.1.9.
QSTAT = """\
job-ID  prior   name       user         state submit/start at     queue           slots ja-task-ID
----------------------------------------------------------------------------------------------------
      4 0.50000 parsl.eval root         r     11/23/2026 09:18:11 main.q@vm       2
       Full jobname:     parsl.evaluation-20261123T091808Z-176461.block-0.1795425491.6266658.submit
       Master Queue:     main.q@vm
       Requested PE:     smp 2
      5 0.00000 parsl.eval root         Eqw   11/23/2026 09:18:12                                    2
       Full jobname:     parsl.evaluation-20261123T091808Z-176461.block-1.1795425492.1.submit
       Hard Resources:   h_rt=3600 (0.000000)
"""
WAITS = """\
job_number:                 5
scheduling info:            queue instance "main.q@vm" dropped because it is disabled
                            All queues dropped because of overload or full
"""
BROKEN = (
    "error reason    1:          can't make directory\nscheduling info:            There are no messages\n"
)
QACCT = """\
==============================================================
qname        main.q
failed       100 : assumedly after job
exit_status  137                  (Killed)
ru_wallclock 5s
"""


def test_slurm_is_asked_in_these_words() -> None:
    slurm = Slurm()
    assert slurm.listing_argv("alice") == (
        "squeue", "--noheader", "--user=alice", "--format=%i|%T|%r|%N|%j",
    )  # fmt: skip
    assert slurm.reason_argv("7") == slurm.ending_argv("7") == ("scontrol", "--oneliner", "show", "job", "7")
    assert slurm.cancel_argv(["7", "8"]) == ("scancel", "7", "8")
    assert slurm.answers_argv() == ("scontrol", "ping")
    assert slurm.version_argv() == ("sinfo", "--version")


def test_grid_engine_is_asked_in_these_words() -> None:
    grid = GridEngine()
    assert grid.listing_argv("alice") == ("qstat", "-r", "-u", "alice")
    assert grid.reason_argv("7") == ("qstat", "-j", "7")
    assert grid.ending_argv("7") == ("qacct", "-j", "7")
    assert grid.cancel_argv(["7", "8"]) == ("qdel", "7", "8")
    assert grid.answers_argv() == ("qstat", "-g", "c")
    assert grid.version_argv() == ("qstat", "-help")


def test_slurm_s_jobs_are_read_with_whatever_is_in_a_name() -> None:
    running, waiting, ending = Slurm().parse(SQUEUE)
    assert running == Job(
        id="17",
        name="parsl.evaluation-20261123T092157Z-1a2b3c.block-0.1795425717.1",
        state="RUNNING",
        running=True,
        node="n1",
    )
    assert (waiting.reason, waiting.running, waiting.node) == ("PartitionDown", False, "")
    assert (ending.name, ending.running) == ("somebody|s job", True)


def test_grid_engine_s_names_are_not_those_that_its_table_cuts() -> None:
    running, broken = GridEngine().parse(QSTAT)
    assert (running.id, running.running, running.node) == ("4", True, "vm")
    assert running.name.startswith("parsl.evaluation-20261123T091808Z-176461.block-0")
    assert (broken.id, broken.running, broken.state) == ("5", False, "Eqw")
    assert "block-1" in broken.name


@pytest.mark.parametrize(
    ("state", "reason", "code", "told"),
    [
        ("NODE_FAIL", "NodeDown", "0:0", "NODE_FAIL, reason NodeDown, exit code 0:0"),
        ("CANCELLED", "None", "0:15", "CANCELLED, exit code 0:15"),
        ("OUT_OF_MEMORY", "OutOfMemory", "0:125", "OUT_OF_MEMORY, reason OutOfMemory, exit code 0:125"),
    ],
)
def test_slurm_tells_how_a_job_ended(state: str, reason: str, code: str, told: str) -> None:
    assert Slurm().parse_ending(SHOWN.format(state=state, reason=reason, code=code)) == told


@pytest.mark.parametrize("state", ["RUNNING", "COMPLETING"])
def test_a_job_that_is_still_ending_has_not_ended(state: str) -> None:
    assert Slurm().parse_ending(SHOWN.format(state=state, reason="None", code="0:0")) == ""


def test_slurm_tells_why_a_job_waits_or_nothing() -> None:
    waits = SHOWN.format(state="PENDING", reason="PartitionDown", code="0:0")
    assert Slurm().parse_reason(waits) == "PartitionDown"
    assert Slurm().parse_reason(SHOWN.format(state="PENDING", reason="None", code="0:0")) == ""
    assert Slurm().parse_ending("slurm_load_jobs error: Invalid job id specified") == ""


def test_grid_engine_tells_why_a_job_waits_and_an_error_before_all_else() -> None:
    assert GridEngine().parse_reason(WAITS) == (
        'queue instance "main.q@vm" dropped because it is disabled; '
        "All queues dropped because of overload or full"
    )
    assert GridEngine().parse_reason(BROKEN) == "can't make directory"
    assert GridEngine().parse_reason("Following jobs do not exist") == ""


def test_grid_engine_tells_how_a_job_ended() -> None:
    ended = "failed 100 : assumedly after job, exit status 137                  (Killed)"
    assert GridEngine().parse_ending(QACCT) == ended
    assert GridEngine().parse_ending("failed       0\nexit_status  3\n") == "exit status 3"
    assert GridEngine().parse_ending("error: job id 7 not found") == ""


def test_an_engine_that_nobody_drove_is_refused_with_what_can_be_done() -> None:
    with pytest.raises(EvaluationError, match="not submitted to 'lsf'") as caught:
        scheduler_of("lsf")
    assert "inside a job of your own" in caught.value.advice


def test_a_busy_scheduler_is_asked_again_before_anything_is_said_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake for a unit test: every second call fails."""
    for name in ("squeue", "scontrol", "sinfo"):
        (tmp_path / name).write_text(
            f"#!/bin/sh\necho asked >>{tmp_path}/asked\n"
            f"[ $(($(wc -l <{tmp_path}/asked) % 2)) = 0 ] || exit 1\necho 'slurm-wlm 22.05.8'\n"
        )
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(module, "_PAUSES_S", (0.0, 0.0, 0.0, 0.0))
    user = replace(ourselves(), env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    with Launcher(user) as launcher:
        queue = Queue(Slurm(), launcher)
        queue.require()
        for _ in range(3):
            assert queue.jobs("evaluation-") == ()
