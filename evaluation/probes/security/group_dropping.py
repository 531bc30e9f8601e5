"""P07: whether a container frees its user of a group that keeps them out of something."""

import ctypes
import os
import threading
from pathlib import Path

from evaluation.model import Bind, Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Answer, read_answer
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT, plant_file, root_directory, secret
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

MOUNT_POINT = "/host"
NAME = "closed-to-a-group"
CLOSED_TO_GROUP = 0o604
OWNER = 2_147_000_001
"""A uid that is nobody's, and beyond what is handed out as subordinate ids: nobody is the file's owner."""
NO_GROUP = "the measuring user is in no further group, so there is none to leave; add the user to one"


def observe(session: Session) -> None:
    """Plant a file that one of the user's groups may not read and others may, and let the payload try."""
    if not session.privileged:
        session.record(NOT_PLANTED, NEEDS_ROOT)
        return
    asked = session.on_host((str(session.payload / PAYLOAD), "identity"))
    answer = read_answer(asked)
    line = answer.first("identity")
    if line is None:
        session.record(PROBLEM, answer.problem or "the user's groups are not known", evidence=(asked,))
        return
    groups = [int(group) for group in (line.text("groups") or "").split()]
    group = next((group for group in groups if group != line.integer("egid")), None)
    if group is None:
        session.record(NOT_PLANTED, NO_GROUP, evidence=(asked,))
        return
    with root_directory() as directory:
        if directory is None:
            session.record(NOT_PLANTED, "this host has no temporary directory")
            return
        content = secret()
        plant_file(directory, NAME, content, mode=CLOSED_TO_GROUP, uid=OWNER, gid=group)
        session.record(CONTROL_DONE, _an_outsider_reads(directory / NAME, session.uid, session.gid, content))
        place = str(directory) if session.is_control else MOUNT_POINT
        binds = () if session.is_control else (Bind(source=str(directory), target=MOUNT_POINT),)
        program = f"{session.payload_inside}/{PAYLOAD}"
        completed = session.launch((program, "drop-groups", f"{place}/{NAME}"), binds=binds)
        _record(session, completed, read_answer(completed), content)


def _record(session: Session, completed: Completed, answer: Answer, content: str) -> None:
    laid_down, dropped = answer.first("lay-down"), answer.first("drop-groups")
    before, after = answer.first("read-before"), answer.first("read-after")
    evidence = (completed,)
    if laid_down is not None and not laid_down.ok:
        reason = f"the payload could not lay down its capabilities: {laid_down.reason}"
        session.record(PROBLEM, reason, evidence=evidence)
        return
    if before is None or after is None or dropped is None:
        session.record(PROBLEM, answer.problem or "the payload reported too little", evidence=evidence)
        return
    at_once, afterwards = before.text("text") == content, after.text("text") == content
    if at_once:
        detail = "the runtime had started the payload without the group"
    elif afterwards:
        detail = "the payload left the group by setgroups"
    else:
        detail = f"setgroups: {'done' if dropped.ok else dropped.reason}; reading: {after.reason}"
    session.record(EFFECT, at_once or afterwards, evidence=evidence)
    session.record(DETAIL, detail, evidence=evidence)


def _an_outsider_reads(path: Path, uid: int, gid: int, content: str) -> bool:
    """Whether the user could read the file if the user were not in that group.

    A thread of ours takes the user's file system ids for the moment of opening (setfsuid(2), which holds for
    one thread and lays its file capabilities down); its groups are root's own.
    """
    read: list[str] = []

    def outsider() -> None:
        libc = ctypes.CDLL(None)
        libc.setfsgid(gid)
        libc.setfsuid(uid)
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
                read.append(file.read())
        except PermissionError:
            pass
        finally:
            libc.setfsuid(0)
            libc.setfsgid(0)

    thread = threading.Thread(target=outsider)
    thread.start()
    thread.join()
    return read == [content]


PROBE = Probe(
    id="group_dropping",
    version=1,
    checklist_id="P07",
    question="Does a file that is closed to one of the user's groups stay closed inside?",
    why=(
        "A few sites use groups to keep people out: students, guests, accounts under investigation. A member "
        "who can leave the group reads what it was to keep from them. The kernel never lets a plain process "
        "do that; an engine that starts as root, or newgidmap, can."
    ),
    method=(
        "As root, the verifier plants a file of nobody's, mode 0604, that belongs to one of the user's "
        "supplementary groups: its members may not read it, everybody else may. The payload lays down the "
        "capabilities that look past modes, tries to read it, leaves all groups (setgroups), and tries "
        "again. Only the random word in it counts. The control is the verifier's own reading with the user's "
        "ids and without the group."
    ),
    remedy=(
        "Do not keep people out by a group where they can start containers as root or have subordinate ids; "
        "podman run --group-add keep-groups, with crun, keeps them, and so does every runtime that maps the "
        "user's own id alone."
    ),
    observe=observe,
    judge=Attempt(
        done="a file that is closed to the user by a group was read",
        not_done="a file that is closed to the user by a group stayed closed",
        control="the user without that group could",
    ),
    severity=Severity.LOW,
    severity_reason="It opens only what was closed by membership of a group, which few sites rely on.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="user_namespaces(7), the /proc/PID/setgroups file",
            url="https://man7.org/linux/man-pages/man7/user_namespaces.7.html",
        ),
        Reference(
            title="CVE-2018-7169: newgidmap let a user drop supplementary groups",
            url="https://nvd.nist.gov/vuln/detail/CVE-2018-7169",
        ),
    ),
)
