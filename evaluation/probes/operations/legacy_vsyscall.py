"""Whether programs of RHEL 5 and 6 find the system calls at their old fixed address."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import DETAIL, PROBLEM, functional
from evaluation.probes.timing import run_payload

PERMISSIONS = {"r-xp": "EMULATE", "--xp": "XONLY"}


def observe(session: Session) -> None:
    """Look for the page, call it, read it."""
    completed = run_payload(session, "vsyscall-page", "--", "vsyscall-call", "--", "vsyscall-read")
    answer = read_answer(completed)
    page, called, read = (answer.first(f"vsyscall-{what}") for what in ("page", "call", "read"))
    if page is None or called is None or read is None:
        session.record(PROBLEM, answer.problem or "the page was not looked for", evidence=(completed,))
        return
    permissions = page.text("permissions")
    mode = PERMISSIONS.get(permissions, permissions) if permissions else "NONE"
    session.record("calls", called.ok, evidence=(completed,))
    session.record("reads", read.ok, evidence=(completed,))
    session.record("mode", mode, evidence=(completed,))
    reading = "reads work too" if read.ok else f"reads fail: {read.reason}"
    session.record(DETAIL, f"{mode}; {reading}", evidence=(completed,))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where calls work; a host that cannot either shows nothing about the runtime."""
    return functional(
        own,
        others,
        "calls",
        works="calls through the vsyscall page work",
        fails="calls through the vsyscall page crash",
        host="the host's kernel does not serve it, so this is no runtime's fault",
    )


PROBE = Probe(
    id="legacy_vsyscall",
    version=1,
    question="Can programs of RHEL 5 and 6 call the kernel through the old vsyscall page?",
    why=(
        "The C library of RHEL 5 and the static programs of RHEL 6 ask for the time at a fixed address. "
        "Where the kernel serves nothing there they crash, in every container alike: no runtime can mend "
        "what is the host kernel's."
    ),
    method=(
        "A static program reads the vsyscall page's permissions from its own memory map, calls time() at "
        "its fixed address, and reads the page, each in a child that may crash. EMULATE shows r-xp and "
        "allows both; XONLY shows --xp and allows calls, but not reads; NONE has no page. It holds where "
        "calls work. The control is the bare host: where it cannot do it either, this is the kernel's "
        "doing and says nothing about the runtime."
    ),
    remedy=(
        "Boot the kernel with vsyscall=xonly or vsyscall=emulate, or run such programs in a virtual "
        "machine with a kernel of their own."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="Linux kernel documentation: kernel parameters, vsyscall=",
            url="https://docs.kernel.org/admin-guide/kernel-parameters.html",
        ),
    ),
)
