"""How long Python imports take when every core of the node starts the same program at once."""

import os
from collections.abc import Mapping

from evaluation.errors import EvaluationError
from evaluation.payload.build import IMPORT_STORM
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, relative

INTERPRETER = "python3"
WAIT_S = 120.0


def observe(session: Session) -> None:
    """Start one import program per core at once, each in a container of its own."""
    count = len(os.sched_getaffinity(0))
    argv = (INTERPRETER, "-B", f"{session.payload_inside}/{IMPORT_STORM}")
    try:
        running = [session.start(argv) for _ in range(count)]
    except EvaluationError as error:
        session.record(PROBLEM, str(error))
        return
    completed = [task.wait(WAIT_S) for task in running]
    slowest = 0
    for end in completed:
        answer = read_answer(end)
        line = answer.first("imports")
        elapsed_ns = line.integer("elapsed_ns") if line else None
        if line is None or not elapsed_ns or line.fields.get("failed"):
            failed = f"not imported: {line.fields.get('failed')}" if line else "no imports reported"
            session.record(PROBLEM, answer.problem or failed, evidence=(end,))
            return
        slowest = max(slowest, elapsed_ns)
        session.record("modules", line.integer("modules"), "1", evidence=(end,))
    session.record("at_once", count, "1", evidence=completed)
    session.record("imports", slowest / 1e9, "s", evidence=completed)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the seconds of the slowest per block, if all loaded the control's modules."""
    return relative(own, others, "imports", same_work=("modules", "at_once"))


PROBE = Probe(
    id="import_storm_parallel",
    version=1,
    question="How long do Python imports take when every core starts the same program at once?",
    why=(
        "A farm fills a node with jobs of one kind at the same moment, and all of them load the same "
        "software. Where a process in user space serves the image, or a daemon starts the containers, the "
        "jobs may wait for each other."
    ),
    method=(
        "As many containers as there are cores are started together, each running the import program of "
        "import_storm. The value is the time of the imports in the slowest of them, taken inside, so the "
        "start of the containers is not in it. The control is the same number of bare interpreters of the "
        "unpacked tree. A turn counts only if every one of them loaded the control's modules. Real storms "
        "are larger; the scaling chapter says what a site can try."
    ),
    remedy=(
        "Use a form whose files the kernel serves, so that all jobs of a node share one page cache, and "
        "spread the starts of many jobs over some seconds."
    ),
    observe=observe,
    judge=judge,
    unit="s",
    needs=("payload",),
    quick=False,
)
