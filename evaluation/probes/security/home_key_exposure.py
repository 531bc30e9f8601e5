"""P34: whether a private key in the user's home can be read."""

from pathlib import PurePath

from evaluation.model import Reference, Severity
from evaluation.probes.answers import Line
from evaluation.probes.attempting import ask
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import plant_file, secret
from evaluation.probes.judging import DETAIL, EFFECT, NOT_PLANTED, Attempt


def observe(session: Session) -> None:
    """Plant a file as a private key is kept, and let the payload read it."""
    content = secret()
    name = f".evaluation-canary-key-{secret()}"
    path = session.user_home / name
    owner = (session.uid, session.gid) if session.privileged else (-1, -1)
    try:
        plant_file(session.user_home, name, content, mode=0o600, uid=owner[0], gid=owner[1])
    except OSError as error:
        reason = f"no file can be planted in {session.user_home}: {error.strerror}; run this as its owner"
        session.record(NOT_PLANTED, reason)
        return
    try:
        completed, lines = ask(session, "read", str(path), "--", "read-home", name)
    finally:
        path.unlink(missing_ok=True)
    if not lines:
        return
    found = next((line for line in lines if line.text("text") == content), None)
    session.record(EFFECT, found is not None, evidence=(completed,))
    if found is not None:
        session.record(DETAIL, f"in {_directory(found)}", evidence=(completed,))
    else:
        parts = (f"in {_directory(line)}: {_missed(line)}" for line in lines)
        session.record(DETAIL, "; ".join(dict.fromkeys(parts)), evidence=(completed,))


def _directory(line: Line) -> str:
    return str(PurePath(line.text("path") or "").parent)


def _missed(line: Line) -> str:
    return "another file was there" if line.ok else line.reason


PROBE = Probe(
    id="home_key_exposure",
    version=1,
    checklist_id="P34",
    question="Is a private key in the user's home out of the container's reach?",
    why=(
        "ssh keys, cloud credentials and tokens of code hosts lie in the home directory, readable by their "
        "owner alone. A program of an image that sees the home can take them; job scripts often count on the "
        "home being there. The site and the use case say which it is."
    ),
    method=(
        "The verifier plants a file of a random name in the measuring user's home, owned by that user, mode "
        "0600, with a random word in it, and removes it again. The payload reads the same path, and the same "
        "name in what it has as its home, because some runtimes show the home under another name. Only the "
        "word itself counts. The control is the bare process, which can read it."
    ),
    remedy=(
        "apptainer exec --no-home or --contain, ch-run without --home; bind only the directories that a job "
        "needs. Docker and Podman do not show the home unless asked."
    ),
    severity=Severity.MEDIUM,
    severity_reason="The user's own keys, which open other machines to whoever copies them.",
    observe=observe,
    judge=Attempt(
        done="a file that stands for a private key in the home was read",
        not_done="a file that stands for a private key in the home was not read",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="MITRE ATT&CK T1552.004, Private Keys",
            url="https://attack.mitre.org/techniques/T1552/004/",
        ),
        Reference(
            title="Apptainer: system-defined bind paths",
            url="https://apptainer.org/docs/user/latest/bind_paths_and_mounts.html",
        ),
    ),
)
