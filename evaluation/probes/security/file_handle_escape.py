"""P24: whether a file outside of every bind can be opened by its handle."""

from pathlib import Path

from evaluation.model import Bind, Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.attempting import ask
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT, plant_file, root_directory, secret
from evaluation.probes.judging import ABSENT, CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

MOUNT_POINT = "/host"
PUBLIC, PRIVATE, SECRET = "public", "root-only", "secret"
UNKNOWN = frozenset({38, 95})
"""ENOSYS and EOPNOTSUPP: neither every kernel nor every file system has handles."""


def observe(session: Session) -> None:
    """Plant a root-only file beside a bound directory, and let the payload open it by its handle."""
    if not session.privileged:
        session.record(NOT_PLANTED, NEEDS_ROOT)
        return
    with root_directory() as directory:
        if directory is None:
            session.record(NOT_PLANTED, "this host has no temporary directory")
            return
        content = secret()
        for name, mode in ((PUBLIC, 0o755), (PRIVATE, 0o700)):
            (directory / name).mkdir(mode=mode)
        plant_file(directory / PRIVATE, SECRET, content, mode=0o600)
        _attempt(session, directory, content)


def _attempt(session: Session, directory: Path, content: str) -> None:
    program = str(session.payload / PAYLOAD)
    named = session.by_verifier((program, "file-handle", str(directory / PRIVATE / SECRET)))
    line = read_answer(named).first("file-handle")
    handle = line.text("text") if line and line.ok else None
    anchor = str(directory / PUBLIC) if session.is_control else MOUNT_POINT
    binds = () if session.is_control else (Bind(source=str(directory / PUBLIC), target=MOUNT_POINT),)
    completed, lines = ask(session, "open-handle", anchor, handle or "0:", binds=binds)
    if not lines:
        return
    evidence = (completed, named)
    if handle is None:
        missing = line is not None and line.integer("errno") in UNKNOWN
        session.record(
            ABSENT if missing else PROBLEM,
            "the host's temporary directory has no file handles" if missing else "the file has no handle",
            evidence=evidence,
        )
        return
    if lines[0].text("call") != "open_by_handle_at":
        session.record(PROBLEM, f"the bind could not be opened: {lines[0].reason}", evidence=evidence)
        return
    controlled = session.by_verifier((program, "open-handle", str(directory / PUBLIC), handle))
    session.record(CONTROL_DONE, _read(controlled, content), evidence=(controlled,))
    session.record(EFFECT, _read(completed, content), evidence=evidence)
    detail = "it read the file" if _read(completed, content) else lines[0].reason
    session.record(DETAIL, detail, evidence=evidence)


def _read(completed: Completed, content: str) -> bool:
    line = read_answer(completed).first("open-handle")
    return line is not None and line.text("text") == content


PROBE = Probe(
    id="file_handle_escape",
    version=1,
    checklist_id="P24",
    question="Is a container kept from opening files of the host that it was not shown?",
    why=(
        "A file can be opened by a number in place of a path. A container that may do so reads every file on "
        "a disk of which it was shown one directory: password hashes, host keys, other users' data. This was "
        "Docker's first public escape."
    ),
    method=(
        "As root, the verifier plants a root-only file with a random word, binds the directory beside it, "
        "and tells the payload the file's handle. The payload opens it by open_by_handle_at(2) through the "
        "bind. Only the word itself counts. The control is root on the bare host, who can; the bare process "
        "of the user shows what a plain job can do."
    ),
    remedy=(
        "Do not add CAP_DAC_READ_SEARCH or --privileged; keep the runtime's seccomp profile; run containers "
        "as the user."
    ),
    severity=Severity.HIGH,
    severity_reason="Every file of a disk is read, whoever it belongs to.",
    observe=observe,
    judge=Attempt(
        done="a root-only file of the host that was never bound was read",
        not_done="a file of the host that was not bound could not be opened",
        control="root itself could",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="open_by_handle_at(2)",
            url="https://man7.org/linux/man-pages/man2/open_by_handle_at.2.html",
        ),
        Reference(
            title="Docker: Seccomp security profiles",
            url="https://docs.docker.com/engine/security/seccomp/",
        ),
        Reference(
            title="MITRE ATT&CK T1611, Escape to Host",
            url="https://attack.mitre.org/techniques/T1611/",
        ),
    ),
)
