"""What it costs to open a file of the image, held to one core."""

import os
from collections.abc import Mapping

from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import UNAVAILABLE, relative
from evaluation.probes.timing import LIBRARY, record_cost, run_in_image

CALLS = 5_000
REPETITIONS = 5


def observe(session: Session) -> None:
    """Time a loop of opens on one core."""
    core = str(max(os.sched_getaffinity(0)))
    words = ("opens", LIBRARY, str(CALLS), str(REPETITIONS))
    completed = run_in_image(session, *words, cpus=core)
    lines = read_answer(completed).all("opens")
    if any(line.integer("cpus") != 1 for line in lines):
        session.record(UNAVAILABLE, f"the payload was not held to core {core}", evidence=(completed,))
        return
    record_cost(session, completed, "opens", name="per_open", calls=CALLS, repetitions=REPETITIONS)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the nanoseconds per open per block, if as many files were opened."""
    return relative(own, others, "per_open", same_work=("files",))


PROBE = Probe(
    id="open_rate_pinned",
    version=1,
    question="What does it cost to open and close a file of the image when the job is held to one core?",
    why=(
        "A file system in user space answers from another process. Where the scheduler puts that process "
        "decides the cost, which then has two values; held to one core it has one, and runs can be "
        "compared. The unpinned figure (open_rate) is what users get."
    ),
    method=(
        "As open_rate, but the client and all its children are held to one core (taskset; for Docker, "
        "whose daemon starts the payload, --cpuset-cpus). A static program opens and closes every "
        f"regular file in /{LIBRARY} of the image in turn, {CALLS:,} times, {REPETITIONS} times over. The "
        "value is the time per pair; the median of a block's repetitions counts. A turn counts only if "
        "the payload itself sees one allowed core. The control does the same in the unpacked tree, "
        "bare, by paths of the same length. A turn counts only without an error and with the control's "
        "number of files."
    ),
    remedy=(
        "Use a directory on local disk or a kernel mount of the image file in place of squashfuse, or "
        "collect what is opened into fewer files."
    ),
    observe=observe,
    judge=judge,
    unit="ns",
    needs=("image", "payload"),
    quick=False,
)
