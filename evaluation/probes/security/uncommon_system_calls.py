"""P22: whether userfaultfd, perf_event_open and add_key can be used."""

from evaluation.model import Reference, Severity
from evaluation.probes.attempting import try_calls
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import Attempt


def observe(session: Session) -> None:
    """Let the payload open each of the three, and close it."""
    try_calls(session, "uncommon-calls", absent="this kernel has none of these calls")


PROBE = Probe(
    id="uncommon_system_calls",
    version=1,
    checklist_id="P22",
    question="Are system calls that computing rarely needs, and attacks often, out of reach?",
    why=(
        "userfaultfd holds the kernel up at a chosen moment, perf_event_open has had faults and sees timing, "
        "and keys stand in keyrings that no namespace parts. Every call that is not needed is one that "
        "cannot be attacked."
    ),
    method=(
        "The payload makes a userfaultfd (for faults of the kernel too), opens a software counter of its own "
        "task, and adds a key to its own process keyring; all end with it. Exposed if any one is allowed, "
        "and the message names which. The control is the same payload run by root on the bare host; the bare "
        "process of the user shows what a plain job can do."
    ),
    remedy=(
        "Keep the runtime's seccomp profile (Docker's refuses all three), and set "
        "vm.unprivileged_userfaultfd=0 and kernel.perf_event_paranoid=2 or more on the host."
    ),
    severity=Severity.LOW,
    severity_reason="More of the kernel in reach; it does nothing by itself.",
    observe=observe,
    judge=Attempt(
        done="rarely needed system calls could be used",
        not_done="the rarely needed system calls were refused",
        control="root itself could",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="userfaultfd(2)",
            url="https://man7.org/linux/man-pages/man2/userfaultfd.2.html",
        ),
        Reference(
            title="perf_event_open(2)",
            url="https://man7.org/linux/man-pages/man2/perf_event_open.2.html",
        ),
        Reference(
            title="add_key(2)",
            url="https://man7.org/linux/man-pages/man2/add_key.2.html",
        ),
        Reference(
            title="Docker: Seccomp security profiles",
            url="https://docs.docker.com/engine/security/seccomp/",
        ),
    ),
)
