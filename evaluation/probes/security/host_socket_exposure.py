"""P27: whether services on the host's loopback and its abstract sockets can be reached."""

import secrets
import socket

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import secret
from evaluation.probes.judging import DETAIL, EFFECT, PROBLEM, Attempt

PAUSE_S = 2.0
TCP, ABSTRACT = "the loopback interface", "the abstract socket"


def observe(session: Session) -> None:
    """Listen on the host's loopback and on an abstract socket, and let the payload send a word to each."""
    token, name = secret(), f"evaluation-{secrets.token_hex(8)}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{name}")
        abstract.listen()
        port = str(tcp.getsockname()[1])
        program = f"{session.payload_inside}/{PAYLOAD}"
        completed = session.launch((program, "connect", port, token, "--", "connect-abstract", name, token))
        answer = read_answer(completed)
        parts = {
            TCP: (answer.first("connect"), tcp),
            ABSTRACT: (answer.first("connect-abstract"), abstract),
        }
        reached, words = False, []
        for place, (line, listener) in parts.items():
            if line is None:
                reason = answer.problem or "the payload reported no attempt"
                session.record(PROBLEM, reason, evidence=(completed,))
                return
            heard = line.ok and _heard(listener, token)
            refused = "it connected, but not to the host" if line.ok else line.reason
            reached = reached or heard
            words.append(f"{place}: {'reached' if heard else refused}")
    session.record(EFFECT, reached, evidence=(completed,))
    session.record(DETAIL, "; ".join(words), evidence=(completed,))


def _heard(listener: socket.socket, token: str) -> bool:
    """Whether the word came; the payload has ended by now, so its call is waiting already."""
    listener.settimeout(PAUSE_S)
    try:
        caller, _ = listener.accept()
        with caller:
            caller.settimeout(PAUSE_S)
            return caller.recv(len(token)) == token.encode()
    except TimeoutError:
        return False


PROBE = Probe(
    id="host_socket_exposure",
    version=1,
    checklist_id="P27",
    question="Are services that listen for this host alone out of the container's reach?",
    why=(
        "Notebook servers, databases of a job and agents of the site trust whoever comes from this host. An "
        "abstract Unix socket has not even permissions: containerd's was a way to root (CVE-2020-15257)."
    ),
    method=(
        "The verifier listens on a free port of 127.0.0.1 and on an abstract Unix socket of a random name, "
        "both on the host. The payload sends a random word to each. Only a word that the verifier hears "
        "counts. Exposed if either is reached; the message says which. The control is the bare process, "
        "which reaches both."
    ),
    remedy=(
        "Give the container a network of its own (the default of Docker; not --network host), or none; MPI "
        "and fast interconnects want the host's, and the site says which it is."
    ),
    severity=Severity.MEDIUM,
    severity_reason=(
        "Services of the same user or of the site, which trust this host, can be spoken to; what that gives "
        "depends on them."
    ),
    observe=observe,
    judge=Attempt(
        done="a service that listens for the host alone was reached",
        not_done="services that listen for the host alone were not reached",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="unix(7)",
            url="https://man7.org/linux/man-pages/man7/unix.7.html",
        ),
        Reference(
            title="CVE-2020-15257",
            url="https://nvd.nist.gov/vuln/detail/CVE-2020-15257",
        ),
        Reference(
            title="Docker: host network driver",
            url="https://docs.docker.com/engine/network/drivers/host/",
        ),
        Reference(
            title="NIST SP 800-190, section 3.4.2: unbounded network access from containers",
            url="https://doi.org/10.6028/NIST.SP.800-190",
        ),
    ),
)
