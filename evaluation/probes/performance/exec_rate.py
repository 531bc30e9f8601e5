"""What it costs to start a program."""

from collections.abc import Mapping

from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import relative
from evaluation.probes.timing import record_lines, run_payload

CALLS = 100
REPETITIONS = 5


def observe(session: Session) -> None:
    """Time a loop of fork, exec and wait."""
    program = f"{session.payload_inside}/{PAYLOAD}"
    completed = run_payload(session, "execs", program, str(CALLS), str(REPETITIONS))
    record_lines(
        session,
        completed,
        "execs",
        name="per_start",
        unit="ns",
        worth=lambda _, elapsed_s: elapsed_s * 1e9 / CALLS,
        repetitions=REPETITIONS,
    )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the nanoseconds per start per block."""
    return relative(own, others, "per_start")


PROBE = Probe(
    id="exec_rate",
    version=1,
    question="What does it cost to start a program inside a running container?",
    why=(
        "Shell scripts, configure and make start thousands of small programs. A system call filter, a "
        "namespace and a mount stacked on others each add to every start; the runtime's own start-up is "
        "not in it."
    ),
    method=(
        "A static program forks, executes itself with a command that ends at once, and waits for the end, "
        f"{CALLS} times, {REPETITIONS} times over. The program lies on the bind, so the form of the image "
        "is not in it. The value is the time per start; the median of a block's repetitions counts. The "
        "control is the same done bare in the same block. A turn counts only if every child ended with "
        "exit status 0."
    ),
    remedy=(
        "Where a script starts programs by the thousand, let one process do the work; a shorter system "
        "call filter helps a trusted job."
    ),
    observe=observe,
    judge=judge,
    unit="ns",
    needs=("payload",),
    quick=False,
)
