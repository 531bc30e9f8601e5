"""P39: whether binding the host's root directory gives root's files away."""

from pathlib import Path

from evaluation.model import Bind, Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Answer, Line, read_answer
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT, plant_file, root_directory, secret
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt
from evaluation.reasons import reason_of

MOUNT_POINT = "/host"
PUBLIC, PRIVATE, SECRET, WRITTEN = "public", "root-only", "secret", "written"


def observe(session: Session) -> None:
    """Plant a root-only directory, bind "/", and let the payload read and write there."""
    if not session.privileged:
        session.record(NOT_PLANTED, NEEDS_ROOT)
        return
    with root_directory() as directory:
        if directory is None:
            session.record(NOT_PLANTED, "this host has no temporary directory")
            return
        content = secret()
        private = _plant(directory, content)
        prefix = "" if session.is_control else MOUNT_POINT
        program, base = f"{session.payload_inside}/{PAYLOAD}", f"{prefix}{directory}"
        attempt = (
            *(program, "read", f"{base}/{PUBLIC}"),
            *("--", "read", f"{base}/{PRIVATE}/{SECRET}"),
            *("--", "write", f"{base}/{PRIVATE}/{WRITTEN}", content),
        )
        binds = () if session.is_control else (Bind(source="/", target=MOUNT_POINT),)
        completed = session.launch(attempt, binds=binds)
        answer = read_answer(completed)
        reads = answer.all("read")
        if len(reads) != 2 or answer.first("write") is None:
            _record_refusal(session, completed, answer, directory)
            return
        # What counts is what root finds afterwards, not what the payload was told.
        written = (private / WRITTEN).exists()
        _record(session, completed, reads, content, written=written)
        session.record(CONTROL_DONE, (private / SECRET).read_text(encoding="utf-8") == content)


def _plant(directory: Path, content: str) -> Path:
    plant_file(directory, PUBLIC, content[::-1], mode=0o644)
    private = directory / PRIVATE
    private.mkdir(mode=0o700)
    plant_file(private, SECRET, content, mode=0o600)
    return private


def _record(
    session: Session, completed: Completed, reads: tuple[Line, ...], content: str, *, written: bool
) -> None:
    visible = reads[0].text("text") == content[::-1]
    read = reads[1].text("text") == content
    if not (visible or read or written):
        session.record(PROBLEM, f"the bind did not show the host: {reads[0].reason}", evidence=(completed,))
        return
    session.record("read", read, evidence=(completed,))
    session.record("written", written, evidence=(completed,))
    session.record(EFFECT, read or written, evidence=(completed,))
    done = [word for word, happened in (("read", read), ("wrote", written)) if happened]
    detail = f"it {' and '.join(done)}" if done else reads[1].reason
    session.record(DETAIL, detail, evidence=(completed,))


def _record_refusal(session: Session, completed: Completed, answer: Answer, directory: Path) -> None:
    """Tell a runtime that refuses this bind from one that does not run at all."""
    harmless = () if session.is_control else (Bind(source=str(directory), target=MOUNT_POINT),)
    again = session.launch((f"{session.payload_inside}/{PAYLOAD}", "identity"), binds=harmless)
    evidence = (completed, again)
    if read_answer(again).problem or session.is_control:
        session.record(PROBLEM, answer.problem or "the payload reported too little", evidence=evidence)
        return
    session.record(EFFECT, value=False, evidence=evidence)
    session.record(
        DETAIL,
        f"the runtime started with another bind, but not with this one: {reason_of(completed)}",
        evidence=evidence,
    )
    session.record(CONTROL_DONE, value=True)


PROBE = Probe(
    id="host_filesystem_bind",
    version=1,
    checklist_id="P39",
    severity=Severity.HIGH,
    severity_reason=(
        "Root's files hold the keys of the host, and whoever writes to root's directories is root."
    ),
    question="Are root's files safe from a user who binds the host's root directory into a container?",
    why=(
        "If any user may bind / and is root inside, every password hash, host key and other user's file on "
        "the node is one command away, and so is changing them. This is why a root-run engine is not "
        "handed to users of a shared machine."
    ),
    method=(
        "As root, the verifier plants a directory that only root may enter, with a file of a random word "
        "in it. The runtime is asked to bind / at /host, writable; the payload tries to read the file and "
        "to write another one beside it. Only the word itself, or a file that root then finds, counts. A "
        "runtime that starts with a harmless bind at the same place and not with this one has refused it. "
        "The control is root's own reading; the bare process shows that an ordinary user cannot."
    ),
    remedy=(
        "Do not give users an engine that runs as root; where it must be, restrict binds by an "
        "authorisation plug-in, or remap user ids."
    ),
    observe=observe,
    judge=Attempt(
        done="a root-only place of the host was opened to the user",
        not_done="a root-only place of the host stayed closed to the user",
        control="root itself could",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="moby issue 1655: access to docker run is root access on the host",
            url="https://github.com/moby/moby/issues/1655",
        ),
        Reference(title="Docker Engine security", url="https://docs.docker.com/engine/security/"),
        Reference(
            title="MITRE ATT&CK T1611, Escape to Host", url="https://attack.mitre.org/techniques/T1611/"
        ),
    ),
)
