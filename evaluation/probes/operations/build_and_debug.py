"""A developer's round: source on a bind is compiled inside, and the program is debugged inside."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.developing import go_round
from evaluation.probes.judging import DETAIL, PROBLEM, functional
from evaluation.probes.timing import lacks


def observe(session: Session) -> None:
    """Compile on the bind, run, then stop the program at a line of its source."""
    if lacks(session, "gcc", "gdb", of_image=False):
        return
    seen = go_round(session)
    if seen.problem:
        session.record(PROBLEM, seen.problem, evidence=seen.evidence)
        return
    session.record("rounds", not seen.missing, evidence=seen.evidence)
    detail = "; ".join(seen.missing) or "compiled, run, stopped at a line, read"
    session.record(DETAIL, detail, evidence=seen.evidence)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where the whole round came out."""
    return functional(
        own,
        others,
        "rounds",
        works="source on a bind can be compiled and debugged inside",
        fails="source on a bind cannot be compiled and debugged inside",
        host="nor can it bare",
    )


PROBE = Probe(
    id="build_and_debug",
    version=1,
    question="Can source code on a bind be compiled inside and its program be debugged inside, by line?",
    why=(
        "This is a developer's day: the editor runs on the host, the compiler and the libraries are the "
        "image's. The debugger must find the source under the path that the compiler saw, and be allowed "
        "to trace."
    ),
    method=(
        "The verifier puts a small C program on the writable bind. The image's gcc compiles it with "
        "debugging information, it is run, and the image's gdb stops it at a line, prints a variable and "
        "shows who called. It holds where all of this is seen. The control is the host's own gcc and gdb; "
        "without them in the image it is unavailable."
    ),
    remedy=(
        "Bind the source at the same path at which it was compiled, allow ptrace (docker run --cap-add "
        "SYS_PTRACE where it is filtered), and have gdb in the image."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    image="med",
    repeat="once",
    quick=False,  # seconds of compiling in every mode
    references=(Reference(title="gdb(1)", url="https://man7.org/linux/man-pages/man1/gdb.1.html"),),
)
