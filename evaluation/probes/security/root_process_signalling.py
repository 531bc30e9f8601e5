"""P30: whether a process of root's can be signalled."""

import signal
from contextlib import suppress

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.attempting import LIFETIME_S, lines_of
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT, plant_file, secret, wait_for
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

CANARY = "canary"
PARAMETERS = "parameters"
READY_S = 10.0


def observe(session: Session) -> None:
    """Start a waiting process of root's on the host, and let the payload signal it."""
    if not session.privileged:
        session.record(NOT_PLANTED, NEEDS_ROOT)
        return
    token = secret()
    plant_file(session.work, PARAMETERS, f"signal-process\n{token}\n", mode=0o644)
    program, prefix = str(session.payload / PAYLOAD), str(session.work / CANARY)
    canary = session.start_by_verifier((program, "await-signal", prefix, str(LIFETIME_S), token))
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
        ended = canary.wait(READY_S + LIFETIME_S)
    _record(session, launched, ended)


def _record(session: Session, launched: Completed | None, ended: Completed) -> None:
    woken = read_answer(ended).first("await-signal")
    number = woken.integer("received") if woken else None
    if launched is None or number not in {signal.SIGUSR1, signal.SIGTERM}:
        session.record(PROBLEM, "the canary on the host did not work", evidence=(ended,))
        return
    lines = lines_of(session, launched, "signal-process")
    if not lines:
        return
    found = lines[0].integer("found")
    # That root's SIGTERM, or what came before it, arrived is the control: the canary can be reached.
    session.record(CONTROL_DONE, value=True, evidence=(ended,))
    session.record(EFFECT, number == signal.SIGUSR1, evidence=(launched, ended))
    detail = f"it saw the process: {lines[0].reason}" if found else "it did not see the process"
    session.record(DETAIL, "it saw the process" if lines[0].ok else detail, evidence=(launched,))


PROBE = Probe(
    id="root_process_signalling",
    version=1,
    checklist_id="P30",
    question="Are root's processes on the host safe from signals of the container?",
    why=(
        "Whoever can signal root's processes stops the batch system's daemon, the monitoring or the logging "
        "of a node. An ordinary job cannot; a container that is root and sees the host's processes can."
    ),
    method=(
        "As root, the verifier starts a waiting process of its own on the host, with a random word among its "
        "arguments. The payload searches /proc for that word (given by file) and sends it SIGUSR1, which it "
        "only notes. No other process is ever signalled. Which signal arrived is what the canary says. The "
        "control is root's own signal, which arrives."
    ),
    remedy="Give the container process ids of its own (not --pid host), and run it as an ordinary host user.",
    severity=Severity.HIGH,
    severity_reason="Daemons of the site, and with them everybody's jobs, could be stopped.",
    observe=observe,
    judge=Attempt(
        done="a process of root's on the host could be signalled",
        not_done="a process of root's on the host could not be signalled",
        control="root's own signal arrived",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="kill(2)",
            url="https://man7.org/linux/man-pages/man2/kill.2.html",
        ),
        Reference(
            title="pid_namespaces(7)",
            url="https://man7.org/linux/man-pages/man7/pid_namespaces.7.html",
        ),
        Reference(
            title="NIST SP 800-190, section 3.4.3: insecure container runtime configurations",
            url="https://doi.org/10.6028/NIST.SP.800-190",
        ),
    ),
)
