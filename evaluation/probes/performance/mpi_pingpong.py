"""How fast two MPI ranks in one container exchange messages."""

from collections.abc import Mapping

from evaluation.payload.build import MPI_PINGPONG
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, UNAVAILABLE, relative
from evaluation.probes.timing import record_lines
from evaluation.reasons import NOTHING, reason_in

BYTES = 2**20
ROUNDS = 500


def observe(session: Session) -> None:
    """Build the two ranks inside with the image's MPI, run them, and read what MPI said about it."""
    script = f"{session.payload_inside}/{MPI_PINGPONG}"
    argv = ("python3", "-B", script, session.work_inside, str(BYTES), str(ROUNDS))
    completed = session.launch(argv, timeout_s=120.0)
    line = read_answer(completed).first("mpi")
    if line is not None and (absent := line.text("absent")):
        where = "the host" if session.is_control else "the image"
        session.record(UNAVAILABLE, f"{where} has no {absent}", evidence=(completed,))
        return
    if line is not None and (line.integer("exit_status") != 0 or line.text("said")):
        said = reason_in(line.text("said") or "") or NOTHING
        session.record(
            PROBLEM,
            f"MPI did not run as it should (exit status {line.integer('exit_status')}): {said}",
            evidence=(completed,),
        )
        return
    record_lines(
        session,
        completed,
        "pingpong",
        name="bytes_per_second",
        unit="B/s",
        worth=lambda line, elapsed_s: (line.integer("bytes") or 0) / elapsed_s,
        checks=("bytes",),
    )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the bytes per second per block, where every byte arrived and MPI had nothing to say."""
    alike = {arm: items for arm, items in others.items() if items.last("bytes_per_second") is not None}
    return relative(own, alike, "bytes_per_second", same_work=("bytes",))


PROBE = Probe(
    id="mpi_pingpong",
    version=1,
    question="How fast do two MPI ranks in one container exchange messages?",
    why=(
        "Parallel jobs on one node exchange data through shared memory, and the fast way (one copy, by "
        "process_vm_readv) is one that a system call filter may forbid. MPI then takes another path, says so "
        "on standard error, and goes on."
    ),
    method=(
        f"mpicc of the image builds a program of two ranks on the bind, and mpirun runs it: {ROUNDS} "
        f"messages of {BYTES // 2**20} MiB to and fro. The value is bytes per second. A turn counts only if "
        "every byte arrived as it was sent and MPI printed nothing on standard error: a run that fell back "
        "to another path is an error, never a fast result. Without mpicc and mpirun it is unavailable. The "
        "control is the host's own MPI, where it has one."
    ),
    remedy=(
        "Allow process_vm_readv in the seccomp profile (docker run --cap-add SYS_PTRACE, or a newer "
        "engine), and keep the ranks of a node in one container."
    ),
    observe=observe,
    judge=judge,
    unit="B/s",
    image="med",
    quick=False,
)
