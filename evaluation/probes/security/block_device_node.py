"""P13: whether the payload can make a block device node, and read a disk of the host through it."""

from evaluation.model import Reference, Severity
from evaluation.probes.answers import Line
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT, secret
from evaluation.probes.devices import NO_LOOP, Disk, canary_disk, first_word
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt
from evaluation.probes.reception import attend


def observe(session: Session) -> None:
    """Make a disk with a word on it, and let the payload make a node for it and read the word."""
    if not session.privileged:
        session.record(NOT_PLANTED, NEEDS_ROOT)
        return
    with canary_disk() as disk:
        if disk is None:
            session.record(NOT_PLANTED, NO_LOOP)
            return
        session.record(CONTROL_DONE, disk.is_readable())
        _attempt(session, disk)


def _attempt(session: Session, disk: Disk) -> None:
    name = f"node-{secret()}"
    places = (session.work_inside,) if session.is_control else (session.work_inside, "")
    words = [
        word
        for place in places
        for word in ("--", "make-node", "b", *disk.numbers, session.work_inside, f"{place}/{name}")
    ]
    seen = attend(session, *words[1:])
    evidence, lines = (seen.completed,), seen.answer.all("make-node")
    if len(lines) != len(places) or any(line.fields.get("left") is True for line in lines):
        session.record(PROBLEM, seen.missing, evidence=evidence)
        return
    read = any(first_word(line.text("text")) == disk.word for line in lines)
    session.record(EFFECT, read, evidence=evidence)
    session.record(DETAIL, "; ".join(map(_describe, lines)), evidence=evidence)


def _describe(line: Line) -> str:
    if line.fields.get("made") is not True:
        return f"making the node: {line.reason}"
    if line.ok:
        return "the node was made and read"
    return f"the node was made; reading it: {line.reason}"


PROBE = Probe(
    id="block_device_node",
    version=1,
    checklist_id="P13",
    question="Is a program inside kept from reading the host's disks through nodes that it makes itself?",
    why=(
        "Below the file system there are no owners and no modes: who reads a disk reads every file of every "
        "user on it, key files and password hashes too, and who writes it is root."
    ),
    method=(
        "As root, the verifier makes a loop device over memory of its own, read-only, with a random word on "
        "it. The payload makes a node of its number on the work bind and in the image's root and reads the "
        "first bytes; only the word counts. No real disk is touched, and the device is gone when the "
        "verifier closes it. The control is the verifier's own reading as root."
    ),
    remedy=(
        "Do not run privileged or allow devices by --device-cgroup-rule; --cap-drop MKNOD takes the making "
        "of nodes away too. In a user namespace the kernel allows neither."
    ),
    observe=observe,
    judge=Attempt(
        done="a disk of the host was read through a node made inside",
        not_done="no disk of the host was read through a node made inside",
        control="root itself could read the disk",
    ),
    severity=Severity.HIGH,
    severity_reason="A disk holds every user's data, and what makes root on the host.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="mknod(2)", url="https://man7.org/linux/man-pages/man2/mknod.2.html"),
        Reference(
            title="Linux kernel: device whitelist controller",
            url="https://docs.kernel.org/admin-guide/cgroup-v1/devices.html",
        ),
        Reference(
            title="MITRE ATT&CK T1611, Escape to Host", url="https://attack.mitre.org/techniques/T1611/"
        ),
    ),
)
