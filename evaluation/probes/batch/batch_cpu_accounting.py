"""Whether the CPU time of a container is in the batch system's books (B02, in a real job)."""

from evaluation.model import Reference
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line, read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.jobs import job
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, Attempt

BURNT_MS = 2000
"""Several times what any client takes for itself."""
CHARGED = 0.5
"""The share of it that must be charged at least: a whole process is charged or is not."""


def observe(session: Session) -> None:
    """Let the payload compute in a job, the same beside the job, and read what the engine charged."""
    with job(session, (f"{session.payload_inside}/{PAYLOAD}", "burn", str(BURNT_MS))) as submitted:
        if submitted is None:
            return
        outside = session.on_host((str(session.payload / PAYLOAD), "burn", str(BURNT_MS)))
        over, said = submitted.over(), submitted.said
        burnt_s = burnt(read_answer(said).first("burn"))
        account = submitted.account()
        if not over or not burnt_s or account is None:
            what = "the payload computed nothing" if account else "the engine's books know nothing of the job"
            submitted.complain(what)
            return
        evidence = (said, *submitted.evidence)
        beside_s = burnt(read_answer(outside).first("burn"))
        session.record(CONTROL_DONE, account.cpu_s < burnt_s + CHARGED * beside_s, evidence=(outside,))
        session.record("burnt", burnt_s, "s", evidence=evidence)
        session.record("charged", account.cpu_s, "s", evidence=evidence)
        session.record(EFFECT, account.cpu_s < CHARGED * burnt_s, evidence=evidence)
        books = f"{account.cpu_s:.1f} s in {submitted.system.title}'s books, the client's own among them"
        detail = f"{burnt_s:.1f} s computed, {books}"
        session.record(DETAIL, detail, evidence=evidence)


def burnt(line: Line | None) -> float:
    """CPU time that the payload used, by its own clock, seconds."""
    return ((line.integer("cpu_ns") if line else None) or 0) / 1e9


PROBE = Probe(
    id="batch_cpu_accounting",
    version=1,
    question="Is the CPU time of what runs in the container in the batch system's books?",
    why=(
        "Shares, invoices and the limits of a farm stand on what its books say. CPU time that a daemon "
        "spends "
        "for a user is in nobody's books, and runs on cores that were given to other users' jobs."
    ),
    method=(
        f"A job is submitted in which the payload computes until it has used {BURNT_MS / 1e3:.0f} s of CPU "
        "time "
        "by its own clock. Then the books are asked (sacct, qacct): less than half of it means that it was "
        "not "
        "charged. The control is the same process beside the job, which must not be charged to it."
    ),
    remedy=(
        "Start containers by a runtime without a daemon, or have the engine put them below the job's own "
        "control "
        "group, by a wrapper that users cannot go round (docker run --cgroup-parent; see batch_job_cgroup)."
    ),
    observe=observe,
    judge=Attempt(
        done="the container's CPU time is not in the books",
        not_done="the container's CPU time is in the books",
        control="the same process beside the job was not charged to it",
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
