"""P01: whether the payload is root on the host."""

from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import Callers
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, PROBLEM, Attempt


def observe(session: Session) -> None:
    """Let the payload call the verifier, and ask the kernel who called."""
    with Callers(session.work) as callers:
        completed = session.launch(
            (f"{session.payload_inside}/{PAYLOAD}", "call", session.work_inside, "--", "identity")
        )
        uids = callers.uids()
        if session.privileged:
            callers.call()
            recognised = callers.uids() == (0,)
        else:
            # Without root there is no root to let call. That "/" is owned by 0 shows that host uid 0 is
            # seen as 0 from here, which it would not be in a user namespace of the user's own.
            recognised = Path("/").stat().st_uid == 0
    answer = read_answer(completed)
    line = answer.first("call")
    if line is None or not uids:
        reason = f"the payload could not call the verifier: {line.reason}" if line else "it reported no call"
        session.record(PROBLEM, answer.problem or reason, evidence=(completed,))
        return
    session.record("host_uid", uids[0], evidence=(completed,))
    session.record(CONTROL_DONE, recognised, evidence=(completed,))
    session.record(EFFECT, 0 in uids, evidence=(completed,))
    session.record(
        DETAIL, f"inside uid {line.integer('euid')}, on the host uid {uids[0]}", evidence=(completed,)
    )


PROBE = Probe(
    id="host_root_identity",
    version=1,
    checklist_id="P01",
    severity=Severity.HIGH,
    severity_reason=(
        "Root on the host reads and changes what belongs to every user, and every job on the node."
    ),
    question="Is the program inside root on the host?",
    why=(
        "Whoever is root on the host behind the container's walls needs one hole in them to own the node: "
        "every file, every other user's job. A process with an ordinary host uid needs a hole in the "
        "kernel as well."
    ),
    method=(
        "The payload calls a Unix socket of the verifier on the work bind; the kernel tells the verifier "
        "the caller's effective uid as the host sees it (SO_PEERCRED). What the payload believes itself, "
        "or reads from its namespace's uid map, does not count. The control is that the verifier "
        "recognises root: run as root, by a call of its own; otherwise because it sees root's own files as "
        "uid 0."
    ),
    remedy=(
        "Run the payload as the user (docker run --user), run the engine rootless or with remapped user "
        "ids, or use a runtime that starts as the user."
    ),
    observe=observe,
    judge=Attempt(
        done="the payload runs as root on the host",
        not_done="the payload does not run as root on the host",
        control="the verifier recognises root where root is",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="Docker Engine security", url="https://docs.docker.com/engine/security/"),
        Reference(
            title="MITRE ATT&CK T1611, Escape to Host", url="https://attack.mitre.org/techniques/T1611/"
        ),
    ),
)
