"""Whether a program may trace another one of its own: what every debugger and tracer stands on."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import DETAIL, PROBLEM, functional
from evaluation.probes.timing import run_payload


def observe(session: Session) -> None:
    """Trace a child."""
    completed = run_payload(session, "trace")
    answer = read_answer(completed)
    line = answer.first("trace")
    if line is None:
        session.record(PROBLEM, answer.problem or "nothing was traced", evidence=(completed,))
        return
    session.record("traces", line.ok, evidence=(completed,))
    if not line.ok:
        session.record(DETAIL, line.reason, evidence=(completed,))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where the child was stopped and read."""
    return functional(
        own,
        others,
        "traces",
        works="a program can attach to its child, stop it and read its memory",
        fails="ptrace is refused",
        host="the host's kernel refuses it to a bare process too",
    )


PROBE = Probe(
    id="process_tracing",
    version=1,
    question="May a program inside trace another one of its own with ptrace?",
    why=(
        "gdb, strace, sanitizers and crash reporters stand on one system call. Where it is filtered none of "
        "them works, whatever the image has."
    ),
    method=(
        "A static program starts a child, attaches to it, waits until it has stopped, reads a word of its "
        "memory and lets it go. It needs nothing from the image. The control is the same done bare: where "
        "the kernel refuses that too (Yama), nothing is shown about the runtime."
    ),
    remedy=(
        "docker run --cap-add SYS_PTRACE or a seccomp profile that permits ptrace; engines on Linux 4.8 and "
        "newer permit it by default."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="ptrace(2)", url="https://man7.org/linux/man-pages/man2/ptrace.2.html"),
        Reference(
            title="Docker documentation: seccomp security profiles",
            url="https://docs.docker.com/engine/security/seccomp/",
        ),
    ),
)
