"""P39: whether binding the host's root directory gives root's files away.

Root plants a secret, and what is read and written is compared with it. An ordinary user can plant nothing
that is root's: there a place is tried that only root may open, and the kernel says which file was opened.
"""

import errno
import os
from itertools import chain
from pathlib import Path

from evaluation.model import Bind, Reference, Severity
from evaluation.mounts import KEEPS_OWNERS, file_system_of
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Answer, Line, read_answer
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import NEEDS_PLANTING, plant_file, root_directory, secret
from evaluation.probes.judging import (
    CONTROL_DONE,
    CONTROL_TOLD,
    DETAIL,
    EFFECT,
    NOT_PLANTED,
    PROBLEM,
    Attempt,
)
from evaluation.probes.planted import CLOSED, planted
from evaluation.probes.reception import Attended, attend
from evaluation.reasons import reason_of

MOUNT_POINT = "/host"
PUBLIC, PRIVATE, SECRET, WRITTEN = "public", "root-only", "secret", "written"

ROOT = Path("/")
CLOSED_PLACES = tuple(map(Path, ("/root", "/lost+found", "/var/cache/ldconfig", "/var/lib/private")))
"""Folders that only root may open, on most systems one of them at least; no secrets are named by them."""
_REFUSALS = frozenset({errno.EACCES, errno.EPERM})


def observe(session: Session) -> None:
    """Bind "/", and let the payload try what only root may: as root a canary's, else the host's own."""
    if session.privileged:
        _try_canary(session)
    elif place := closed_place():
        _try_place(session, place)
    else:
        session.record(NOT_PLANTED, NEEDS_PLANTING)


def closed_place() -> Path | None:
    """Find something of root's that our own user may not open: what an administrator planted, or a folder.

    Only on a disk of this machine: a server elsewhere may refuse root itself.
    """
    canary = planted(CLOSED)
    own = ROOT.stat().st_dev
    folders = (folder for folder in CLOSED_PLACES if _is_roots(folder, own))
    for place in chain((canary,) if canary else (), folders):
        if file_system_of(place) in KEEPS_OWNERS and _refused(place):
            return place
    return None


def _is_roots(folder: Path, device: int) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return found.st_uid == 0 and found.st_dev == device


