"""P28: whether a control group's release agent is in reach."""

from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.probes.attempting import ask, try_calls
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import ABSENT, Attempt

HIERARCHIES = Path("/proc/self/cgroup")
INSIDE, CONTROL = "hierarchy", "hierarchy-of-the-control"


def observe(session: Session) -> None:
    """Let the payload mount a hierarchy that there is already, and look at its release_agent."""
    hierarchy = mounted_hierarchy(HIERARCHIES.read_text(encoding="utf-8"))
    if not hierarchy:
        completed, lines = ask(session, "identity")
        if lines:
            session.record(ABSENT, "this kernel has no control groups of version 1", evidence=(completed,))
        return
    places = [session.work / name for name in (INSIDE, CONTROL)]
    for place in places:
        place.mkdir()
    try:
        try_calls(
            session,
            *("release-agent", f"{session.work_inside}/{INSIDE}", hierarchy),
            control=("release-agent", str(session.work / CONTROL), hierarchy),
        )
    finally:
        for place in places:
            place.rmdir()


def mounted_hierarchy(text: str) -> str:
    """Name, as mount(2) takes it, a version 1 hierarchy that is there already; never make a new one."""
    fields = [line.split(":") for line in text.splitlines()]
    names = [field[1] for field in fields if len(field) == 3 and field[1]]
    named = [f"none,{name}" for name in names if name.startswith("name=")]
    return next((name for name in names if not name.startswith("name=")), next(iter(named), ""))


PROBE = Probe(
    id="cgroup_release_agent",
    version=1,
    checklist_id="P28",
    question="Is the program that the kernel starts as root for a control group out of reach?",
    why=(
        "In version 1 of control groups the root of a hierarchy has a release_agent: a program that the "
        "kernel starts as root, on the host, outside of every container. Whoever may write its name needs "
        "nothing else to own the node."
    ),
    method=(
        "The payload makes a mount namespace of its own where it may, mounts a hierarchy of version 1 that "
        "the host has already on a directory of the work bind, opens release_agent for reading, and asks "
        "whether it might write it. It never writes. Without version 1 there is nothing to attack. The "
        "control is the same payload run by root on the bare host; the bare process of the user shows what a "
        "plain job can do."
    ),
    remedy=(
        "Do not add CAP_SYS_ADMIN or --privileged; keep the runtime's seccomp profile; boot nodes with "
        "version 2 of control groups alone; keep the kernel past CVE-2022-0492."
    ),
    severity=Severity.HIGH,
    severity_reason="The kernel runs that program as root on the host, outside of the container.",
    observe=observe,
    judge=Attempt(
        done="the release agent of the host's control groups could be written",
        not_done="the release agent of the host's control groups was out of reach",
        control="root itself could",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="cgroups(7)",
            url="https://man7.org/linux/man-pages/man7/cgroups.7.html",
        ),
        Reference(
            title="CVE-2022-0492",
            url="https://nvd.nist.gov/vuln/detail/CVE-2022-0492",
        ),
        Reference(
            title="MITRE ATT&CK T1611, Escape to Host",
            url="https://attack.mitre.org/techniques/T1611/",
        ),
    ),
)
