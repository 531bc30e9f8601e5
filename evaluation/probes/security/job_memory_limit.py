"""B01: whether a container stays within the memory that its batch job was given."""

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.base import Probe, Session
from evaluation.probes.holding import forget, hold, let_go, took
from evaluation.probes.jobgroups import INTO_THE_JOB, JobGroup, job_group, start_in
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, PROBLEM, Attempt
from evaluation.reasons import last_words

LIMIT_BYTES = 256 * 2**20
"""Of the job: far above what any client takes for itself."""
HELD_BYTES = 512 * 2**20
READY_S = 30.0
KILLED = (-9, 137)
"""Exit statuses of a client that was killed, or that hands on how its payload was."""

STARTED, INSIDE, OUTSIDE = "started", "inside", "outside"


def observe(session: Session) -> None:
    """Let the payload take more memory than its job has."""
    with job_group(session, "memory") as group:
        if group is None:
            return
        try:
            _take_outside(session)
            group.limit_memory(LIMIT_BYTES)
            _take_inside(session, group)
        finally:
            forget(session, INSIDE, OUTSIDE)
            (session.work / STARTED).unlink(missing_ok=True)


def _take_outside(session: Session) -> None:
    """Take the memory on the bare host, outside of the job."""
    words = hold(str(session.work), OUTSIDE, HELD_BYTES)
    running = session.start_on_host((str(session.payload / PAYLOAD), *words))
    held = took(session, OUTSIDE, running, READY_S)
    let_go(session, OUTSIDE)
    session.record(CONTROL_DONE, held, evidence=(running.wait(),))


def _take_inside(session: Session, group: JobGroup) -> None:
    mark = ("write", f"{session.work_inside}/{STARTED}", "yes", "--")
    argv = (f"{session.payload_inside}/{PAYLOAD}", *mark, *hold(session.work_inside, INSIDE, HELD_BYTES))
    with start_in(session, group, argv) as running:
        held = took(session, INSIDE, running, READY_S, lambda: group.memory_kills() > 0)
        let_go(session, INSIDE)
        completed = running.wait()
    kills, evidence = group.memory_kills(), (completed,)
    killed = completed.evidence.exit_status in KILLED and group.memory_limit_reached()
    if held or ((kills or killed) and (session.work / STARTED).exists()):
        taken = f"{HELD_BYTES >> 20} MiB {'were' if held else 'could not be'} taken"
        ended = "" if held else ", the kernel ended the payload"
        session.record(EFFECT, held, evidence=evidence)
        session.record(DETAIL, f"{taken} in a job of {LIMIT_BYTES >> 20} MiB{ended}", evidence=evidence)
        return
    reason = completed.failure or last_words(completed)
    what = "the payload neither took the memory nor was it ended for that"
    session.record(PROBLEM, f"{what} ({reason})", evidence=evidence)


PROBE = Probe(
    id="job_memory_limit",
    version=1,
    checklist_id="B01",
    question="Does the memory limit of the batch job hold for what runs in the container?",
    why=(
        "A batch system packs a node by the memory that jobs ask for. Where a container stands outside of "
        "its job's control group it may take all of the node's, and the kernel then ends whoever it likes, "
        "other users' jobs among them."
    ),
    method=(
        f"As root, the verifier makes a control group with {LIMIT_BYTES >> 20} MiB, as a batch system does, "
        f"and starts the client in it. The payload takes {HELD_BYTES >> 20} MiB and says on the bind when it "
        "has them. Either it gets them, or the group counts a process that the kernel ended for want of "
        "memory: the host looks, the payload's word does not count. The control is the bare process, which "
        "takes them outside of the group and cannot inside."
    ),
    remedy=f"{INTO_THE_JOB}.",
    observe=observe,
    judge=Attempt(
        done="the container took more memory than its job was given",
        not_done="the job's memory limit held",
        control="the same process outside of the job took it",
    ),
    severity=Severity.HIGH,
    severity_reason="Where the node's memory runs out, other users' jobs on it are ended.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="cgroups(7)", url="https://man7.org/linux/man-pages/man7/cgroups.7.html"),
        Reference(
            title="Docker documentation: resource constraints",
            url="https://docs.docker.com/engine/containers/resource_constraints/",
        ),
    ),
)
