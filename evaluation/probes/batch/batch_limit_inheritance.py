"""Whether what a job inherits from the batch system reaches the container (B03 and B04, in a real job)."""

from __future__ import annotations

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Answer, read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.batchsystem import Limits
from evaluation.probes.jobs import job
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, PROBLEM, Attempt

CPU_S = 600
BARE = "bare"
FIELDS = {
    "open_files": "open files",
    "cpu_soft_seconds": "CPU seconds",
    "core_bytes": "core size",
    "processes": "processes",
    "processors": "processors",
    "niceness": "niceness",
}
_BEFORE = (
    "ulimit -u {processes} 2>&1 || ulimit -p {processes}; ulimit -n 512; {program} limits >{bare}.out 2>&1"
)
PROCESSES = 2000
"""Of the user on the node, as the job's script sets it; far above what runs."""


def observe(session: Session) -> None:
    """Let the bare process and the payload tell their limits, in one and the same job."""
    program = str(session.payload / PAYLOAD)
    before = _BEFORE.format(processes=PROCESSES, program=program, bare=BARE)
    argv = (f"{session.payload_inside}/{PAYLOAD}", "limits")
    with job(session, argv, limits=Limits(cpu_s=CPU_S), before=before) as submitted:
        if submitted is None:
            return
        free = session.on_host((program, "limits"))
        submitted.over()
        said = submitted.said
        bare = session.on_host(("cat", "--", f"{BARE}.out"))
        without, wanted, seen = _told(read_answer(free)), _told(read_answer(bare)), _told(read_answer(said))
        evidence = (said, bare, free, *submitted.evidence)
        asked = [name for name in wanted if wanted[name] != without.get(name)]
        if not seen:
            submitted.complain("the payload told no limits")
            return
        if not asked:
            session.record(PROBLEM, "the job has no limit that a process outside has not", evidence=evidence)
            return
        lost = [name for name in asked if seen.get(name) != wanted[name]]
        session.record(CONTROL_DONE, value=True, evidence=evidence)
        session.record(EFFECT, bool(lost), evidence=evidence)
        told = ", ".join(f"{FIELDS[name]} {seen.get(name)} (the job's: {wanted[name]})" for name in lost)
        kept = ", ".join(FIELDS[name] for name in asked if name not in lost)
        detail = f"lost: {told}; kept: {kept or 'nothing'}" if lost else f"kept: {kept}"
        session.record(DETAIL, detail, evidence=evidence)


def _told(answer: Answer) -> Mapping[str, str]:
    line = answer.first("limits")
    return {name: str(line.fields[name]) for name in FIELDS if name in line.fields} if line else {}


PROBE = Probe(
    id="batch_limit_inheritance",
    version=1,
    question="Do the ulimits of a real job still bind inside the container?",
    why=(
        "CPU time, open files, processes and core files are limited by what a process inherits from its "
        "job. A "
        "payload that a daemon starts inherits from the daemon: none of it holds."
    ),
    method=(
        f"A job with a limit of {CPU_S} s of CPU time (qsub -l h_cpu; a ulimit that sbatch hands on) is "
        "submitted; "
        f"its script sets {PROCESSES} processes and 512 open files. In it the bare process, and then the "
        "payload, "
        "tell their own. All that the job limits must be the same in both. The control is the bare process "
        "outside of the job, which has other limits."
    ),
    remedy=(
        "Start containers by a runtime without a daemon; else let the wrapper hand the limits over one by "
        "one "
        "(--ulimit); podman has --ulimit host."
    ),
    observe=observe,
    judge=Attempt(
        done="what the job was limited to did not reach the container",
        not_done="the job's limits reached the container",
        control="a process outside of the job has others",
        words=False,
    ),
    needs=("payload", "batch"),
    repeat="once",
    references=(
        Reference(title="getrlimit(2)", url="https://man7.org/linux/man-pages/man2/getrlimit.2.html"),
        Reference(
            title="slurm.conf, PropagateResourceLimits",
            url="https://slurm.schedmd.com/slurm.conf.html#OPT_PropagateResourceLimits",
        ),
    ),
)
