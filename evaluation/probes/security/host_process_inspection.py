"""P31: whether a host process of the same user can be looked into."""

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line
from evaluation.probes.attempting import LIFETIME_S, ask, lingering, told
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import plant_file, secret
from evaluation.probes.judging import DETAIL, EFFECT, PROBLEM, Attempt

CANARY = "canary"
WORD = "word"
VARIABLE = "EVALUATION_CANARY_WORD"
READY_S = 10.0


def observe(session: Session) -> None:
    """Start a process on the host with a secret in its environment, and let the payload look into it."""
    content, name = secret(), secret()[:15]
    plant_file(session.work, WORD, content, mode=0o644)
    command = (str(session.payload / PAYLOAD), "linger", str(session.work / CANARY), str(LIFETIME_S), name)
    task = session.start_on_host(("env", f"{VARIABLE}={content}", *command))
    try:
        with lingering(session.work, CANARY, task, READY_S) as canary:
            if canary.number is None:
                session.record(PROBLEM, "the canary on the host did not work")
                return
            completed, lines = ask(session, "inspect", name, VARIABLE, str(session.work / WORD))
    finally:
        (session.work / WORD).unlink(missing_ok=True)
    if not lines:
        return

    def got_it(line: Line) -> bool:
        return line.ok and (line.text("call") == "ptrace" or line.text("text") == content)

    reached = [line for line in lines if got_it(line)]
    seen = any(line.fields.get("seen") for line in lines)
    session.record(EFFECT, bool(reached), evidence=(completed,))
    detail = told(lines, reached) if seen else "it did not see the process"
    session.record(DETAIL, detail, evidence=(completed,))


PROBE = Probe(
    id="host_process_inspection",
    version=1,
    checklist_id="P31",
    question="Are the user's other processes on the host closed to the container's eyes?",
    why=(
        "The environment of a process holds tokens, its memory holds keys, and its root directory leads to "
        "all that it may read. Where one account runs many jobs, software of one image could take the "
        "secrets of every other job."
    ),
    method=(
        "The verifier starts a process on the host as the measuring user, with a random name and a random "
        "word in its environment. The payload searches /proc for the name, reads the variable, reads a file "
        "of the host through the process's root directory, and attaches to it as a debugger does "
        "(PTRACE_SEIZE, which does not stop it). Exposed if any one succeeds, and the message names which. "
        "The control is the bare process, which can do all three unless the host restricts it."
    ),
    remedy=(
        "Give the container process ids of its own (the default of Docker and Podman, apptainer exec --pid), "
        "or let it run in a user namespace; kernel.yama.ptrace_scope=1 keeps debuggers to their children."
    ),
    severity=Severity.MEDIUM,
    severity_reason="The user's own secrets in other jobs are read; nobody else's.",
    observe=observe,
    judge=Attempt(
        done="a process of the same user on the host could be looked into",
        not_done="a process of the same user on the host could not be looked into",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="ptrace(2)",
            url="https://man7.org/linux/man-pages/man2/ptrace.2.html",
        ),
        Reference(
            title="proc_pid_environ(5)",
            url="https://man7.org/linux/man-pages/man5/proc_pid_environ.5.html",
        ),
        Reference(
            title="user_namespaces(7)",
            url="https://man7.org/linux/man-pages/man7/user_namespaces.7.html",
        ),
    ),
)
