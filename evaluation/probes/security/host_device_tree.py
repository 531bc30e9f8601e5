"""P37: whether the host's /dev is in the payload's sight."""

from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.devices import host_devices
from evaluation.probes.judging import ABSENT, DETAIL, EFFECT, PROBLEM, Attempt

DEVICES = Path("/dev")
EVERYBODYS = frozenset({"c1:3", "c1:5", "c1:7", "c1:8", "c1:9", "c5:0", "c5:1", "c5:2"})
"""null, zero, full, random, urandom, tty, console and ptmx: what every container has."""


def observe(session: Session) -> None:
    """Let the payload list the devices that it sees, and compare with the host's."""
    before = host_devices(DEVICES)
    completed = session.launch((f"{session.payload_inside}/{PAYLOAD}", "list-devices", str(DEVICES)))
    answer, evidence = read_answer(completed), (completed,)
    line = answer.first("list-devices")
    if line is None or not line.ok:
        reason = f"the payload could not look into /dev: {line.reason}" if line else ""
        problem = answer.problem or reason or "the payload reported too little"
        session.record(PROBLEM, problem, evidence=evidence)
        return
    # What came or went meanwhile, as loop devices do, says nothing.
    of_host = (before & host_devices(DEVICES)) - EVERYBODYS
    if not of_host:
        session.record(
            ABSENT, "this host's /dev holds nothing that not every container has", evidence=evidence
        )
        return
    status = DEVICES.stat()
    same = (line.integer("device"), line.integer("inode")) == (status.st_dev, status.st_ino)
    seen = of_host & set((line.text("nodes") or "").split())
    session.record("visible", len(seen), evidence=evidence)
    session.record(EFFECT, same or seen == of_host, evidence=evidence)
    whose = "the host's own /dev" if same else "a /dev of its own"
    session.record(DETAIL, f"{whose}, {len(seen)} of the host's {len(of_host)} devices", evidence=evidence)


PROBE = Probe(
    id="host_device_tree",
    version=1,
    checklist_id="P37",
    question="Does the container have a /dev of its own, without the host's devices?",
    why=(
        "What is not there cannot be opened by mistake of a mode. Yet accelerators, InfiniBand and FUSE are "
        "devices too, and a runtime that shows the host's /dev needs no option for any of them: the site "
        "says which it is."
    ),
    method=(
        "The payload lists every device node below /dev and tells which file system /dev is. It counts as "
        "the host's when it is the same file system, or when every device is there that the host has (beyond "
        "null, zero, full, random, urandom, tty, console, ptmx and pseudo-terminals). The control is the "
        "bare process, which sees all of them."
    ),
    remedy=(
        "apptainer exec --contain or mount dev = minimal in apptainer.conf; do not run Docker or Podman "
        "privileged; hand single devices in by --device."
    ),
    observe=observe,
    judge=Attempt(
        done="the host's device tree is in sight",
        not_done="the host's device tree is not in sight",
    ),
    severity=Severity.LOW,
    severity_reason=(
        "The modes of the nodes still hold; it shows what the host has and leaves less to go wrong."
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="Apptainer configuration files: mount dev",
            url="https://apptainer.org/docs/admin/1.2/configfiles.html",
        ),
        Reference(
            title="CIS Docker Benchmark 1.13.0, 5.4: privileged containers are not used",
            url=(
                "https://tenable.com/audits/items/CIS_Docker_1.13.0_L1_v1.0.0.audit:99b7ed0b8738f4aa8f7bd2d9081d11e6"
            ),
        ),
    ),
)
