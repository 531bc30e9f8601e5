"""Whether a daemon that a job left behind ends with the job (B07, in a real job)."""

from evaluation.model import Reference
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import secret
from evaluation.probes.hostprocesses import found_by, hidden, leaves_a_daemon, still_there
from evaluation.probes.jobs import NO_ENGINE, job, survivor_facts
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, Attempt

PREFIX = "daemon"
END_S = 5.0
LIFETIME_S = 120


def observe(session: Session) -> None:
    """Let a job leave a daemon behind and end, and look for the daemon on the node."""
    if session.batch is None:
        session.record(NOT_PLANTED, NO_ENGINE)
        return
    with leaves_a_daemon(session) as daemon:
        session.record(CONTROL_DONE, daemon is not None and bool(still_there((daemon,), 0.0)))
    token = secret()
    words = ("daemon", f"{session.work_inside}/{PREFIX}", str(LIFETIME_S), token)
    program = f"{session.payload_inside}/{PAYLOAD}"
    with job(session, (program, *words)) as submitted:
        if submitted is None:
            return
        if submitted.elsewhere:
            where = f"the job ran on {submitted.elsewhere}, whose processes cannot be seen from here"
            session.record(NOT_PLANTED, f"{where}: submit from that node")
            return
        ready = submitted.ready(f"{PREFIX}.ready")
        over = submitted.over()
        left = found_by(program, token)
        survived = bool(left and still_there((left,), END_S))
        uid, group = survivor_facts(left.pid) if left and survived else (-1, "")
        if left:
            left.end()
        (session.work / f"{PREFIX}.ready").unlink(missing_ok=True)
        if not ready or not over or submitted.status != 0:
            submitted.complain("the payload left no daemon")
            return
        evidence = (submitted.said, *submitted.evidence)
        if left is None and (unseen := hidden()):
            session.record(NOT_PLANTED, f"the daemon would not be seen: {unseen}", evidence=evidence)
            return
        session.record(EFFECT, survived, evidence=evidence)
        after = f"{END_S:.0f} s after {submitted.system.title} held the job no longer, the daemon was"
        whose = f" (host uid {uid}, control group {group})" if survived else ""
        session.record(DETAIL, f"{after} {'still running' if survived else 'gone'}{whose}", evidence=evidence)


PROBE = Probe(
    id="batch_daemon_survival",
    version=2,
    question="Does a daemon that is left in the container end with its job?",
    why=(
        "Programs leave helpers behind: database servers, X servers, monitors. What is in a session of its "
        "own "
        "escapes a kill by process group, and fills the nodes of a farm over months."
    ),
    method=(
        "A job is submitted whose payload leaves a process in a session of its own and ends. When the engine "
        f"holds the job no longer, that process must be gone within {END_S:.0f} s. The control is such a "
        "daemon on the bare host outside of any job, which must be seen to survive."
    ),
    remedy=(
        "Let the engine follow processes by control group (Slurm: proctrack/cgroup) or by a group id (Grid "
        "Engine: ENABLE_ADDGRP_KILL), and use a runtime whose processes stay in the job."
    ),
    observe=observe,
    judge=Attempt(
        done="the daemon outlived its job",
        not_done="the daemon ended with its job",
        control="a daemon outside of any job survived",
        words=False,
    ),
    needs=("payload", "batch"),
    repeat="once",
    references=(
        Reference(title="setsid(2)", url="https://man7.org/linux/man-pages/man2/setsid.2.html"),
        Reference(
            title="sge_conf(5), ENABLE_ADDGRP_KILL",
            url="https://manpages.debian.org/bookworm/gridengine-common/sge_conf.5.en.html",
        ),
    ),
)
