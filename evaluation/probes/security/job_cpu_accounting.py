"""B02: whether the CPU time of a container is charged to its batch job."""

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line, read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.holding import forget, hold, let_go, took
from evaluation.probes.jobgroups import INTO_THE_JOB, JobGroup, job_group, start_in
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, PROBLEM, Attempt

BURNT_MS = 1000
READY_S = 30.0
BEFORE, AFTER = "before", "after"
_LITTLE_BYTES = 4096
CHARGED = 0.5
"""The share of it that must be charged at least: a whole process is charged or is not."""


def observe(session: Session) -> None:
    """Let the payload compute, and ask the job's group what it was charged."""
    with job_group(session, "cpuacct") as group:
        if group is None:
            return
        outside = session.on_host((str(session.payload / PAYLOAD), "burn", str(BURNT_MS)))
        if _burnt_s(read_answer(outside).first("burn")):
            session.record(CONTROL_DONE, group.cpu_s() < CHARGED * BURNT_MS / 1e3, evidence=(outside,))
        _compute_inside(session, group)


def _compute_inside(session: Session, group: JobGroup) -> None:
    """Let the payload compute between two marks; what its client takes before and after is not counted."""
    program = f"{session.payload_inside}/{PAYLOAD}"
    before, after = (hold(session.work_inside, name, _LITTLE_BYTES) for name in (BEFORE, AFTER))
    burn = ("burn", str(BURNT_MS))
    began_s = ended_s = None
    try:
        with start_in(session, group, (program, *before, "--", *burn, "--", *after)) as running:
            if took(session, BEFORE, running, READY_S):
                began_s = group.cpu_s()
                let_go(session, BEFORE)
                ended_s = group.cpu_s() if took(session, AFTER, running, READY_S) else None
                let_go(session, AFTER)
            completed = running.wait(2 * READY_S)
        whole_s = group.cpu_s()
    finally:
        forget(session, BEFORE, AFTER)
    answer = read_answer(completed)
    burnt_s = _burnt_s(answer.first("burn"))
    if not burnt_s or began_s is None or ended_s is None:
        session.record(PROBLEM, answer.problem or "the payload computed nothing", evidence=(completed,))
        return
    charged_s = ended_s - began_s
    session.record("burnt", burnt_s, "s", evidence=(completed,))
    session.record("charged", charged_s, "s", evidence=(completed,))
    session.record("charged_in_all", whole_s, "s", evidence=(completed,))
    session.record(EFFECT, charged_s < CHARGED * burnt_s, evidence=(completed,))
    detail = f"{burnt_s:.2f} s computed, {charged_s:.2f} s charged to the job meanwhile"
    session.record(DETAIL, detail, evidence=(completed,))


def _burnt_s(line: Line | None) -> float:
    return ((line.integer("cpu_ns") if line else None) or 0) / 1e9


PROBE = Probe(
    id="job_cpu_accounting",
    version=2,
    checklist_id="B02",
    question="Is the CPU time of what runs in the container charged to the batch job?",
    why=(
        "Shares, invoices and the limits of a farm stand on what jobs are charged. CPU time that a daemon "
        "spends for a user is nobody's: it is not in the accounting, and runs on cores that were given to "
        "others."
    ),
    method=(
        f"As root, the verifier makes a control group for CPU time and starts the client in it. The payload "
        f"waits, computes until it has used {BURNT_MS} ms of CPU time by its own clock, and waits again. The "
        "group is asked for its total at both marks: what the client burns for itself, before and after, is "
        "not counted. Less than half of it means that the payload was not charged. The control is the bare "
        "process, which is charged inside the group and not when it runs outside; where it is not charged "
        "inside either, nothing is shown."
    ),
    remedy=f"{INTO_THE_JOB}.",
    observe=observe,
    judge=Attempt(
        done="the container's CPU time was not charged to its job",
        not_done="the container's CPU time was charged to its job",
        control="the same process outside of the job was not charged to it",
        inert="the bare process was not charged either, so this shows nothing about a runtime",
    ),
    severity=Severity.MEDIUM,
    severity_reason="Whoever computes beyond the accounting takes other users' share, and nobody sees it.",
    needs=("payload",),
    repeat="once",
    quick=False,  # seconds of waiting in every mode
    references=(
        Reference(title="cgroups(7)", url="https://man7.org/linux/man-pages/man7/cgroups.7.html"),
        Reference(
            title="MITRE ATT&CK T1496, Resource Hijacking",
            url="https://attack.mitre.org/techniques/T1496/",
        ),
    ),
)
