"""B11: whether the environment of another container of the same user can be read."""

import os
from contextlib import suppress
from pathlib import Path

from evaluation.folders import HeldFolder
from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line
from evaluation.probes.attempting import LIFETIME_S, ask, lingering
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import secret
from evaluation.probes.judging import DETAIL, EFFECT, PROBLEM, Attempt

MEETING, CANARY = "meeting", "sibling"
VARIABLE = "EVALUATION_SIBLING_WORD"
READY_S = 30.0


def observe(session: Session) -> None:
    """Start a container with a secret in its environment, and let another one read it."""
    content, name = secret(), secret()[:15]
    program, prefix = f"{session.payload_inside}/{PAYLOAD}", f"{session.work_inside}/{MEETING}/{CANARY}"
    place = _open_to_all(session.work)
    task = session.start((program, "linger", prefix, str(LIFETIME_S), name), env={VARIABLE: content})
    completed: Completed | None = None
    lines: tuple[Line, ...] = ()
    with lingering(place, CANARY, task, READY_S) as sibling:
        if sibling.number is not None:
            completed, lines = ask(session, "inspect", name, VARIABLE)
    with suppress(OSError):  # it holds the sibling's mark, where there was one
        place.rmdir()
    if completed is None:
        evidence = (sibling.ended,) if sibling.ended else ()
        session.record(PROBLEM, "the sibling container did not start in time", evidence=evidence)
        return
    if not lines:
        return
    read = lines[0].text("text") == content
    seen = "it did not see the sibling" if not lines[0].fields.get("seen") else lines[0].reason
    session.record(EFFECT, read, evidence=(completed,))
    session.record(DETAIL, "it read the variable" if read else seen, evidence=(completed,))


def _open_to_all(work: Path) -> Path:
    """Make a directory that root without capabilities may write to; it goes with the work directory."""
    with HeldFolder(work) as held:
        os.fchmod(held.descriptor, 0o711)
        held.make(MEETING, mode=0o777).close()
    return work / MEETING


PROBE = Probe(
    id="sibling_environment_exposure",
    version=1,
    checklist_id="B11",
    question="Is the environment of one container closed to the same user's others?",
    why=(
        "A service account's jobs share nodes, and tokens travel in variables. A container that can read its "
        "sibling's environment takes the secrets of a job that has nothing to do with it."
    ),
    method=(
        "Two containers of the same runtime, user and options run at once. One has a random word in a "
        "variable and a random name; the other searches /proc for that name and reads the variable. Only the "
        "word itself counts. The control is the same with two bare processes, where it succeeds."
    ),
    remedy=(
        "Give every container process ids of its own (the default of Docker and Podman, apptainer exec "
        "--pid) or a user namespace; do not start two jobs' containers with --pid host."
    ),
    severity=Severity.MEDIUM,
    severity_reason="The user's own secrets in another job are read; nobody else's.",
    observe=observe,
    judge=Attempt(
        done="the environment of another container was read",
        not_done="the environment of another container was not read",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="proc_pid_environ(5)",
            url="https://man7.org/linux/man-pages/man5/proc_pid_environ.5.html",
        ),
        Reference(
            title="pid_namespaces(7)",
            url="https://man7.org/linux/man-pages/man7/pid_namespaces.7.html",
        ),
        Reference(
            title="NIST SP 800-190, section 3.4.3: insecure container runtime configurations",
            url="https://doi.org/10.6028/NIST.SP.800-190",
        ),
    ),
)
