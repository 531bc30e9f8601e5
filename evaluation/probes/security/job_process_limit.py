"""B03: whether a container stays within the number of processes that its batch job may have."""

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.jobgroups import INTO_THE_JOB, JobGroup, job_group, start_in
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, PROBLEM, Attempt

LIMIT = 200
"""Of the job: above the threads of any client."""
WANTED = 400


def observe(session: Session) -> None:
    """Let the payload start more processes than its job may have."""
    with job_group(session, "pids") as group:
        if group is None:
            return
        group.limit_processes(LIMIT)
        outside = session.on_host((str(session.payload / PAYLOAD), "children", str(WANTED)))
        line = read_answer(outside).first("children")
        session.record(CONTROL_DONE, line is not None and line.ok, evidence=(outside,))
        _start_inside(session, group)


def _start_inside(session: Session, group: JobGroup) -> None:
    argv = (f"{session.payload_inside}/{PAYLOAD}", "children", str(WANTED))
    with start_in(session, group, argv) as running:
        completed = running.wait()
    answer = read_answer(completed)
    line = answer.first("children")
    made = line.integer("made") if line else None
    if line is None or made is None:
        session.record(PROBLEM, answer.problem or "the payload started nothing", evidence=(completed,))
        return
    stopped = "" if line.ok else f", then: {line.reason}"
    session.record(EFFECT, made > LIMIT, evidence=(completed,))
    session.record(DETAIL, f"{made} children in a job of at most {LIMIT}{stopped}", evidence=(completed,))


PROBE = Probe(
    id="job_process_limit",
    version=1,
    checklist_id="B03",
    question="Does the batch job's limit of processes hold for what runs in the container?",
    why=(
        "A program that forks without end takes a whole node with it unless its job's limit stops it: "
        "nobody can start a process any more, not even the one who would end it."
    ),
    method=(
        f"As root, the verifier makes a control group of at most {LIMIT} processes and threads and starts "
        f"the client in it. The payload tries to have {WANTED} children at once, which wait and are ended. "
        "The control is the bare process, which can outside of the group and cannot inside."
    ),
    remedy=f"{INTO_THE_JOB}; or give every container a limit of its own (--pids-limit).",
    observe=observe,
    judge=Attempt(
        done="the container had more processes than its job may have",
        not_done="the job's limit of processes held",
        control="the same process outside of the job had them",
    ),
    severity=Severity.HIGH,
    severity_reason="A fork bomb beyond its job's limit stops every other user's job on the node.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="cgroups(7)", url="https://man7.org/linux/man-pages/man7/cgroups.7.html"),
        Reference(
            title="CIS Docker 1.12.0 Benchmark v1.0.0, 5.28 (in Tenable's published audit)",
            url=(
                "https://tenable.com/audits/items/"
                "CIS_Docker_1.12.0_v1.0.0_L1.audit:025d1fe84fcb8d62889c0372a3edf206"
            ),
        ),
    ),
)
