"""How fast matrices are multiplied."""

from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import relative
from evaluation.probes.timing import record_lines, run_payload

SIZE = 384
REPETITIONS = 5


def observe(session: Session) -> None:
    """Time the product."""
    completed = run_payload(session, "matrix", str(SIZE), str(REPETITIONS))
    record_lines(
        session,
        completed,
        "matrix",
        name="operations_per_second",
        unit="1/s",
        worth=lambda line, elapsed_s: (line.integer("operations") or 0) / elapsed_s,
        repetitions=REPETITIONS,
        checks=("checksum",),
    )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the operations per second per block, if every checksum is the control's."""
    return relative(own, others, "operations_per_second", same_work=("checksum",))


PROBE = Probe(
    id="matrix_rate",
    version=1,
    question="Is dense floating-point work as fast inside as on the bare host?",
    why=(
        "Track fits, image filters and machine learning are matrix products. They keep the arithmetic "
        "units and the caches busy at once, and so show a loss that register arithmetic (cpu_rate) and "
        "memory streams do not."
    ),
    method=(
        f"A static program multiplies two square matrices of {SIZE} double precision numbers a side in "
        f"tiles, {REPETITIONS} times over, by one thread. It is our own plain kernel and not a BLAS, which "
        "would choose other code on other processors: its rate is no record. The value is floating-point "
        "operations per second; the median of a block's repetitions counts. The control is the same "
        "program run bare. A turn counts only if the checksum is the control's."
    ),
    remedy=(
        "As for cpu_rate: look for a CPU limit of the engine or a mitigation that the bare host does not "
        "have."
    ),
    observe=observe,
    judge=judge,
    unit="1/s",
    needs=("payload",),
    quick=False,
)
