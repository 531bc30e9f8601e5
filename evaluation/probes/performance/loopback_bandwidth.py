"""How fast two processes of one container talk over the loopback."""

from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import relative
from evaluation.probes.timing import record_lines, run_payload

BYTES = 256 * 2**20


def observe(session: Session) -> None:
    """Send to oneself."""
    completed = run_payload(session, "loopback", str(BYTES))
    record_lines(
        session,
        completed,
        "loopback",
        name="bytes_per_second",
        unit="B/s",
        worth=lambda line, elapsed_s: (line.integer("bytes") or 0) / elapsed_s,
        checks=("bytes",),
    )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the bytes per second per block, if all arrived."""
    return relative(own, others, "bytes_per_second", same_work=("bytes",))


PROBE = Probe(
    id="loopback_bandwidth",
    version=1,
    question="How fast do two processes in one container talk over 127.0.0.1?",
    why=(
        "Local databases, notebooks and work queues talk over the loopback. A network namespace of its "
        "own changes which interface that is, not how fast; it is recorded for information and weighs "
        "nothing."
    ),
    method=(
        f"A static program starts a child that sends {BYTES // 2**20} MiB over TCP to 127.0.0.1 within the "
        "same container; the parent receives. The value is bytes per second, warm-up included. The "
        "control is the same done bare. A turn counts only if every byte arrived and the child ended "
        "well."
    ),
    remedy=(
        "Use a Unix socket or shared memory where two processes exchange much; share the host's network "
        "where the namespace is slow."
    ),
    observe=observe,
    judge=judge,
    unit="B/s",
    needs=("payload",),
    quick=False,
)
