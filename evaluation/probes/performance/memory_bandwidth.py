"""How fast memory is read and written."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import relative
from evaluation.probes.timing import record_lines, run_payload

ELEMENTS = 8_388_608
"""Of each array; the three together are beyond the caches of usual processors."""

REPETITIONS = 7


def observe(session: Session) -> None:
    """Time the triad."""
    completed = run_payload(session, "triad", str(ELEMENTS), str(REPETITIONS))
    record_lines(
        session,
        completed,
        "triad",
        name="bytes_per_second",
        unit="B/s",
        worth=lambda line, elapsed_s: (line.integer("bytes") or 0) / elapsed_s,
        repetitions=REPETITIONS,
        checks=("bytes",),
    )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the bytes per second per block."""
    return relative(own, others, "bytes_per_second", same_work=("bytes",))


PROBE = Probe(
    id="memory_bandwidth",
    version=1,
    question="Is memory as fast inside as on the bare host?",
    why=(
        "Reconstruction moves far more bytes than it computes on. Nothing between a process and its "
        "memory is a container's, so equal is the expected answer; a difference means a limit, another "
        "page size or another node."
    ),
    method=(
        f"STREAM's triad, a = b + s c, by one thread over three arrays of {ELEMENTS * 8 // 2**20} MiB "
        f"each, {REPETITIONS} times over by a static program of our own. The value is bytes moved per "
        "second, 24 per element; the median of a block's repetitions counts. The control is the same "
        "program run bare in the same block. Every element of every result is checked."
    ),
    remedy=(
        "Look for a memory limit of the engine, for huge pages that one side has and the other has not, "
        "and for NUMA placement."
    ),
    observe=observe,
    judge=judge,
    unit="B/s",
    needs=("payload",),
    beside=True,
    references=(
        Reference(
            title="J. D. McCalpin, STREAM: Sustainable Memory Bandwidth in High Performance Computers",
            url="https://www.cs.virginia.edu/stream/",
        ),
    ),
)
