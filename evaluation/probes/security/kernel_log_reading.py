"""P19: whether the host's kernel log can be read."""

from evaluation.model import Reference, Severity
from evaluation.probes.attempting import try_calls
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import Attempt


def observe(session: Session) -> None:
    """Let the payload ask for the log both ways, by call and by device."""
    try_calls(session, "kernel-log")


PROBE = Probe(
    id="kernel_log_reading",
    version=1,
    checklist_id="P19",
    question="Is the host's kernel log out of the container's sight?",
    why=(
        "The log tells addresses of the kernel, devices, file systems and the ends of other users' programs. "
        "It helps whoever prepares an attack on the kernel, and it is everybody's on the node."
    ),
    method=(
        "The payload asks for the log by syslog(2) and by opening /dev/kmsg; it keeps how it was answered "
        "and no word of the log. A /dev/kmsg that is no device is a stand-in and does not count. The control "
        "is the same payload run by root on the bare host; the bare process of the user shows what a plain "
        "job can do."
    ),
    remedy=(
        "Set kernel.dmesg_restrict=1 on the host, and do not add CAP_SYSLOG; keep /dev/kmsg out of the "
        "container."
    ),
    severity=Severity.LOW,
    severity_reason="It tells about the host and its kernel, and does nothing by itself.",
    observe=observe,
    judge=Attempt(
        done="the host's kernel log was handed out",
        not_done="the kernel log was refused",
        control="root itself could",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="syslog(2)",
            url="https://man7.org/linux/man-pages/man2/syslog.2.html",
        ),
        Reference(
            title="Docker: Seccomp security profiles",
            url="https://docs.docker.com/engine/security/seccomp/",
        ),
    ),
)
