"""P32: whether a namespace of the host can be entered."""

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line, read_answer
from evaluation.probes.attempting import LIFETIME_S, NEEDS_ROOT_CONTROL, ask, lingering, told
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import secret
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

CANARY = "canary"
READY_S = 10.0


def observe(session: Session) -> None:
    """Start a process on the host, and let the payload enter its namespaces."""
    name = secret()[:15]
    program = str(session.payload / PAYLOAD)
    task = session.start_on_host((program, "linger", str(session.work / CANARY), str(LIFETIME_S), name))
    with lingering(session.work, CANARY, task, READY_S) as canary:
        if canary.number is None:
            session.record(PROBLEM, "the canary on the host did not work")
            return
        completed, lines = ask(session, "enter-namespaces", name)
        controlled = session.by_verifier((program, "enter-namespaces", name)) if session.privileged else None
    if lines:
        _record(session, completed, lines, controlled)


def _record(
    session: Session, completed: Completed, lines: tuple[Line, ...], controlled: Completed | None
) -> None:
    entered = [line for line in lines if line.ok]
    seen = any(line.fields.get("seen") for line in lines)
    if controlled is None:
        session.record(NOT_PLANTED, NEEDS_ROOT_CONTROL)
    else:
        answers = read_answer(controlled).all("enter-namespaces")
        session.record(CONTROL_DONE, any(line.ok for line in answers), evidence=(controlled,))
    session.record(EFFECT, bool(entered), evidence=(completed,))
    detail = told(lines, entered) if seen else "it did not see the host's process"
    session.record(DETAIL, detail, evidence=(completed,))


PROBE = Probe(
    id="host_namespace_entry",
    version=1,
    checklist_id="P32",
    question="Is the container kept from entering the host's namespaces?",
    why=(
        "Namespaces are the walls of a container. Who may enter those of a process on the host is outside: "
        "with its mounts it sees the host's files, with its network it listens there."
    ),
    method=(
        "The verifier starts a process on the host as the measuring user, with a random name. The payload "
        "searches /proc for that name, opens the process's namespaces and enters each by setns(2), the "
        "mounts last. Exposed if any can be entered; the message names them. The control is the same payload "
        "run by root on the bare host; the bare process of the user shows what a plain job can do."
    ),
    remedy=(
        "Give the container process ids of its own (not --pid host), and add neither CAP_SYS_ADMIN nor "
        "--privileged."
    ),
    severity=Severity.HIGH,
    severity_reason="Inside the host's namespaces with the privilege to enter them, one is root on the host.",
    observe=observe,
    judge=Attempt(
        done="a namespace of the host could be entered",
        not_done="no namespace of the host could be entered",
        control="root itself could",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="setns(2)",
            url="https://man7.org/linux/man-pages/man2/setns.2.html",
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
