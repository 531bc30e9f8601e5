"""B07: whether a daemon that the payload leaves behind ends with the command."""

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import secret
from evaluation.probes.hostprocesses import found_by, hidden, leaves_a_daemon, still_there
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

PREFIX = "daemon"
END_S = 5.0
"""How long after the command's end the daemon may still be there."""
LIFETIME_S = 60


def observe(session: Session) -> None:
    """Leave a daemon inside, wait for the command's end, and look for the daemon on the host."""
    with leaves_a_daemon(session) as canary:
        session.record(CONTROL_DONE, canary is not None and bool(still_there((canary,), 0.0)))
    token = secret()
    program = f"{session.payload_inside}/{PAYLOAD}"
    argv = (program, "daemon", f"{session.work_inside}/{PREFIX}")
    completed = session.launch((*argv, str(LIFETIME_S), token))
    daemon = found_by(program, token)
    answer = read_answer(completed)
    line = answer.first("daemon")
    if line is None or not line.ok:
        if daemon:
            daemon.end()
        seen = f"the payload could not leave a daemon: {line.reason}" if line else ""
        session.record(PROBLEM, answer.problem or seen, evidence=(completed,))
        return
    if daemon is None and (unseen := hidden()):
        session.record(NOT_PLANTED, f"the daemon was not seen: {unseen}", evidence=(completed,))
        return
    survived = daemon is not None and bool(still_there((daemon,), END_S))
    if daemon:
        daemon.end()
    after = f"{END_S:.0f} s after the command's end, the daemon was"
    session.record(EFFECT, survived, evidence=(completed,))
    session.record(DETAIL, f"{after} {'still running' if survived else 'gone'}", evidence=(completed,))


PROBE = Probe(
    id="daemon_survival",
    version=1,
    checklist_id="B07",
    question="Does a daemon that the payload starts end with the payload's own command?",
    why=(
        "Software of experiments starts servers, proxies and monitors, and forgets them. What outlives its "
        "job on a farm's node disturbs the next ones until somebody notices; batch systems that track "
        "processes by session or parent do not find it."
    ),
    method=(
        "The payload starts a child in a session of its own, which says on the bind that it runs, and "
        "exits. The host looks for the child by its program's name and a random word of its command line "
        "(where it hides other users' processes, nothing is shown); it must be gone "
        f"{END_S:.0f} s after the client's end. The control is the same daemon on the bare host, which "
        "survives."
    ),
    remedy=(
        "Give the container process ids of its own, whose first process takes all others with it: Docker "
        "and Podman do, apptainer exec --pid; or let the batch system track by control groups."
    ),
    observe=observe,
    judge=Attempt(
        done="a daemon outlived the command that started it",
        not_done="the daemon ended with its command",
        control="a bare daemon survived the same",
    ),
    severity=Severity.LOW,
    severity_reason="A plain job's daemon survives too; a batch system with control groups ends both.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="setsid(2)", url="https://man7.org/linux/man-pages/man2/setsid.2.html"),
        Reference(
            title="pid_namespaces(7)",
            url="https://manpages.ubuntu.com/manpages/noble/man7/pid_namespaces.7.html",
        ),
    ),
)
