"""P17: whether the kernel's parameters can be written."""

from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.probes.answers import Line
from evaluation.probes.attempting import try_calls
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import Attempt

PARAMETER = Path("/proc/sys/kernel/panic")
"""The whole machine's, no namespace's; a number that has no effect before the kernel panics."""


def observe(session: Session) -> None:
    """Let the payload write a parameter's own value back."""
    value = PARAMETER.read_text(encoding="ascii")

    def is_the_hosts(line: Line) -> bool:
        return line.ok and line.text("value") == value

    try_calls(session, "sysctl-write", str(PARAMETER), counts=is_the_hosts)


PROBE = Probe(
    id="kernel_parameter_writing",
    version=1,
    checklist_id="P17",
    question="Are the parameters of the host's kernel safe from being written inside a container?",
    why=(
        "Some parameters name programs that the kernel starts as root (core_pattern, modprobe), others set "
        "limits for everybody on the node. A container that may write them owns the node, or can stop it."
    ),
    method=(
        "The payload reads /proc/sys/kernel/panic, which belongs to no namespace, and writes the same bytes "
        "back. It counts only where the file is the kernel's (procfs) and holds the value that the verifier "
        "reads on the host. The control is the same payload run by root on the bare host; the bare process "
        "of the user shows what a plain job can do."
    ),
    remedy=(
        "Leave /proc/sys read-only (the default of Docker and Podman; do not use --privileged or "
        "systempaths=unconfined), or run the container as an ordinary host user."
    ),
    severity=Severity.HIGH,
    severity_reason=(
        "Some of these parameters name a program that the kernel runs as root: writing them is root on the "
        "host."
    ),
    observe=observe,
    judge=Attempt(
        done="a parameter of the host's kernel could be written",
        not_done="the kernel's parameters could not be written",
        control="root itself could",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="proc_sys(5)",
            url="https://man7.org/linux/man-pages/man5/proc_sys.5.html",
        ),
        Reference(
            title="MITRE ATT&CK T1611, Escape to Host",
            url="https://attack.mitre.org/techniques/T1611/",
        ),
        Reference(
            title="NIST SP 800-190, section 3.4.3: insecure container runtime configurations",
            url="https://doi.org/10.6028/NIST.SP.800-190",
        ),
    ),
)
