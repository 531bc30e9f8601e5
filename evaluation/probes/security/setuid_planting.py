"""P15: whether a container can leave a setuid-root program that a host user can run."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from evaluation.folders import HeldFolder
from evaluation.model import Reference, Severity
from evaluation.payload.build import HELPER
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line, read_answer
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT, Callers, plant_setuid, run_planted
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

PLANTED = "planted"
CONTROL_PLANTED = "planted-by-root"


def observe(session: Session) -> None:
    """Let the payload plant a setuid copy of the helper, and let the user run it on the host."""
    with Callers(session.work) as callers:
        if session.privileged:
            with plant_setuid(session.payload / HELPER, session.work, CONTROL_PLANTED) as program:
                became_root, ran = run_planted(session, callers, program)
                session.record(CONTROL_DONE, became_root, evidence=(ran,))
        else:
            session.record(NOT_PLANTED, NEEDS_ROOT)
        helper, target = f"{session.payload_inside}/{HELPER}", f"{session.work_inside}/{PLANTED}"
        completed = session.launch((f"{session.payload_inside}/{PAYLOAD}", "plant", helper, target))
        answer = read_answer(completed)
        line = answer.first("plant")
        if line is None:
            session.record(
                PROBLEM, answer.problem or "the payload reported no attempt", evidence=(completed,)
            )
            return
        try:
            _record_planted(session, callers, completed, line)
        finally:
            _disarm(session.work)


def _record_planted(session: Session, callers: Callers, planting: Completed, line: Line) -> None:
    planted = session.work / PLANTED
    try:
        status = planted.lstat()
    except FileNotFoundError:
        session.record(EFFECT, value=False, evidence=(planting,))
        session.record(DETAIL, f"nothing was left on the host: {line.reason}", evidence=(planting,))
        return
    if not stat.S_ISREG(status.st_mode):
        session.record(PROBLEM, "what the payload left on the host is no regular file", evidence=(planting,))
        return
    became_root, ran = run_planted(session, callers, planted)
    detail = f"the file belongs to host uid {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o}"
    session.record(EFFECT, became_root, evidence=(planting, ran))
    session.record(DETAIL, detail, evidence=(planting, ran))


def _disarm(work: Path) -> None:
    """Take the setuid bit from whatever was left, then the file; a link is not followed."""
    with HeldFolder(work) as held:
        with suppress(OSError), held.open(PLANTED) as left:
            os.fchmod(left.fileno(), 0)
        with suppress(OSError):  # a directory, or not ours: it goes with the work directory
            held.remove(PLANTED)


PROBE = Probe(
    id="setuid_planting",
    version=1,
    checklist_id="P15",
    severity=Severity.HIGH,
    severity_reason=(
        "Whoever runs the file is root, on every node that mounts the directory, as long as it lies there."
    ),
    question="Is a container kept from leaving a setuid-root program where a host user can run it?",
    why=(
        "A container that is root on the host and may write to any shared directory makes its user root "
        "for good: the file stays when the container has gone, and works on every node that mounts that "
        "directory."
    ),
    method=(
        "The payload copies a harmless helper to the writable bind and sets its setuid bit. The user then "
        "runs that file on the bare host, and the kernel tells the verifier with which host uid it called: "
        "only 0 counts. The control, where the evaluation runs as root: root plants the same file in the "
        "same directory, and the user runs it; a file system mounted nosuid fails it. Both files lose the "
        "bit before they are removed."
    ),
    remedy=(
        "Do not give users an engine that runs as root; run containers as the user, remap user ids, and "
        "mount shared and scratch file systems nosuid."
    ),
    observe=observe,
    judge=Attempt(
        done="a setuid program left by the container makes a host user root",
        not_done="what the container left makes nobody root",
        control="a file that root planted does",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="MITRE ATT&CK T1548.001, Setuid and Setgid",
            url="https://attack.mitre.org/techniques/T1548/001/",
        ),
        Reference(
            title="moby issue 1655: access to docker run is root access on the host",
            url="https://github.com/moby/moby/issues/1655",
        ),
    ),
)
