"""How fast plain arithmetic runs."""

from collections.abc import Mapping

from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, relative

ROUNDS = 20_000_000
"""Per repetition: some 50 ms on a current core."""

REPETITIONS = 5


def observe(session: Session) -> None:
    """Time a fixed amount of arithmetic in registers."""
    argv = (f"{session.payload_inside}/{PAYLOAD}", "cpu", str(ROUNDS), str(REPETITIONS))
    completed = session.launch(argv)
    answer = read_answer(completed)
    lines = answer.all("cpu")
    if len(lines) != REPETITIONS:
        session.record(
            PROBLEM,
            answer.problem or f"{len(lines)} of {REPETITIONS} repetitions reported",
            evidence=(completed,),
        )
    for repetition, line in enumerate(lines):
        if elapsed_ns := line.integer("elapsed_ns"):
            session.record(
                "rounds_per_second",
                ROUNDS / elapsed_ns * 1e9,
                "1/s",
                evidence=(completed,),
                repetition=repetition,
            )
        session.record("checksum", line.text("checksum"), evidence=(completed,), repetition=repetition)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the rounds per second per block, if every checksum is the control's."""
    return relative(own, others, "rounds_per_second", same_work=("checksum",))


PROBE = Probe(
    id="cpu_rate",
    version=1,
    question="Does plain computing run as fast inside as on the bare host?",
    why=(
        "This is what most of a reconstruction or simulation job does, and the first fear about "
        "containers. Equal is the expected answer, and it is worth proving: some kernels slow down all "
        "code of a process that has a seccomp filter, by turning on a mitigation of Spectre v4 for it."
    ),
    method=(
        f"A static program does {ROUNDS:,} rounds of an integer generator (xorshift) that feeds a "
        f"floating-point map, in registers, without memory traffic or system calls, {REPETITIONS} times "
        "over. The value is rounds per second; the median of a block's repetitions counts. The control is "
        "the same program run bare in the same block. A turn counts only if the checksum is the control's: "
        "the same work was done."
    ),
    remedy=(
        "Look for a CPU limit of the engine or a mitigation (Speculation_Store_Bypass in /proc/PID/status) "
        "that the bare host does not have."
    ),
    observe=observe,
    judge=judge,
    unit="1/s",
    needs=("payload",),
    beside=True,
)
