"""P25: whether the payload could rename the host."""

import ctypes
import errno
from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, PROBLEM, Attempt
from evaluation.probes.reception import attend

TOO_LONG = 1000
"""A host name has at most 64 bytes, sethostname(2)."""


def observe(session: Session) -> None:
    """Let the payload ask for a name that cannot be, and see from the host whose name it would be."""
    seen = attend(session, "hostname", session.work_inside)
    evidence, visit, line = (seen.completed,), seen.first("a"), seen.answer.first("hostname")
    if visit is None or line is None:
        session.record(PROBLEM, seen.missing, evidence=evidence)
        return
    of_host = visit.shares("uts")
    if of_host is None and line.text("uts"):
        of_host = line.text("uts") == str(Path("/proc/self/ns/uts").readlink())
    allowed = line.fields.get("past_the_check") is True
    if allowed and of_host is None:
        session.record(PROBLEM, "nobody could tell whose host name it would have been", evidence=evidence)
        return
    session.record(CONTROL_DONE, _root_is_past_the_check() if session.privileged else _own_root_is(session))
    whose = "unknown" if of_host is None else "the host's" if of_host else "its own"
    answer = "past the privilege check" if allowed else line.reason
    session.record(EFFECT, allowed and of_host is True, evidence=evidence)
    session.record(DETAIL, f"sethostname: {answer}; UTS namespace: {whose}", evidence=evidence)


def _own_root_is(session: Session) -> bool:
    """Whether the user gets as far as root of namespaces of their own on the bare host."""
    tried = attend(session, "hostname", str(session.work), "own", on_host=True)
    visit, line = tried.first("a"), tried.answer.first("hostname")
    return visit is not None and line is not None and line.fields.get("past_the_check") is True


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
        "namespace is the host's: only then it would have been the host's name. The control is the "
        "verifier's own call of the same kind as root or, where it is not, the payload's on the bare host as "
        "root of namespaces of the user's own."
    ),
    remedy=(
        "Leave the container a UTS namespace of its own (no docker run --uts host), and do not add "
        "CAP_SYS_ADMIN; a runtime that starts as the user cannot rename anything."
    ),
    observe=observe,
    judge=Attempt(
        done="a program inside could rename the host",
        not_done="no program inside can rename the host",
        control="who is root there could",
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
