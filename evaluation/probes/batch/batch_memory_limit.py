"""Whether a container stays within the memory that its job asked for (B01, in a real job)."""

from evaluation.model import Reference
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.base import Probe, Session
from evaluation.probes.batchsystem import Limits
from evaluation.probes.canaries import plant_file
from evaluation.probes.holding import forget, hold
from evaluation.probes.jobgroups import INTO_THE_JOB
from evaluation.probes.jobs import NO_ENGINE, job
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, Attempt

MORE_BYTES = 256 * 2**20
"""How much more than the limit the payload takes."""
INSIDE, BESIDE, STARTED = "inside", "beside", "started"


def observe(session: Session) -> None:
    """Let the payload take more memory than its job asked for."""
    if session.batch is None:
        session.record(NOT_PLANTED, NO_ENGINE)
        return
    limit = session.batch.smallest_memory_bytes
    try:
        mark = ("write", f"{session.work_inside}/{STARTED}", "yes", "--")
        wanted = limit + MORE_BYTES
        argv = (f"{session.payload_inside}/{PAYLOAD}", *mark, *hold(session.work_inside, INSIDE, wanted))
        with job(session, argv, limits=Limits(memory_bytes=limit)) as submitted:
            if submitted is None:
                return
            held = submitted.ready(f"{INSIDE}.ready")
            plant_file(session.work, f"{INSIDE}.go", "", mode=0o644)
            submitted.over()
            account = submitted.account()
            # Like for like: beside the job the same amount is to be had.
            beside = session.start_on_host(
                (str(session.payload / PAYLOAD), *hold(str(session.work), BESIDE, wanted))
            )
            plant_file(session.work, f"{BESIDE}.go", "", mode=0o644)
            ended = beside.wait()
            if not (session.work / STARTED).exists():
                submitted.complain(f"the payload did not start in a job of {limit >> 20} MiB")
                return
            evidence = (submitted.said, *submitted.evidence)
            session.record(CONTROL_DONE, (session.work / f"{BESIDE}.ready").exists(), evidence=(ended,))
            session.record(EFFECT, held, evidence=evidence)
            how = "were taken" if held else "could not be taken"
            state = f"; {submitted.system.title} says: {account.state}" if account else ""
            detail = f"{wanted >> 20} MiB {how} in a job of {limit >> 20} MiB{state}"
            session.record(DETAIL, detail, evidence=evidence)
    finally:
        forget(session, INSIDE, BESIDE)
        (session.work / STARTED).unlink(missing_ok=True)


PROBE = Probe(
    id="batch_memory_limit",
    version=2,
    question="Does the memory limit of a real job hold for what runs in the container?",
    why=(
        "A batch system packs a node by the memory that jobs ask for. A container that takes more than its "
        "job "
        "asked for takes it from the neighbours, and the kernel then ends whoever it likes."
    ),
    method=(
        "A job is submitted with a limit of memory (sbatch --mem, qsub -l h_vmem), and the payload takes "
        "256 MiB "
        "more than that and says on the bind when it has them. The control is the same process beside the "
        "job, "
        "which gets them; in the job the bare process does not. Grid Engine's limit is one of address "
        "space, of "
        "which clients written in Go reserve much, so it is 2 GiB there: with less they do not start."
    ),
    remedy=f"{INTO_THE_JOB}; or give each one a limit of its own (--memory).",
    observe=observe,
    judge=Attempt(
        done="the container took more memory than its job asked for",
        not_done="the job's memory limit held",
        control="the same process beside the job took as much",
        inert="the bare process took more than its job asked for too: nothing is shown about a runtime",
        words=False,
    ),
    needs=("payload", "batch"),
    repeat="once",
    references=(
        Reference(title="cgroup.conf", url="https://slurm.schedmd.com/cgroup.conf.html"),
        Reference(
            title="queue_conf(5)",
            url="https://manpages.debian.org/bookworm/gridengine-common/queue_conf.5.en.html",
        ),
    ),
)
