"""Whether 32-bit programs run."""

from collections.abc import Mapping

from evaluation.payload.build import LEGACY_32BIT
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import DETAIL, PROBLEM, UNAVAILABLE, functional
from evaluation.probes.timing import run_payload
from evaluation.reasons import last_words


def observe(session: Session) -> None:
    """Run the 32-bit program."""
    if not (session.payload / LEGACY_32BIT).exists():
        ended = run_payload(session, "identity")
        if problem := read_answer(ended).problem:
            session.record(PROBLEM, problem, evidence=(ended,))
        else:
            session.record(
                UNAVAILABLE, "the compiler of this host makes no 32-bit programs", evidence=(ended,)
            )
        return
    completed = session.launch((f"{session.payload_inside}/{LEGACY_32BIT}",))
    line = read_answer(completed).first("legacy-32bit")
    if line is None and completed.failure:
        session.record(PROBLEM, completed.failure, evidence=(completed,))
        return
    if line is None:
        # Our own program runs where this one does not: only then is it the 32 bits that fail.
        ended = run_payload(session, "identity")
        if problem := read_answer(ended).problem:
            session.record(PROBLEM, problem, evidence=(completed, ended))
            return
        session.record(DETAIL, last_words(completed), evidence=(completed,))
    session.record("runs", line is not None and line.ok, evidence=(completed,))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where it ran."""
    return functional(
        own,
        others,
        "runs",
        works="a 32-bit program runs",
        fails="a 32-bit program does not run",
        host="it does not run bare either: the host's kernel runs none",
    )


PROBE = Probe(
    id="legacy_32bit",
    version=1,
    question="Can 32-bit x86 programs run inside?",
    why=(
        "Packages of RHEL 5 times were built for 32 bits and have no maintainer who would port them. "
        "Their system calls have another table, which a system call filter may forbid as a whole."
    ),
    method=(
        "A 32-bit program without any library, of our own, writes a line by the 32-bit system call gate "
        "and ends. It holds where the line arrives. Where the compiler of this host cannot make such a "
        "program it is unavailable. The control is the same program run bare: where the kernel cannot run "
        "it, nothing is shown about the runtime. A real userland of RHEL 5 or 6 is not tried."
    ),
    remedy=(
        "Use a kernel with CONFIG_IA32_EMULATION, boot without ia32_emulation=0, and allow the x86 "
        "architecture in the system call filter."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
)
