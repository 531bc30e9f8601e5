"""P35: whether the host's shared memory can be read."""

from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.attempting import LIFETIME_S, lingering
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import plant_file, secret
from evaluation.probes.judging import DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

DIRECTORY = Path("/dev/shm")  # noqa: S108 - where POSIX shared memory lies; the file's own name is random
CANARY = "canary"
READY_S = 10.0
POSIX, SYSTEM_V = "/dev/shm", "the System V segment"  # noqa: S108 - a name for people


def observe(session: Session) -> None:
    """Put a word into both kinds of shared memory on the host, and let the payload read it."""
    content, name = secret(), f"evaluation-{secret()}"
    program, prefix = str(session.payload / PAYLOAD), str(session.work / CANARY)
    owner = (session.uid, session.gid) if session.privileged else (-1, -1)
    try:
        plant_file(DIRECTORY, name, content, mode=0o600, uid=owner[0], gid=owner[1])
    except OSError as error:
        session.record(NOT_PLANTED, f"no file can be planted in {DIRECTORY}: {error.strerror}")
        return
    completed = None
    try:
        task = session.start_on_host((program, "hold-shared", prefix, str(LIFETIME_S), content))
        with lingering(session.work, CANARY, task, READY_S) as canary:
            if canary.number is not None:
                inside = f"{session.payload_inside}/{PAYLOAD}"
                number = str(canary.number)
                completed = session.launch(
                    (inside, "read", str(DIRECTORY / name), "--", "read-shared", number)
                )
    finally:
        (DIRECTORY / name).unlink(missing_ok=True)
    if completed is None:
        session.record(PROBLEM, "the canary on the host did not work")
        return
    _record(session, completed, content)


def _record(session: Session, completed: Completed, content: str) -> None:
    answer = read_answer(completed)
    lines = {POSIX: answer.first("read"), SYSTEM_V: answer.first("read-shared")}
    parts, read = [], []
    for place, line in lines.items():
        if line is None:
            reason = answer.problem or "the payload reported no attempt"
            session.record(PROBLEM, reason, evidence=(completed,))
            return
        read.append(line.text("text") == content)
        missed = "another one was there" if line.ok else line.reason
        parts.append(f"{place}: {'read' if read[-1] else missed}")
    session.record(EFFECT, any(read), evidence=(completed,))
    session.record(DETAIL, "; ".join(parts), evidence=(completed,))


PROBE = Probe(
    id="shared_memory_exposure",
    version=1,
    checklist_id="P35",
    question="Is the host's shared memory out of the container's reach?",
    why=(
        "Programs of one user exchange data through /dev/shm and System V segments: MPI ranks, databases, "
        "notebooks. A container that shares them reads and changes what another job computes with. MPI "
        "between containers of one job wants just that."
    ),
    method=(
        "On the host and as the measuring user, the verifier puts a random word into a file of /dev/shm and "
        "into a System V segment, both for the owner alone; the segment ends with the process that holds it. "
        "The payload reads both. Only the word itself counts. Exposed if either is read, and the message "
        "says which. The control is the bare process, which reads both."
    ),
    remedy=(
        "Give the container its own (the default of Docker; not --ipc host; apptainer exec --ipc --contain), "
        "and share it within a job only."
    ),
    severity=Severity.MEDIUM,
    severity_reason="The user's own data in other jobs can be read and changed; nobody else's.",
    observe=observe,
    judge=Attempt(
        done="shared memory of the host was read",
        not_done="shared memory of the host was not read",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="shm_overview(7)",
            url="https://man7.org/linux/man-pages/man7/shm_overview.7.html",
        ),
        Reference(
            title="shmget(2)",
            url="https://man7.org/linux/man-pages/man2/shmget.2.html",
        ),
        Reference(
            title="ipc_namespaces(7)",
            url="https://man7.org/linux/man-pages/man7/ipc_namespaces.7.html",
        ),
    ),
)
