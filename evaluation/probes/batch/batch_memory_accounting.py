"""Whether the memory of a container is in the batch system's books (B01, in a real job)."""

import time

from evaluation.model import Reference
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import plant_file
from evaluation.probes.holding import forget, hold
from evaluation.probes.jobgroups import INTO_THE_JOB
from evaluation.probes.jobs import job
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, UNAVAILABLE, Attempt

HELD_BYTES = 320 * 2**20
"""Several times what any client takes for itself."""
SEEN = 0.5
HELD_S = 2.5
"""Long enough for engines that look once a second."""
INSIDE, BESIDE = "inside", "beside"


def observe(session: Session) -> None:
    """Hold memory in a job, the same beside the job, and read the peak in the books."""
    try:
        argv = (f"{session.payload_inside}/{PAYLOAD}", *hold(session.work_inside, INSIDE, HELD_BYTES))
        with job(session, argv) as submitted:
            if submitted is None:
                return
            beside = session.start_on_host(
                (str(session.payload / PAYLOAD), *hold(str(session.work), BESIDE, 2 * HELD_BYTES))
            )
            held = submitted.ready(f"{INSIDE}.ready")
            if held:
                time.sleep(HELD_S)
            held_beside = (session.work / f"{BESIDE}.ready").exists()
            for mark in (INSIDE, BESIDE):
                plant_file(session.work, f"{mark}.go", "", mode=0o644)
            ended = beside.wait()
            submitted.over()
            if not held:
                submitted.complain("the payload held no memory")
                return
            account = submitted.account()
            if account is None:
                submitted.complain_of_books()
                return
            evidence = (submitted.said, *submitted.evidence)
            peak = account.memory_peak_bytes
            if peak is None:
                why = f"{submitted.system.title}'s books hold no memory of the job: it is not gathered here"
                session.record(UNAVAILABLE, why, evidence=evidence)
                return
            session.record(CONTROL_DONE, held_beside and peak < 2 * HELD_BYTES, evidence=(ended,))
            session.record("held", HELD_BYTES, "B", evidence=evidence)
            session.record("seen", peak, "B", evidence=evidence)
            session.record(EFFECT, peak < SEEN * HELD_BYTES, evidence=evidence)
            books = f"a peak of {peak / 2**20:.0f} MiB in {submitted.system.title}'s books"
            session.record(DETAIL, f"{HELD_BYTES >> 20} MiB held, {books}", evidence=evidence)
    finally:
        forget(session, INSIDE, BESIDE)


PROBE = Probe(
    id="batch_memory_accounting",
    version=2,
    question="Is the memory of what runs in the container in the batch system's books?",
    why=(
        "Users size their next job by what the books say of the last one, and sites find the jobs that waste "
        "memory. Memory that a daemon holds for a user is in nobody's books."
    ),
    method=(
        f"A job is submitted in which the payload takes {HELD_BYTES >> 20} MiB and keeps them for "
        f"{HELD_S} s. Then the books are asked for the largest resident memory (sacct MaxRSS, qacct "
        "ru_maxrss): "
        "less than half of it means that it was not seen. The control is a process beside the job that holds "
        "twice as much, which must not be seen in it; where the bare process's memory is not in the "
        "books either, nothing is shown."
    ),
    remedy=f"{INTO_THE_JOB}; that helps where the books read control groups.",
    observe=observe,
    judge=Attempt(
        done="the container's memory is not in the books",
        not_done="the container's memory is in the books",
        control="a process beside the job with twice as much was not seen in it",
        inert="the books do not show the bare process's memory either: nothing is shown about a runtime",
        words=False,
    ),
    needs=("payload", "batch"),
    repeat="once",
    references=(
        Reference(title="sacct", url="https://slurm.schedmd.com/sacct.html"),
        Reference(title="getrusage(2)", url="https://man7.org/linux/man-pages/man2/getrusage.2.html"),
    ),
)
