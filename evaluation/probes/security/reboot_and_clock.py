"""P18: whether the machine's reboot and clock are past a gate."""

from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.probes.answers import Line
from evaluation.probes.attempting import try_calls
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import Attempt

PROCESSES = Path("/proc/self/ns/pid")


def observe(session: Session) -> None:
    """Let the payload ask for a reboot and for another time, in words that mean nothing."""
    ours = PROCESSES.stat().st_ino

    def touches_the_host(line: Line) -> bool:
        # In a process namespace of its own, reboot(2) ends that namespace and nothing else.
        return line.ok and (line.text("call") != "reboot" or line.integer("pid_namespace") == ours)

    try_calls(session, "gates", counts=touches_the_host)


PROBE = Probe(
    id="reboot_and_clock",
    version=1,
    checklist_id="P18",
    question="Are rebooting the machine and setting its clock out of the container's reach?",
    why=(
        "One job that may restart a node ends everybody's jobs there, and a clock that jumps breaks "
        "Kerberos, file times and accounting. Neither has a namespace: it is the whole machine's or nothing."
    ),
    method=(
        "The payload calls reboot(2) with magic numbers that mean nothing, and settimeofday(2) with a time "
        "zone that cannot be. The kernel looks at the privilege first: EINVAL means past the gate, and "
        "nothing happens. A reboot counts only in the host's own process namespace; elsewhere it would end "
        "the container alone. The control is the same payload run by root on the bare host; the bare process "
        "of the user shows what a plain job can do."
    ),
    remedy=(
        "Do not add CAP_SYS_BOOT or CAP_SYS_TIME, nor --privileged; keep the runtime's own seccomp profile, "
        "or run the container as an ordinary host user."
    ),
    severity=Severity.HIGH,
    severity_reason="It stops or confuses every job on the node, whoever they belong to.",
    observe=observe,
    judge=Attempt(
        done="the machine's reboot or its clock is past the kernel's gate",
        not_done="reboot and clock were refused",
        control="root itself could",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="reboot(2)",
            url="https://man7.org/linux/man-pages/man2/reboot.2.html",
        ),
        Reference(
            title="settimeofday(2)",
            url="https://man7.org/linux/man-pages/man2/settimeofday.2.html",
        ),
        Reference(
            title="Docker: Seccomp security profiles",
            url="https://docs.docker.com/engine/security/seccomp/",
        ),
    ),
)
