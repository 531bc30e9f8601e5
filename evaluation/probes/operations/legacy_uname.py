"""Whether old programs can be shown a kernel release that begins 2.6."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import DETAIL, PROBLEM, functional
from evaluation.probes.timing import run_payload


def observe(session: Session) -> None:
    """Ask for the personality, then for the release."""
    completed = run_payload(session, "uname26")
    answer = read_answer(completed)
    line = answer.first("uname26")
    if line is None:
        session.record(PROBLEM, answer.problem or "no release was told", evidence=(completed,))
        return
    after = line.text("after") or ""
    session.record("release_26", line.ok and after.startswith("2.6."), evidence=(completed,))
    session.record(DETAIL, after if line.ok else line.reason, evidence=(completed,))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where the release begins 2.6."""
    return functional(
        own,
        others,
        "release_26",
        works="the kernel's release can be made to begin with 2.6",
        fails="the kernel's release stays as it is",
        host="the bare host refuses it too",
    )


PROBE = Probe(
    id="legacy_uname",
    version=1,
    question="Can a program be shown a kernel release that begins with 2.6?",
    why=(
        "Build systems and scripts of the years of RHEL 5 and 6 compare the kernel's release with 2.6 and "
        "stop at anything newer. Linux has a personality for them, which a system call filter may forbid."
    ),
    method=(
        "A static program asks for the personality UNAME26 and then for the kernel's release (uname), as "
        "setarch --uname-2.6 does. It holds where the release begins 2.6. The control is the same done "
        "bare: where the kernel refuses that too, nothing is shown about the runtime."
    ),
    remedy=(
        "Start such programs by setarch --uname-2.6, outside of the container if the filter forbids it "
        "inside; children inherit it from a client, not from a daemon."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="personality(2)", url="https://man7.org/linux/man-pages/man2/personality.2.html"),
    ),
)