def _refused(place: Path) -> bool:
    """Whether our own user may not open it."""
    try:
        os.close(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return error.errno in _REFUSALS
    return False


def _try_place(session: Session, place: Path) -> None:
    """Let the payload open a place of root's, and "/" itself as the control of the bind.

    What it opens it hands over, and the verifier asks the kernel which file that is. Nothing is read.
    """
    bare = attend(session, "reach", str(session.work), "/", str(place), on_host=True)
    if ROOT not in _opened(bare, place) or place in _opened(bare, place) or place not in _named(bare, place):
        session.record(
            PROBLEM, f"asked first, the bare host did not refuse {place} alone", evidence=(bare.completed,)
        )
        return
    prefix = "" if session.is_control else MOUNT_POINT
    binds = () if session.is_control else (Bind(source="/", target=MOUNT_POINT),)
    words = ("reach", session.work_inside, f"{prefix}/", f"{prefix}{place}")
    inside = attend(session, *words, binds=binds)
    evidence = (bare.completed, inside.completed)
    lines = inside.answer.all("reach")
    if len(lines) != 2:
        _record_refusal(session, inside.completed, inside.answer, session.work)
        return
    named, opened = _named(inside, place), _opened(inside, place)
    if named != {ROOT, place} or ROOT not in opened:
        why = next((line.reason for line in lines if not line.ok), "it led elsewhere")
        session.record(PROBLEM, f"the bind did not show the host: {why}", evidence=evidence)
        return
    if place not in opened and not _was_refused(lines[1]):
        session.record(
            PROBLEM, f"{place} was neither opened nor refused: {lines[1].reason}", evidence=evidence
        )
        return
    session.record(EFFECT, place in opened, evidence=evidence)
    seen = f"it opened {place}" if place in opened else f"opening {place}: {lines[1].reason}"
    session.record(DETAIL, f"{seen}; the bare host refused the same user", evidence=evidence)
    session.record(CONTROL_DONE, value=True, evidence=evidence)
    session.record(CONTROL_TOLD, "by the same bind the host's root directory itself was opened")


def _was_refused(line: Line) -> bool:
    """Whether the kernel refused to open it, for reading and for writing."""
    return line.integer("errno") in _REFUSALS and line.fields.get("writable") is False


def _named(seen: Attended, place: Path) -> set[Path]:
    """Which of the two the payload's paths led to, as the kernel tells the verifier."""
    return {path for visit in seen.visits for path in (ROOT, place) if _is(visit.handed, path)}


def _opened(seen: Attended, place: Path) -> set[Path]:
    """Which of the two it opened for reading."""
    return {
        path for visit in seen.visits if visit.readable for path in (ROOT, place) if _is(visit.handed, path)
    }


def _is(handed: os.stat_result | None, path: Path) -> bool:
    return handed is not None and os.path.samestat(handed, path.lstat())


def _try_canary(session: Session) -> None:
    """Plant a root-only directory, and let the payload read and write there."""
    with root_directory() as directory:
        if directory is None:
            session.record(NOT_PLANTED, "this host has no temporary directory")
            return
        content = secret()
        private = _plant(directory, content)
        prefix = "" if session.is_control else MOUNT_POINT
        program, base = f"{session.payload_inside}/{PAYLOAD}", f"{prefix}{directory}"
        attempt = (
            *(program, "read", f"{base}/{PUBLIC}"),
            *("--", "read", f"{base}/{PRIVATE}/{SECRET}"),
            *("--", "write", f"{base}/{PRIVATE}/{WRITTEN}", content),
        )
        binds = () if session.is_control else (Bind(source="/", target=MOUNT_POINT),)
        completed = session.launch(attempt, binds=binds)
        answer = read_answer(completed)
        reads = answer.all("read")
        if len(reads) != 2 or answer.first("write") is None:
            _record_refusal(session, completed, answer, directory)
            return
        # What counts is what root finds afterwards, not what the payload was told.
        written = (private / WRITTEN).exists()
        _record(session, completed, reads, content, written=written)
        session.record(CONTROL_DONE, (private / SECRET).read_text(encoding="utf-8") == content)


def _plant(directory: Path, content: str) -> Path:
    plant_file(directory, PUBLIC, content[::-1], mode=0o644)
    private = directory / PRIVATE
    private.mkdir(mode=0o700)
    plant_file(private, SECRET, content, mode=0o600)
    return private


def _record(
    session: Session, completed: Completed, reads: tuple[Line, ...], content: str, *, written: bool
) -> None:
    visible = reads[0].text("text") == content[::-1]
    read = reads[1].text("text") == content
    if not (visible or read or written):
        session.record(PROBLEM, f"the bind did not show the host: {reads[0].reason}", evidence=(completed,))
        return
    session.record("read", read, evidence=(completed,))
    session.record("written", written, evidence=(completed,))
    session.record(EFFECT, read or written, evidence=(completed,))
    done = [word for word, happened in (("read", read), ("wrote", written)) if happened]
    detail = f"it {' and '.join(done)}" if done else reads[1].reason
    session.record(DETAIL, detail, evidence=(completed,))


def _record_refusal(session: Session, completed: Completed, answer: Answer, directory: Path) -> None:
    """Tell a runtime that refuses this bind from one that does not run, or in which the payload broke."""
    harmless = () if session.is_control else (Bind(source=str(directory), target=MOUNT_POINT),)
    again = session.launch((f"{session.payload_inside}/{PAYLOAD}", "identity"), binds=harmless)
    evidence = (completed, again)
    if answer.lines or read_answer(again).problem or session.is_control:
        session.record(PROBLEM, answer.problem or "the payload reported too little", evidence=evidence)
        return
    session.record(EFFECT, value=False, evidence=evidence)
    session.record(
        DETAIL,
        f"the runtime started with another bind, but not with this one: {reason_of(completed)}",
        evidence=evidence,
    )
    session.record(CONTROL_DONE, value=True)


PROBE = Probe(
    id="host_filesystem_bind",
    version=1,
    checklist_id="P39",
    severity=Severity.HIGH,
    severity_reason=(
        "Root's files hold the keys of the host, and whoever writes to root's directories is root."
    ),
    question="Are root's files safe from a user who binds the host's root directory into a container?",
    why=(
        "If any user may bind / and is root inside, every password hash, host key and other user's file on "
        "the node is one command away, and so is changing them. This is why a root-run engine is not "
        "handed to users of a shared machine."
    ),
    method=(
        "As root, the verifier plants a directory that only root may enter, with a file of a random word "
        "in it. The runtime is asked to bind / at /host, writable; the payload tries to read the file and "
        "to write another one beside it. Only the word itself, or a file that root then finds, counts. A "
        "runtime that starts with a harmless bind at the same place and not with this one has refused it. "
        "The control is root's own reading; the bare process shows that an ordinary user cannot. Without "
        "root, the payload tries to open something that only root may open: a file that an administrator "
        "planted, or a folder of root's such as /root. Nothing in it is read. The bare host is asked first, "
        "and must be refused. What the payload opens it hands to the verifier, and the kernel tells which "
        "file that is; the control is the host's root directory itself, opened by the same bind."
    ),
    remedy=(
        "Do not give users an engine that runs as root; where it must be, restrict binds by an "
        "authorisation plug-in, or remap user ids."
    ),
    observe=observe,
    judge=Attempt(
        done="a root-only place of the host was opened to the user",
        not_done="a root-only place of the host stayed closed to the user",
        control="root itself could",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="moby issue 1655: access to docker run is root access on the host",
            url="https://github.com/moby/moby/issues/1655",
        ),
        Reference(title="Docker Engine security", url="https://docs.docker.com/engine/security/"),
        Reference(
            title="MITRE ATT&CK T1611, Escape to Host", url="https://attack.mitre.org/techniques/T1611/"
        ),
    ),
)
