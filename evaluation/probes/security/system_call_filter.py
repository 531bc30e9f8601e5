"""P04: whether a filter stands between the program inside and the kernel's system calls."""

from evaluation.model import Reference, Severity
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import DETAIL, EFFECT, PROBLEM, Attempt
from evaluation.probes.reception import attend

DISABLED, STRICT, FILTER = 0, 1, 2
"""What ``Seccomp:`` in /proc/PID/status says, proc_pid_status(5)."""


def observe(session: Session) -> None:
    """Let the payload show itself, and read its seccomp mode from the host."""
    seen = attend(session, "visit", session.work_inside)
    visit, evidence = seen.first("v"), (seen.completed,)
    mode = visit.number("Seccomp") if visit else None
    if visit is None or seen.answer.problem:
        session.record(PROBLEM, seen.missing, evidence=evidence)
        return
    if mode not in {DISABLED, STRICT, FILTER}:
        session.record(PROBLEM, "this kernel does not tell of system call filters", evidence=evidence)
        return
    count = visit.number("Seccomp_filters")
    filters = f", {count} filter{'' if count == 1 else 's'}" if count is not None else ""
    session.record(EFFECT, mode == DISABLED, evidence=evidence)
    session.record(DETAIL, f"seccomp mode {mode}{filters}", evidence=evidence)


PROBE = Probe(
    id="system_call_filter",
    version=1,
    checklist_id="P04",
    question="Does a filter keep rarely used system calls out of the program's reach?",
    why=(
        "All containers of a node share one kernel, and most ways out of a container went through a system "
        "call that no physics program makes. A filter takes these away from every program of every image. It "
        "can also be in the way: of debuggers, of user namespaces, of old kernels with new images."
    ),
    method=(
        "The payload calls the verifier's socket and waits; the verifier reads the seccomp mode of its "
        "process from the host's /proc. It sees that there is a filter, not what the filter lets through: "
        "the attempts on single system calls (P20, P21, P22) see that. The control is the bare process, "
        "which has none on an ordinary host."
    ),
    remedy=(
        "Keep the default profile of Docker and Podman (no --security-opt seccomp=unconfined); apptainer "
        "exec --security seccomp:PROFILE; a batch system can set a filter for the whole job."
    ),
    observe=observe,
    judge=Attempt(
        done="no filter stands between the program and the kernel's system calls",
        not_done="the program's system calls are filtered",
    ),
    severity=Severity.LOW,
    severity_reason=(
        "More of the kernel is in reach, as it is for every plain job; a hole in it must be found too."
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="seccomp(2)", url="https://man7.org/linux/man-pages/man2/seccomp.2.html"),
        Reference(
            title="CIS Docker Benchmark 1.6.0, 5.22: the default seccomp profile is not disabled",
            url=(
                "https://tenable.com/audits/items/CIS_Docker_v1.6.0_L1_Docker_Linux.audit:bbc0b8bebf2e58df2d94fb24f9b7b281"
            ),
        ),
    ),
)
