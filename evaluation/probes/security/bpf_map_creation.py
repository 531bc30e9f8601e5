"""P20: whether bpf(2) can be used."""

from evaluation.model import Reference, Severity
from evaluation.probes.attempting import try_calls
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import Attempt


def observe(session: Session) -> None:
    """Let the payload make a map of one entry, and close it."""
    try_calls(session, "bpf-map", absent="this kernel has no bpf(2)")


PROBE = Probe(
    id="bpf_map_creation",
    version=1,
    checklist_id="P20",
    question="Is the kernel's bpf interface out of the container's reach?",
    why=(
        "bpf loads programs into the kernel. Faults of its verifier have made ordinary users root again and "
        "again, which is why distributions close it to them; a runtime should not open it again."
    ),
    method=(
        "The payload creates an array map of one entry and closes it at once: the least that bpf can do, and "
        "harmless. The control is the same payload run by root on the bare host; the bare process of the "
        "user shows what a plain job can do."
    ),
    remedy=(
        "Set kernel.unprivileged_bpf_disabled on the host, keep the runtime's seccomp profile, and add "
        "neither CAP_BPF nor CAP_SYS_ADMIN."
    ),
    severity=Severity.MEDIUM,
    severity_reason="A step towards root: the interface has often had faults that end there.",
    observe=observe,
    judge=Attempt(
        done="bpf could be used",
        not_done="bpf was refused",
        control="root itself could",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="bpf(2)",
            url="https://man7.org/linux/man-pages/man2/bpf.2.html",
        ),
        Reference(
            title="Docker: Seccomp security profiles",
            url="https://docs.docker.com/engine/security/seccomp/",
        ),
        Reference(
            title="NIST SP 800-190, section 3.5.2: shared kernel",
            url="https://doi.org/10.6028/NIST.SP.800-190",
        ),
    ),
)
