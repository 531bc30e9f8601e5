"""P23: whether a secret in the host's session keyring can be read."""

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.attempting import lines_of
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import secret
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, Attempt
from evaluation.reasons import reason_of

NO_KEYS = 3
"""What the payload exits with when it cannot make a session keyring with a key."""


def observe(session: Session) -> None:
    """Start the client with a session keyring that holds a word, and let the payload look for it."""
    content, name = secret(), f"evaluation-{secret()}"
    program = str(session.payload / PAYLOAD)
    keyring = (program, "with-key", name, content)
    control = session.on_host((*keyring, program, "read-key", name))
    if control.evidence.exit_status == NO_KEYS:
        why = f"no key can be kept for this user here: {reason_of(control)}"
        session.record(NOT_PLANTED, why, evidence=(control,))
        return
    completed = session.launch((f"{session.payload_inside}/{PAYLOAD}", "read-key", name), before=keyring)
    lines = lines_of(session, completed, "read-key")
    if not lines:
        return
    read = _read(completed, content)
    session.record(CONTROL_DONE, _read(control, content), evidence=(control,))
    session.record(EFFECT, read, evidence=(completed,))
    session.record(DETAIL, "it read the key" if read else lines[0].reason, evidence=(completed,))


def _read(completed: Completed, content: str) -> bool:
    line = read_answer(completed).first("read-key")
    return line is not None and line.text("text") == content


PROBE = Probe(
    id="keyring_exposure",
    version=1,
    checklist_id="P23",
    question="Are the secrets in the session's keyring kept out of the container?",
    why=(
        "Kerberos and AFS keep a user's tickets and tokens in the kernel's keyring of the login session, "
        "which a batch job inherits. No namespace parts keyrings: a program that has the session's reads "
        "them without a file or a variable. A job that works on AFS wants just that; the site and the use "
        "case say which it is."
    ),
    method=(
        "The verifier starts the runtime's client in a new session keyring that holds one key with a random "
        "word, as a login does. The payload searches the keyring of its own session for that key and reads "
        "it. Only the word itself counts; the key ends by itself after a minute. The control is a bare "
        "process of the same user, started the same way, which reads it."
    ),
    remedy=(
        "A runtime that makes a keyring of its own for each container (runc's default) or that starts it "
        "from a daemon; a seccomp profile without keyctl (Docker's)."
    ),
    severity=Severity.MEDIUM,
    severity_reason="Tickets and tokens of the user, which open the user's files elsewhere.",
    observe=observe,
    judge=Attempt(
        done="a secret in the session's keyring was read",
        not_done="a secret in the session's keyring was not read",
        control="a bare process of the same user could",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="session-keyring(7)",
            url="https://man7.org/linux/man-pages/man7/session-keyring.7.html",
        ),
        Reference(
            title="keyrings(7)",
            url="https://man7.org/linux/man-pages/man7/keyrings.7.html",
        ),
        Reference(
            title="Docker: Seccomp security profiles",
            url="https://docs.docker.com/engine/security/seccomp/",
        ),
    ),
)
