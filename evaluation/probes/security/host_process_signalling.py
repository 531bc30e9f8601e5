"""P29: whether a host process of the same user can be seen and signalled."""

import signal
from contextlib import suppress

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Answer, read_answer
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import plant_file, secret, wait_for
from evaluation.probes.judging import DETAIL, EFFECT, PROBLEM, Attempt

CANARY = "canary"
PARAMETERS = "parameters"
READY_S = 10.0
LIFETIME_S = 120
"""The canary ends by itself should everything else fail."""


def observe(session: Session) -> None:
    """Start a waiting process on the host, and let the payload look for it and signal it."""
    token = secret()
    plant_file(session.work, PARAMETERS, f"signal-process\n{token}\n", mode=0o644)
    program, prefix = str(session.payload / PAYLOAD), str(session.work / CANARY)
    canary = session.start_on_host((program, "await-signal", prefix, str(LIFETIME_S), token))
    try:
        ready = wait_for(session.work / f"{CANARY}.ready", READY_S)
        launched = (
            session.launch((f"{session.payload_inside}/{PAYLOAD}", f"@{session.work_inside}/{PARAMETERS}"))
            if ready
            else None
        )
    finally:
        with suppress(ProcessLookupError):
            canary.signal(signal.SIGTERM)
        ended = canary.wait(READY_S)
    _record(session, launched, ended)


def _record(session: Session, launched: Completed | None, ended: Completed) -> None:
    woken = read_answer(ended).first("await-signal")
    number = woken.integer("received") if woken else None
    if launched is None or number not in {signal.SIGUSR1, signal.SIGTERM}:
        session.record(PROBLEM, "the canary on the host did not work", evidence=(ended,))
        return
    answer: Answer = read_answer(launched)
    line = answer.first("signal-process")
    if line is None:
        session.record(
            PROBLEM, answer.problem or "the payload reported no attempt", evidence=(launched, ended)
        )
        return
    found = "it saw the process" if line.integer("found") else "it did not see the process"
    detail = f"{found} among {line.integer('processes')} in its /proc"
    session.record(EFFECT, number == signal.SIGUSR1, evidence=(launched, ended))
    session.record(DETAIL, detail if line.ok or not line.integer("found") else f"{detail}: {line.reason}")


PROBE = Probe(
    id="host_process_signalling",
    version=1,
    checklist_id="P29",
    severity=Severity.MEDIUM,
    severity_reason="It reaches the user's own processes outside of the container, and nobody else's.",
    question="Are the user's other processes on the host out of the container's sight and reach?",
    why=(
        "Jobs of one production account share nodes. Software from an unknown image that sees its "
        "neighbours can read their command lines, stop them, or worse. Tools that watch and clean up a "
        "user's own processes want just that: the site says which it is."
    ),
    method=(
        "The verifier starts a process on the host as the measuring user, with a random word among its "
        "arguments. The payload searches /proc for that word (given by file, so that no other command line "
        "has it) and sends SIGUSR1. Which signal arrived is what the waiting process says, not what the "
        "payload believes. The control is the bare process, which reaches it."
    ),
    remedy=(
        "Give the container process ids of its own: Docker and Podman do so, apptainer exec --pid, or a "
        "site's batch system can separate jobs."
    ),
    observe=observe,
    judge=Attempt(
        done="a host process of the same user was signalled",
        not_done="no host process of the user was signalled",
    ),
    needs=("payload",),
    repeat="once",
    turns=3,
    references=(
        Reference(
            title="pid_namespaces(7)",
            url="https://manpages.ubuntu.com/manpages/noble/man7/pid_namespaces.7.html",
        ),
    ),
)
