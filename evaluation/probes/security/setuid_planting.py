"""P15: whether a container can leave a setuid-root program that a host user can run."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from evaluation.folders import HeldFolder
from evaluation.model import Reference, Severity
from evaluation.mounts import KEEPS_OWNERS, file_system_of
from evaluation.payload.build import HELPER
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line, read_answer
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import (
    Callers,
    plant_setgid,
    plant_setuid,
    run_planted,
    setuid_works_under,
)
from evaluation.probes.judging import (
    CONTROL_DONE,
    CONTROL_TOLD,
    DETAIL,
    EFFECT,
    NOT_PLANTED,
    PROBLEM,
    Attempt,
)
from evaluation.probes.planted import planted

PLANTED = "planted"
CONTROL_PLANTED = "planted-by-root"
CONTROL_SETGID = "planted-by-user"


def observe(session: Session) -> None:
    """Let the payload plant a setuid copy of the helper, and let the user run it on the host."""
    with Callers(session.work) as callers:
        control = _root_plants if session.privileged else _user_shows
        would_work = control(session, callers)
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
            _record_planted(session, callers, completed, line, would_work=would_work)
        finally:
            _disarm(session.work)


def _root_plants(session: Session, callers: Callers) -> bool:
    """Plant the same file in the same directory, as root; whether it makes the user root."""
    with plant_setuid(session.payload / HELPER, session.work, CONTROL_PLANTED) as program:
        became_root, ran = run_planted(session, callers, program)
    session.record(CONTROL_DONE, became_root, evidence=(ran,))
    return became_root


def _user_shows(session: Session, callers: Callers) -> bool:
    """Show without root that a setuid program of root's would work in this directory.

    A file of root's must stay root's there, and its bit must be honoured. That is shown by what an
    administrator planted on the same file system, or by a setgid program of another of the user's groups:
    execve(2) gates both bits alike. Where neither can be had, the kernel's own word is taken, and said to be
    that.
    """
    why, advice = obstacle(session.work)
    if why:
        session.record(NOT_PLANTED, f"{why}; {advice}")
        return False
    evidence: tuple[Completed, ...] = ()
    canary = planted(HELPER)
    group = next((gid for gid in os.getgroups() if gid != os.getegid()), None)
    if canary and canary.stat().st_dev == session.work.stat().st_dev:
        works, ran = run_planted(session, callers, canary)
        told, evidence = "a file that root planted on the same file system does", (ran,)
    elif group is not None:
        with plant_setgid(session.payload / HELPER, session.work, CONTROL_SETGID, group) as program:
            ran = session.on_host((str(program), str(session.work)))
        works = group in {gid for _, gid in callers.ids()}
        told, evidence = "a setgid program that the user planted there gave its caller its group", (ran,)
    else:
        works = True
        told = "setuid programs work there (told by the kernel, not tried)"
    session.record(CONTROL_DONE, works, evidence=evidence)
    session.record(CONTROL_TOLD, told, evidence=evidence)
    return works


def obstacle(directory: Path) -> tuple[str, str]:
    """Say why a setuid program of root's would not be that in a directory or not work, and what to do.

    The kernel says it: by the file system, its mount, this process, and the process's user namespace. Nothing
    where nothing stands in the way.

    References
    ----------
    execve(2); PR_SET_NO_NEW_PRIVS(2const); user_namespaces(7).
    """
    kind = file_system_of(directory)
    if kind not in KEEPS_OWNERS:
        where = kind or "an unknown file system"
        return f"{where} may give root's files another owner", "set TMPDIR to a folder on a local disk"
    if not setuid_works_under(directory):
        return "it is mounted nosuid or noexec", "set TMPDIR to a folder that is not"
    if "NoNewPrivs:\t0" not in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        return "we run with no_new_privs: no setuid program works for us", "begin from a plain login"
    if Path("/proc/self/uid_map").read_text(encoding="utf-8").split() != ["0", "0", "4294967295"]:
        return "we run in a user namespace, whose root is not the host's", "begin from a plain login"
    return "", ""


def _record_planted(
    session: Session, callers: Callers, planting: Completed, line: Line, *, would_work: bool
) -> None:
    planted_file = session.work / PLANTED
    try:
        status = planted_file.lstat()
    except FileNotFoundError:
        session.record(EFFECT, value=False, evidence=(planting,))
        session.record(DETAIL, f"nothing was left on the host: {line.reason}", evidence=(planting,))
        return
    if not stat.S_ISREG(status.st_mode):
        session.record(PROBLEM, "what the payload left on the host is no regular file", evidence=(planting,))
        return
    became_root, ran = run_planted(session, callers, planted_file)
    evidence, called = (planting, ran), read_answer(ran).first("helper")
    if would_work and line.ok and not became_root and (called is None or not called.ok):
        session.record(PROBLEM, "what the payload left on the host could not be run there", evidence=evidence)
        return
    detail = f"the file belongs to host uid {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o}"
    session.record(EFFECT, became_root, evidence=evidence)
    session.record(DETAIL, detail, evidence=evidence)


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
        "bit before they are removed. Without root, on a file system of this machine that keeps owners, the "
        "control is what an administrator planted on the same file system; else a setgid program of another "
        "of the user's groups, whose bit the kernel gates alike; else the kernel's word on the mount, which "
        "is told, not tried."
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
