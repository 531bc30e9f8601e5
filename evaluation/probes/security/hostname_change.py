"""P25: whether the payload could rename the host."""

import ctypes
import errno

from evaluation.model import Reference, Severity
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt
from evaluation.probes.visits import CANNOT_LOOK, attend

TOO_LONG = 1000
"""A host name has at most 64 bytes, sethostname(2)."""


def observe(session: Session) -> None:
    """Let the payload ask for a name that cannot be, and see from the host whose name it would be."""
    seen = attend(session, "hostname", session.work_inside)
    evidence, visit, line = (seen.completed,), seen.first("a"), seen.answer.first("hostname")
    if visit is None or line is None:
        session.record(PROBLEM, seen.missing, evidence=evidence)
        return
    if session.privileged:
        session.record(CONTROL_DONE, value=_root_is_past_the_check())
    allowed, of_host = line.fields.get("past_the_check") is True, visit.shares("uts")
    if allowed and of_host is None:
        session.record(NOT_PLANTED, CANNOT_LOOK, evidence=evidence)
        return
    whose = "unknown" if of_host is None else "the host's" if of_host else "its own"
    answer = "past the privilege check" if allowed else line.reason
    session.record(EFFECT, allowed and of_host is True, evidence=evidence)
    session.record(DETAIL, f"sethostname: {answer}; name space: {whose}", evidence=evidence)


def _root_is_past_the_check() -> bool:
    """Whether the verifier's own call gets as far; it cannot change anything either."""
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.sethostname(b"", TOO_LONG) == -1 and ctypes.get_errno() == errno.EINVAL


PROBE = Probe(
    id="hostname_change",
    version=1,
    checklist_id="P25",
    question="Is a program inside kept from renaming the host?",
    why=(
        "Batch systems, licence servers, Kerberos and logs know a node by its name. A job that can change it "
        "takes the node out of service, or signs its log entries as another's."
    ),
    method=(
        "The payload calls sethostname with a length that no name may have: EINVAL says that it was past the "
        "privilege check, and nothing can change. The verifier reads from the host's /proc whether its UTS "
        "namespace is the host's: only then it would have been the host's name. The control, where the "
        "evaluation runs as root, is the verifier's own call of the same kind."
    ),
    remedy=(
        "Leave the container a UTS namespace of its own (no docker run --uts host), and do not add "
        "CAP_SYS_ADMIN; a runtime that starts as the user cannot rename anything."
    ),
    observe=observe,
    judge=Attempt(
        done="a program inside could rename the host",
        not_done="no program inside can rename the host",
        control="root itself could",
    ),
    severity=Severity.MEDIUM,
    severity_reason="It disturbs everybody's jobs on the node, and gives nobody's data away.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="sethostname(2)", url="https://man7.org/linux/man-pages/man2/sethostname.2.html"),
        Reference(
            title="CIS Docker Benchmark 1.6.0, 5.21: the host's UTS namespace is not shared",
            url=(
                "https://www.tenable.com/audits/items/CIS_Docker_v1.6.0_L1_Docker_Linux.audit:593787b71a6a0adee4e290e171349cb4"
            ),
        ),
    ),
)
