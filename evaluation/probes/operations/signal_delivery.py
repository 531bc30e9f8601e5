"""Whether a signal to the client reaches the program, and its exit status comes back."""

from evaluation.model import Reference
from evaluation.probes.base import Probe, Session
from evaluation.probes.signalling import EXIT_STATUS, judge, signal_once

SETTLED_S = 1.0
"""So long after the program is ready every client has begun to pass signals on, if it does at all."""


def observe(session: Session) -> None:
    """Start a program that waits for SIGTERM, and send it to the client when both have settled."""
    signal_once(session, after_s=SETTLED_S)


PROBE = Probe(
    id="signal_delivery",
    version=2,
    question="Does SIGTERM to the launched client reach the program, and does its exit status come back?",
    why=(
        "Batch systems warn a job by SIGTERM before its time is up. A job that never sees it cannot write "
        "its checkpoint, and a lost exit status turns failures into successes in the accounting."
    ),
    method=(
        "The payload says when it is ready, waits for SIGTERM, then writes a mark on the bind and exits "
        f"with {EXIT_STATUS}. The verifier sends SIGTERM to the launched client alone, as a scheduler's "
        f"step daemon does, {SETTLED_S:.0f} s after the payload is ready (what comes earlier is asked by "
        "early_signal_delivery), looks for the mark on the host and at the client's exit status. The payload "
        "installs a handler, because process 1 of a namespace is sent no signal without one. The control "
        "is the same done bare."
    ),
    remedy=(
        "Let the client stay in the foreground without a terminal (docker run without -t and -d), use "
        "--init for programs that install no handler, and start the container with exec in job scripts."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    turns=6,
    references=(
        Reference(
            title="pid_namespaces(7)",
            url="https://manpages.ubuntu.com/manpages/noble/man7/pid_namespaces.7.html",
        ),
    ),
)
