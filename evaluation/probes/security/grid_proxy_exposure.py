"""P33: whether a grid proxy in /tmp can be read."""

from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import plant_file, secret
from evaluation.probes.judging import DETAIL, EFFECT, PROBLEM, Attempt

DIRECTORY = Path("/tmp")  # noqa: S108 - where grid tools put a proxy; the file's own name is random


def observe(session: Session) -> None:
    """Plant a file as grid tools do, and let the payload read it."""
    content = secret()
    name = f"x509up_u{session.uid}.{secret()}"
    owner = (session.uid, session.gid) if session.privileged else (-1, -1)
    plant_file(DIRECTORY, name, content, mode=0o600, uid=owner[0], gid=owner[1])
    try:
        completed = session.launch((f"{session.payload_inside}/{PAYLOAD}", "read", str(DIRECTORY / name)))
    finally:
        (DIRECTORY / name).unlink(missing_ok=True)
    answer = read_answer(completed)
    line = answer.first("read")
    if line is None:
        session.record(PROBLEM, answer.problem or "the payload reported no attempt", evidence=(completed,))
        return
    session.record(EFFECT, line.text("text") == content, evidence=(completed,))
    if not line.ok:
        session.record(DETAIL, line.reason, evidence=(completed,))


PROBE = Probe(
    id="grid_proxy_exposure",
    version=1,
    checklist_id="P33",
    severity=Severity.MEDIUM,
    severity_reason=(
        "The proxy is the user's own, and speaks for the user at every site of the grid until it expires."
    ),
    question="Is a user's grid proxy in /tmp out of the container's reach?",
    why=(
        "A proxy is an unencrypted key that speaks for the user on the whole grid for hours. A program "
        "from an image that can read it can act as that user elsewhere; a job that must reach grid storage "
        "needs it. The site and the use case say which."
    ),
    method=(
        "The verifier plants a file named as grid tools name a proxy (x509up_u and the uid, with a random "
        "ending) in /tmp, owned by the measuring user, mode 0600, with a random word in it. The payload "
        "reads the same path. Only the word itself counts. The control is the bare process, which can read "
        "it."
    ),
    remedy=(
        "A /tmp of the container's own (apptainer exec --contain, the default of Docker and Podman), and "
        "the proxy bound only into jobs that need it."
    ),
    observe=observe,
    judge=Attempt(
        done="a file that stands for a grid proxy in /tmp was read",
        not_done="a file that stands for a grid proxy in /tmp was not read",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="grid-proxy-init(1)",
            url="https://manpages.ubuntu.com/manpages/noble/man1/grid-proxy-init.1.html",
        ),
        Reference(
            title="Apptainer: system-defined bind paths",
            url="https://apptainer.org/docs/user/latest/bind_paths_and_mounts.html",
        ),
        Reference(
            title="MITRE ATT&CK T1552.001, Credentials In Files",
            url="https://attack.mitre.org/techniques/T1552/001/",
        ),
    ),
)
