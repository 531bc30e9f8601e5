"""How much memory a container takes at its peak."""

import os
import secrets
from collections.abc import Mapping

from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.canaries import wait_for
from evaluation.probes.controlgroups import memory_peak_bytes
from evaluation.probes.holding import forget, let_go
from evaluation.probes.hostprocesses import found_by, hidden
from evaluation.probes.judging import PROBLEM, UNAVAILABLE, relative

BYTES = 64 * 2**20
"""What the payload holds: far above the launcher's own memory, which is the floor of rusage's figure."""

READY_S = 30.0
LIFETIME_S = 60


def observe(session: Session) -> None:
    """Hold memory inside, and read the peak of the container's control group meanwhile."""
    name = f"hold-{secrets.token_hex(8)}"
    inside = f"{session.work_inside}/{name}"
    program = f"{session.payload_inside}/{PAYLOAD}"
    running = session.start((program, "hold", str(BYTES), inside, str(LIFETIME_S)))
    ready = wait_for(session.work / f"{name}.ready", READY_S)
    payload = found_by(program, inside) if ready else None
    peak = memory_peak_bytes(payload.pid, unlike=os.getpid()) if payload and not session.is_control else None
    let_go(session, name)
    completed = running.wait()
    forget(session, name)
    answer = read_answer(completed)
    line = answer.first("hold")
    if line is None or not line.ok:
        session.record(PROBLEM, answer.problem or "no memory was held", evidence=(completed,))
    elif peak is not None and peak >= BYTES:
        session.record("source", "control group", evidence=(completed,))
        session.record("peak", peak, "bytes", evidence=(completed,))
    elif completed.evidence.max_rss_bytes is not None:
        session.record("source", "rusage", evidence=(completed,))
        session.record("peak", completed.evidence.max_rss_bytes, "bytes", evidence=(completed,))
    else:
        unseen = "" if payload else hidden()
        session.record(
            UNAVAILABLE,
            "not measurable: an engine runs the container outside of the client's accounting, and "
            + (unseen or "it has no control group of its own with a memory figure"),
            evidence=(completed,),
        )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the bytes per block, and say where they come from."""
    judgement = relative(own, others, "peak")
    if judgement.samples is None:
        return judgement
    told = {
        "control group": "of the whole container, page cache included, from its control group",
        "rusage": "of its largest process, from the kernel's accounting (rusage)",
    }
    sources = {str(value) for value in own.values("source")}
    if len(sources) != 1:
        return relative(own, others, "no single source of the figure")
    words = f"{judgement.message}: peak {told[sources.pop()]}"
    return Judgement(outcome=judgement.outcome, message=words, samples=judgement.samples)


PROBE = Probe(
    id="container_memory",
    version=1,
    question="How much memory does a container take whose program holds 64 MiB?",
    why=(
        "Batch systems end jobs that take more memory than they asked for. What a runtime adds to every job "
        "(helpers, a file system in user space, page cache that counts) has to be asked for too."
    ),
    method=(
        f"The payload touches {BYTES // 2**20} MiB and waits. Where the container has a control group of its "
        "own, the value is that group's peak, the whole container with page cache; otherwise the peak of "
        "the largest process below the client (rusage), whose floor, the launcher's own few MB, is far "
        "below. Where neither exists it is not measurable, and the client's figure is never taken for it. "
        "The two are not quite alike, so this is information and has no weight. The control is the same "
        "program run bare."
    ),
    remedy=(
        "Ask the batch system for the container's overhead on top of the program's memory, and let it "
        "account by control groups."
    ),
    observe=observe,
    judge=judge,
    unit="bytes",
    needs=("payload",),
    quick=False,
    beside=True,
)
