"""Whether the CPU time of a container is in the batch system's books (B02, in a real job)."""

from evaluation.model import Reference
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line, read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.jobgroups import INTO_THE_JOB
from evaluation.probes.jobs import NO_ENGINE, idle_account, job
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, Attempt

BURNT_MS = 2000
MOST_MS = 20_000
CHARGED = 0.5
"""The share of it that must be charged at least: a whole process is charged or is not."""


def observe(session: Session) -> None:
    """Let the payload compute in a job, the same beside the job, and read what the engine charged."""
    if session.batch is None:
        session.record(NOT_PLANTED, NO_ENGINE)
        return
    idle = idle_account(session)
    if idle is None:
        return
    # Far more than the client takes for itself, however much that is: one that copies an image burns seconds.
    burn_ms = min(MOST_MS, max(BURNT_MS, int(2e3 * idle.cpu_s)))
    with job(session, (f"{session.payload_inside}/{PAYLOAD}", "burn", str(burn_ms))) as submitted:
        if submitted is None:
            return
        outside = session.on_host((str(session.payload / PAYLOAD), "burn", str(burn_ms)), timeout_s=90.0)
        over, said = submitted.over(), submitted.said
        burnt_s = burnt(read_answer(said).first("burn"))
        if not over or not burnt_s:
            submitted.complain("the payload computed nothing")
            return
        account = submitted.account()
        if account is None:
            submitted.complain_of_books()
            return
        evidence = (said, *submitted.evidence)
        beside_s = burnt(read_answer(outside).first("burn"))
        charged_s = max(0.0, account.cpu_s - idle.cpu_s)
        apart = beside_s > 0 and charged_s < burnt_s + CHARGED * beside_s
        session.record(CONTROL_DONE, apart, evidence=(outside,))
        session.record("burnt", burnt_s, "s", evidence=evidence)
        session.record("client", idle.cpu_s, "s", evidence=evidence)
        session.record("charged", charged_s, "s", evidence=evidence)
        session.record(EFFECT, charged_s < CHARGED * burnt_s, evidence=evidence)
        books = (
            f"{charged_s:.1f} s in {submitted.system.title}'s books, the client's {idle.cpu_s:.1f} s beside"
        )
        session.record(DETAIL, f"{burnt_s:.1f} s computed, {books}", evidence=evidence)


def burnt(line: Line | None) -> float:
    """CPU time that the payload used, by its own clock, seconds."""
    return ((line.integer("cpu_ns") if line else None) or 0) / 1e9


PROBE = Probe(
    id="batch_cpu_accounting",
    version=2,
    question="Is the CPU time of what runs in the container in the batch system's books?",
    why=(
        "Shares, invoices and the limits of a farm stand on what its books say. CPU time that a daemon "
        "spends "
        "for a user is in nobody's books, and runs on cores that were given to other users' jobs."
    ),
    method=(
        "A job is submitted in which the payload computes nothing: what the books charge for it (sacct, "
        "qacct) is the client's own work. In a second one the payload computes until it has used twice as "
        f"much CPU time by its own clock, {BURNT_MS // 1000} to {MOST_MS // 1000} s. Where less than half of "
        "it is charged beyond the first, it was not charged. The controls are the same process beside the "
        "job, which must not be charged to it, and the bare process in a job, which must be; else nothing "
        "follows."
    ),
    remedy=f"{INTO_THE_JOB}; see batch_job_cgroup.",
    observe=observe,
    judge=Attempt(
        done="the container's CPU time is not in the books",
        not_done="the container's CPU time is in the books",
        control="the same process beside the job was not charged to it",
        inert="the books do not show the bare process's CPU time either: nothing is shown about a runtime",
        words=False,
    ),
    needs=("payload", "batch"),
    repeat="once",
    references=(
        Reference(title="sacct", url="https://slurm.schedmd.com/sacct.html"),
        Reference(
            title="qacct(1)", url="https://manpages.debian.org/bookworm/gridengine-client/qacct.1.en.html"
        ),
    ),
)
