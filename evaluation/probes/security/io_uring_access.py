"""P21: whether io_uring can be used."""

from evaluation.model import Reference, Severity
from evaluation.probes.attempting import try_calls
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import Attempt


def observe(session: Session) -> None:
    """Let the payload set up a ring of one entry, and close it."""
    try_calls(session, "io-uring", absent="this kernel has no io_uring, or it was built without")


PROBE = Probe(
    id="io_uring_access",
    version=1,
    checklist_id="P21",
    question="Is io_uring out of the container's reach?",
    why=(
        "io_uring is a second door into the kernel beside system calls: what is asked through it is not seen "
        "by a seccomp filter, and it has had many faults. Few batch programs need it."
    ),
    method=(
        "The payload sets up a ring of one entry and closes it at once. The control is the same payload run "
        "by root on the bare host; the bare process of the user shows what a plain job can do."
    ),
    remedy=(
        "Set kernel.io_uring_disabled on the host (Linux 6.6 and later), or use a seccomp profile without "
        "io_uring_setup: Docker's own leaves it out since version 25."
    ),
    severity=Severity.LOW,
    severity_reason="More of the kernel in reach; it does nothing by itself.",
    observe=observe,
    judge=Attempt(
        done="io_uring could be used",
        not_done="io_uring was refused",
        control="root itself could",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="io_uring_setup(2)",
            url="https://man7.org/linux/man-pages/man2/io_uring_setup.2.html",
        ),
        Reference(
            title="Linux kernel documentation: sysctl kernel.io_uring_disabled",
            url="https://docs.kernel.org/admin-guide/sysctl/kernel.html",
        ),
        Reference(
            title="NIST SP 800-190, section 3.5.2: shared kernel",
            url="https://doi.org/10.6028/NIST.SP.800-190",
        ),
    ),
)
