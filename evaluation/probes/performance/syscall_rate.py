"""What one system call costs."""

from collections.abc import Mapping

from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, relative

CALLS = 200_000
"""Per repetition: some 30 ms bare, so that the clock's 20 ns and one scheduling tick do not matter."""

REPETITIONS = 5


def observe(session: Session) -> None:
    """Time a tight loop of the cheapest call."""
    argv = (f"{session.payload_inside}/{PAYLOAD}", "syscalls", str(CALLS), str(REPETITIONS))
    completed = session.launch(argv)
    answer = read_answer(completed)
    times = [line.integer("elapsed_ns") for line in answer.all("syscalls")]
    if len(times) != REPETITIONS:
        session.record(
            PROBLEM,
            answer.problem or f"{len(times)} of {REPETITIONS} repetitions reported",
            evidence=(completed,),
        )
    for repetition, elapsed_ns in enumerate(times):
        if elapsed_ns:
            session.record("per_call", elapsed_ns / CALLS, "ns", evidence=(completed,), repetition=repetition)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the nanoseconds per call per block."""
    return relative(own, others, "per_call")


PROBE = Probe(
    id="syscall_rate",
    version=1,
    question="What does a system call cost inside, compared with the bare host?",
    why=(
        "A system-call filter (seccomp) is run at every call, and a sandboxing kernel answers calls "
        "itself. Work that computes does not notice; work that makes many small reads, writes or look-ups "
        "does."
    ),
    method=(
        f"A static program calls getppid, the cheapest call that enters the kernel, {CALLS:,} times in a "
        f"loop, {REPETITIONS} times over. The value is the time per call; the median of a block's "
        "repetitions counts. The control is the same program run bare in the same block."
    ),
    remedy=(
        "Where the job itself is trusted, a site may run it under a shorter filter, or none (docker run "
        "--security-opt seccomp=...); look at the filter before looking at the kernel."
    ),
    observe=observe,
    judge=judge,
    unit="ns",
    needs=("payload",),
)
