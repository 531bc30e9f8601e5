"""P12: whether the payload can make a character device node, and open the device."""

import os
import stat
from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.probes.answers import Line
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT, secret
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt
from evaluation.probes.reception import attend

CANDIDATES = ("loop-control", "autofs", "btrfs-control", "uinput", "hwrng")
"""Devices that do nothing when they are opened for reading."""


def observe(session: Session) -> None:
    """Let the payload make a node for a device that is closed to the user, open it and hand it over."""
    target = _target()
    if target is None:
        session.record(NOT_PLANTED, "this host has no device that is closed to users and harmless to open")
        return
    path, device = target
    name, numbers = f"node-{secret()}", (str(os.major(device)), str(os.minor(device)))
    places = (session.work_inside,) if session.is_control else (session.work_inside, "")
    words = [
        word
        for place in places
        for word in ("--", "make-node", "c", *numbers, session.work_inside, f"{place}/{name}")
    ]
    seen = attend(session, *words[1:])
    evidence, lines = (seen.completed,), seen.answer.all("make-node")
    if len(lines) != len(places) or any(line.fields.get("left") is True for line in lines):
        session.record(PROBLEM, seen.missing, evidence=evidence)
        return
    if session.privileged:
        session.record(CONTROL_DONE, _opens(path))
    else:
        session.record(NOT_PLANTED, NEEDS_ROOT)
    wanted = ("c", os.major(device), os.minor(device))
    session.record(EFFECT, any(visit.device == wanted for visit in seen.all("n")), evidence=evidence)
    session.record(DETAIL, f"{path}: {'; '.join(map(describe, lines))}", evidence=evidence)


def describe(line: Line) -> str:
    """Say how far the payload came with one node."""
    if line.fields.get("made") is not True:
        return f"making the node: {line.reason}"
    if line.fields.get("opened") is True:
        return "the node was made and opened"
    return f"the node was made; opening it: {line.reason}"


def _target() -> tuple[Path, int] | None:
    """A character device of root's that is closed to everybody else."""
    for path in (Path("/dev") / name for name in CANDIDATES):
        try:
            status = path.stat(follow_symlinks=False)
        except OSError:
            continue
        if stat.S_ISCHR(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o007:
            return path, status.st_rdev
    return None


def _opens(path: Path) -> bool:
    """Whether the verifier itself can open the device."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC))
    except OSError:
        return False
    return True


PROBE = Probe(
    id="character_device_node",
    version=1,
    checklist_id="P12",
    question="Is a program inside kept from opening devices through nodes that it makes itself?",
    why=(
        "A device node is nothing but a number, and its mode is its maker's. Who may make one and open it "
        "reaches every driver of the host past the modes in /dev: memory, consoles, accelerators, tape "
        "robots."
    ),
    method=(
        "The verifier picks a character device of the host that is root's alone and does nothing when it is "
        "opened (first choice: /dev/loop-control). The payload makes a node of its number on the work bind "
        "and in the image's root, opens it for reading and hands the open device over; the host's kernel "
        "tells the verifier which device it is. The node is removed at once. The control is the verifier's "
        "own opening of the device as root."
    ),
    remedy=(
        "Do not run privileged or allow devices by --device-cgroup-rule; --cap-drop MKNOD takes the making "
        "of nodes away too. In a user namespace the kernel allows neither."
    ),
    observe=observe,
    judge=Attempt(
        done="a device that is closed to the user was opened through a node made inside",
        not_done="no device was opened through a node made inside",
        control="root itself could open the device",
    ),
    severity=Severity.HIGH,
    severity_reason="Drivers that are root's alone include the host's memory.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="mknod(2)", url="https://man7.org/linux/man-pages/man2/mknod.2.html"),
        Reference(
            title="Linux kernel: device whitelist controller",
            url="https://docs.kernel.org/admin-guide/cgroup-v1/devices.html",
        ),
    ),
)
