"""P02: whether the payload holds capabilities that count on the host."""

import os

from evaluation.model import Reference, Severity
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt
from evaluation.probes.reception import attend
from evaluation.probes.visits import CANNOT_LOOK, Visit, look

INIT = 1
"""The host's first process, whose capabilities anybody may read."""


def observe(session: Session) -> None:
    """Let the payload show itself, and read its capabilities and its user namespace from the host."""
    seen = attend(session, "visit", session.work_inside)
    visit, evidence = seen.first("v"), (seen.completed,)
    mask = visit.mask("CapEff") if visit else None
    if visit is None or mask is None or seen.answer.problem:
        session.record(PROBLEM, seen.missing, evidence=evidence)
        return
    session.record(CONTROL_DONE, _counts(look(os.getpid() if session.privileged else INIT)) is True)
    effect = _counts(visit)
    if effect is None:
        session.record(NOT_PLANTED, CANNOT_LOOK, evidence=evidence)
        return
    where = "of the host" if visit.in_user_namespace_of_host else "of its own"
    session.record(EFFECT, effect, evidence=evidence)
    session.record(DETAIL, f"effective set {mask:016x} in a user namespace {where}", evidence=evidence)


def _counts(visit: Visit) -> bool | None:
    """Whether it has a capability in the host's user namespace; ``None`` where that cannot be seen."""
    if visit.mask("CapEff") == 0:
        return False
    return visit.in_user_namespace_of_host


PROBE = Probe(
    id="effective_capabilities",
    version=1,
    checklist_id="P02",
    question="Is the program inside without capabilities that count on the host?",
    why=(
        "A capability is a piece of root: to change owners, to make device nodes, to reconfigure the "
        "network. One that is held in the host's own user namespace works on the host as soon as a file, a "
        "device or a socket of the host is in reach; one that is held in a namespace of the user's own works "
        "on nothing but what belongs to that namespace."
    ),
    method=(
        "The payload calls the verifier's socket and waits; the kernel names its process. The verifier reads "
        "that process's effective set (CapEff) and user namespace from the host's /proc. Only a set that is "
        "not empty, in the host's user namespace, counts. The control is that the verifier recognises such a "
        "process: itself when it is root, else the host's first process."
    ),
    remedy=(
        "Run the payload as the user (docker run --user), drop capabilities (--cap-drop ALL), run the engine "
        "rootless, or use a runtime that starts as the user."
    ),
    observe=observe,
    judge=Attempt(
        done="the payload holds capabilities that count on the host",
        not_done="the payload holds no capability that counts on the host",
        control="the verifier recognises a process of the host that holds some",
    ),
    severity=Severity.HIGH,
    severity_reason=(
        "Docker's default set alone owns every file that is bound into the container, whoever's it is."
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="capabilities(7)", url="https://man7.org/linux/man-pages/man7/capabilities.7.html"),
        Reference(
            title="CIS Docker Community Edition Benchmark 1.1.0, 5.3: kernel capabilities are restricted",
            url=(
                "https://www.tenable.com/audits/items/CIS_Docker_Community_Edition_L1_Docker_v1.1.0.audit:d198963d68840e929680d530b6d870b0"
            ),
        ),
        Reference(
            title="MITRE ATT&CK T1611, Escape to Host", url="https://attack.mitre.org/techniques/T1611/"
        ),
    ),
)
