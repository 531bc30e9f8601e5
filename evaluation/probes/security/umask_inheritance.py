"""B05: whether the user's umask decides on the permissions of what a container writes."""

import stat

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, PROBLEM, Attempt

BEFORE = ("/bin/sh", "-c", 'umask 027; exec "$@"', "sh")
INSIDE, BARE, LOOSE = "inside", "bare", "loose"


def observe(session: Session) -> None:
    """Set a umask before the client, and look at what the payload wrote."""
    program = str(session.payload / PAYLOAD)
    loose = session.on_host((program, "make-open-tree", str(session.work / LOOSE)))
    bare = session.on_host((*BEFORE, program, "make-open-tree", str(session.work / BARE)))
    inside = f"{session.work_inside}/{INSIDE}"
    made = session.launch((f"{session.payload_inside}/{PAYLOAD}", "make-open-tree", inside), before=BEFORE)
    modes = {name: _modes(session, name) for name in (LOOSE, BARE, INSIDE)}
    try:
        _record(session, made, modes, evidence=(loose, bare, made))
    finally:
        for name in (LOOSE, BARE):
            session.on_host((program, "remove-tree", str(session.work / name)))
        if modes[INSIDE]:  # it may belong to somebody whom only the container can be
            session.launch((f"{session.payload_inside}/{PAYLOAD}", "remove-tree", inside))


def _modes(session: Session, name: str) -> tuple[str, ...]:
    """Give the permissions of a directory and of the file in it, as the host sees them."""
    try:
        paths = (session.work / name, session.work / name / "file")
        return tuple(f"{stat.S_IMODE(path.lstat().st_mode):04o}" for path in paths)
    except OSError:
        return ()


def _record(
    session: Session, made: Completed, modes: dict[str, tuple[str, ...]], evidence: tuple[Completed, ...]
) -> None:
    answer = read_answer(made)
    line = answer.first("make-open-tree")
    if not modes[INSIDE] or not modes[BARE] or line is None:
        reason = f"the payload could not write to the bind: {line.reason}" if line and not line.ok else ""
        session.record(PROBLEM, answer.problem or reason or "no tree was written", evidence=evidence)
        return
    session.record(CONTROL_DONE, modes[LOOSE] != modes[BARE], evidence=evidence)
    session.record(EFFECT, modes[INSIDE] != modes[BARE], evidence=evidence)
    seen = " and ".join(modes[INSIDE])
    wanted = " and ".join(modes[BARE])
    session.record(DETAIL, f"directory and file have {seen}, bare {wanted}", evidence=evidence)


PROBE = Probe(
    id="umask_inheritance",
    version=1,
    checklist_id="B05",
    question="Does the user's umask still decide who may read what a job in the container writes?",
    why=(
        "A group that works on unpublished data sets its umask once, in the profile or the job script, and "
        "relies on it. A runtime that sets one of its own publishes what was to be private, or closes to "
        "the group what it was to share."
    ),
    method=(
        "Umask 027 is set before the client. The payload makes a directory and a file, asking for all "
        "permissions, and the host reads what they got. They must be what the bare process gets with the "
        "same umask. The control is the bare process with the account's own umask, which gets others."
    ),
    remedy=(
        "Set the umask in the job's own script inside the container; podman has --umask, apptainer carries "
        "it over unless it is told --no-umask."
    ),
    observe=observe,
    judge=Attempt(
        done="the container wrote with another umask than the user's",
        not_done="the user's umask carried over",
        control="another umask gives other permissions",
    ),
    severity=Severity.MEDIUM,
    severity_reason="Other users of the machine can read what the user's umask was to keep from them.",
    needs=("payload",),
    repeat="once",
    references=(Reference(title="umask(2)", url="https://man7.org/linux/man-pages/man2/umask.2.html"),),
)
