"""P14: whether a container can leave a disk's device node where a host user can open it."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line, read_answer
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT, secret
from evaluation.probes.devices import NO_LOOP, Disk, canary_disk, first_word
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt


def observe(session: Session) -> None:
    """Make a disk with a word on it, let the payload plant a node for it, and let the user read that."""
    if not session.privileged:
        session.record(NOT_PLANTED, NEEDS_ROOT)
        return
    with canary_disk() as disk:
        if disk is None:
            session.record(NOT_PLANTED, NO_LOOP)
            return
        with _planted_by_root(session, disk) as planted:
            word, ran = _read_on_host(session, planted)
            session.record(CONTROL_DONE, word == disk.word, evidence=(ran,))
        _attempt(session, disk)


def _attempt(session: Session, disk: Disk) -> None:
    name = f"node-{secret()}"
    target = f"{session.work_inside}/{name}"
    program = f"{session.payload_inside}/{PAYLOAD}"
    make = (program, "make-node", "b", *disk.numbers, session.work_inside, target, "keep")
    try:
        completed = session.launch(make)
        answer = read_answer(completed)
        line = answer.first("make-node")
        if line is None:
            problem = answer.problem or "the payload reported no attempt"
            session.record(PROBLEM, problem, evidence=(completed,))
            return
        _record(session, disk, completed, line, session.work / name)
    finally:
        with suppress(FileNotFoundError):
            (session.work / name).unlink()


def _record(session: Session, disk: Disk, completed: Completed, line: Line, left: Path) -> None:
    try:
        status = left.lstat()
    except FileNotFoundError:
        session.record(EFFECT, value=False, evidence=(completed,))
        session.record(DETAIL, f"nothing was left on the host: {line.reason}", evidence=(completed,))
        return
    # Whatever else somebody put there is not opened: it might be a real disk.
    if not stat.S_ISBLK(status.st_mode) or status.st_rdev != os.makedev(disk.major, disk.minor):
        session.record(
            PROBLEM, "what was left on the host is not the node of our disk", evidence=(completed,)
        )
        return
    word, ran = _read_on_host(session, left)
    detail = f"the node belongs to host uid {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o}"
    session.record(EFFECT, word == disk.word, evidence=(completed, ran))
    session.record(DETAIL, detail, evidence=(completed, ran))


def _read_on_host(session: Session, path: Path) -> tuple[str, Completed]:
    """Let the measuring user read the first line of a device on the bare host."""
    ran = session.on_host((str(session.payload / PAYLOAD), "read", str(path)))
    line = read_answer(ran).first("read")
    return first_word(line.text("text") if line else None), ran


@contextmanager
def _planted_by_root(session: Session, disk: Disk) -> Iterator[Path]:
    """Put a node for the disk where the payload will, as root; mounted nodev it opens nothing."""
    name = f"node-{secret()}"
    anchor = os.open(session.work, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.mknod(name, stat.S_IFBLK | 0o600, os.makedev(disk.major, disk.minor), dir_fd=anchor)
        os.chown(name, session.uid, session.gid, dir_fd=anchor, follow_symlinks=False)
        yield session.work / name
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=anchor)
        os.close(anchor)


PROBE = Probe(
    id="block_device_planting",
    version=1,
    checklist_id="P14",
    question="Is a container kept from leaving a disk's device node where a host user can open it?",
    why=(
        "Inside, a list of allowed devices may keep the container from opening a disk. Outside there is no "
        "such list: a node that a container left on a shared directory opens the disk to its user, for good, "
        "and with it every file of the node."
    ),
    method=(
        "As root, the verifier makes a loop device over memory of its own, read-only, with a random word on "
        "it. The payload leaves a node of its number, open to everybody, on the writable bind; the user then "
        "reads it on the bare host. Only the word counts. The control: root leaves the same node in the same "
        "directory, and the user reads it; a file system mounted nodev fails it. Both nodes are removed."
    ),
    remedy=(
        "docker run --cap-drop MKNOD, or run the payload as the user; mount shared and scratch file systems "
        "nodev. In a user namespace the kernel allows no device node."
    ),
    observe=observe,
    judge=Attempt(
        done="a device node left by the container opens a disk to a host user",
        not_done="the container left nothing that opens a disk",
        control="a node that root planted does",
    ),
    severity=Severity.HIGH,
    severity_reason="A disk holds every user's data, and what makes root on the host.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="mknod(2)", url="https://man7.org/linux/man-pages/man2/mknod.2.html"),
        Reference(title="mount(8), nodev", url="https://man7.org/linux/man-pages/man8/mount.8.html"),
    ),
)
