"""B06: whether a payload outlives its client when the client's process group is killed."""

import signal

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import secret, wait_for
from evaluation.probes.hostprocesses import found_by, leaves_a_daemon, not_found, still_there
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt
from evaluation.reasons import last_words

PREFIX = "waiting"
READY_S = 30.0
END_S = 5.0
"""How long after the kill the payload may still be there."""
LIFETIME_S = 60


def observe(session: Session) -> None:
    """Start a waiting payload, kill the client's process group, and look for the payload on the host."""
    with leaves_a_daemon(session) as daemon:
        session.record(CONTROL_DONE, daemon is not None and bool(still_there((daemon,), 0.0)))
    token = secret()
    program = f"{session.payload_inside}/{PAYLOAD}"
    argv = (program, "await-signal", f"{session.work_inside}/{PREFIX}")
    running = session.start((*argv, str(LIFETIME_S), token))
    ready = wait_for(session.work / f"{PREFIX}.ready", READY_S)
    payload = found_by(program, token) if ready else None
    running.signal(signal.SIGKILL, group=True)
    completed = running.wait()
    if not ready:
        reason = completed.failure or last_words(completed)
        what = f"the payload was not ready within {READY_S:.0f} s"
        session.record(PROBLEM, f"{what} ({reason})", evidence=(completed,))
        return
    if payload is None:
        session.record(NOT_PLANTED, not_found(), evidence=(completed,))
        return
    survived = bool(still_there((payload,), END_S))
    payload.end()
    after = f"{END_S:.0f} s after its client was killed, the payload was"
    session.record(EFFECT, survived, evidence=(completed,))
    session.record(DETAIL, f"{after} {'still running' if survived else 'gone'}", evidence=(completed,))


PROBE = Probe(
    id="group_kill_survival",
    version=1,
    checklist_id="B06",
    question="Does the payload end when the client's process group is killed with SIGKILL?",
    why=(
        "A batch system ends a job that overran by SIGKILL to its processes. A payload that somebody else "
        "started survives that: it computes on, writes to the output of a job that is over, and holds "
        "cores that the next job was given."
    ),
    method=(
        "The payload waits, and the host finds it by its program's name and a random word of its command "
        "line; where the host hides it (hidepid), nothing is shown. The client's "
        f"process group is sent SIGKILL. The payload must be gone {END_S:.0f} s later, as the host's "
        "process table says. The control is a daemon in a session of its own on the bare host, which must "
        "be seen to survive; a bare process in the group dies."
    ),
    remedy=(
        "Start containers by a runtime that has no daemon, or remove a job's containers by name or label "
        "in the batch system's epilog."
    ),
    observe=observe,
    judge=Attempt(
        done="the payload outlived its client",
        not_done="the payload died with its client",
        control="a bare daemon survived the same",
    ),
    severity=Severity.MEDIUM,
    severity_reason="The payload runs on beyond its job, on resources that other users' jobs were given.",
    needs=("payload",),
    repeat="once",
    quick=False,  # seconds of waiting in every mode
    references=(
        Reference(title="kill(2)", url="https://man7.org/linux/man-pages/man2/kill.2.html"),
        Reference(title="setsid(2)", url="https://man7.org/linux/man-pages/man2/setsid.2.html"),
    ),
)
