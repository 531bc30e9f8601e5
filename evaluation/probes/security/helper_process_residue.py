"""B08: whether a runtime's helper processes are left after its client was killed."""

import signal

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Probe, RunningTask, Session
from evaluation.probes.canaries import secret, wait_for
from evaluation.probes.hostprocesses import (
    HostProcess,
    ancestors,
    below,
    everyone,
    found_by,
    hidden,
    leaves_a_daemon,
    marked,
    named,
    not_found,
    still_there,
)
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt
from evaluation.reasons import last_words

PREFIX = "waiting"
MARK = "EVALUATION_TURN"
"""A variable in the client's environment, which the helpers that it starts inherit."""
READY_S = 30.0
END_S = 5.0
LIFETIME_S = 60


def observe(session: Session) -> None:
    """Start a waiting payload, note what stands round it, kill the client's group, and look what is left."""
    with leaves_a_daemon(session) as daemon:
        session.record(CONTROL_DONE, daemon is not None and bool(still_there((daemon,), 0.0)))
    # What a first container of this user starts for all later ones (podman's pause process) is no
    # container's helper: it is there now.
    first = session.launch((f"{session.payload_inside}/{PAYLOAD}", "identity"))
    if problem := read_answer(first).problem:
        session.record(PROBLEM, problem, evidence=(first,))
        return
    earlier = {(process.pid, process.began) for process in everyone()}
    token = secret()
    program = f"{session.payload_inside}/{PAYLOAD}"
    argv = (program, "await-signal", f"{session.work_inside}/{PREFIX}")
    running = session.start((*argv, str(LIFETIME_S), token), host_env={MARK: token})
    ready = wait_for(session.work / f"{PREFIX}.ready", READY_S)
    payload = found_by(program, token) if ready else None
    helpers = _helpers(session, running, payload, token) if payload else ()
    helpers = tuple(process for process in helpers if (process.pid, process.began) not in earlier)
    running.signal(signal.SIGKILL, group=True)
    completed = running.wait()
    if not ready:
        reason = completed.failure or last_words(completed)
        session.record(PROBLEM, f"the payload was not ready on the host ({reason})", evidence=(completed,))
        return
    if payload is None:
        session.record(NOT_PLANTED, not_found(), evidence=(completed,))
        return
    left = still_there(helpers, END_S)
    # A helper may have started another one meanwhile, to clean up.
    late = [found for found in marked(MARK, token) if found not in left and found.pid != payload.pid]
    left = (*left, *still_there(late, END_S))
    payload.end()
    if not left and (unseen := hidden()):
        session.record(NOT_PLANTED, f"helpers of root's would not be seen: {unseen}", evidence=(completed,))
        return
    session.record(EFFECT, bool(left), evidence=(completed,))
    there = named(helpers) or "none beside the client"
    detail = f"left: {named(left)}; helpers were: {there}" if left else f"helpers were: {there}"
    session.record(DETAIL, detail, evidence=(completed,))


def _helpers(
    session: Session, running: RunningTask, payload: HostProcess, token: str
) -> tuple[HostProcess, ...]:
    """What was started for this container, the payload and its client not among them.

    The client's own tree, what inherited its environment, and what stands above the payload. The launcher is
    the client's parent, and everybody's whose own has ended.
    """
    tree = below(running.pid)
    client = next((process for process in tree if process.pid == running.pid), None)
    above = ancestors(payload, until=client.parent if client else 0)
    found = {process.pid: process for process in (*tree, *above, *marked(MARK, token))}
    return tuple(
        process
        for pid, process in sorted(found.items())
        if pid not in {payload.pid, running.pid} and process.name not in session.engine_processes
    )


PROBE = Probe(
    id="helper_process_residue",
    version=2,
    checklist_id="B08",
    question="Do the runtime's helper processes end when its client is killed with SIGKILL?",
    why=(
        "Monitors, shims and user-space file systems that are left on a node hold mounts and memory, fill "
        "process tables over weeks, and keep a node from being drained."
    ),
    method=(
        "While the payload waits, the host notes what was started for it: the client's tree, what inherited "
        "a random word in its environment, and what stands above the payload; what ran before the client "
        "(an engine's daemon, the user's systemd) is none of it. The client's process group is "
        f"sent SIGKILL; {END_S:.0f} s later nothing of that may be there, the payload itself not counted. "
        "The control is a daemon on the bare host, which must be seen to survive."
    ),
    remedy=(
        "Use a runtime that executes the payload in place, or end what is left in the batch system's "
        "epilog, by control group or by the user's last job."
    ),
    observe=observe,
    judge=Attempt(
        done="helper processes outlived the client",
        not_done="no helper process was left",
        control="a bare daemon survived the same",
    ),
    severity=Severity.LOW,
    severity_reason="Idle processes that hold resources of the node; they do nothing by themselves.",
    needs=("payload",),
    repeat="once",
    quick=False,  # seconds of waiting in every mode
    references=(
        Reference(title="kill(2)", url="https://man7.org/linux/man-pages/man2/kill.2.html"),
        Reference(title="conmon(8)", url="https://manpages.debian.org/bookworm/conmon/conmon.8.en.html"),
    ),
)
