"""Whether the host's loopback interface can be reached."""

import socket

from evaluation.model import Reference
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import secret
from evaluation.probes.judging import DETAIL, EFFECT, PROBLEM, Attempt

PAUSE_S = 2.0


def observe(session: Session) -> None:
    """Listen on the host's loopback, and let the payload send a word there."""
    token = secret()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PAUSE_S)
        port = listener.getsockname()[1]
        completed = session.launch((f"{session.payload_inside}/{PAYLOAD}", "connect", str(port), token))
        answer = read_answer(completed)
        line = answer.first("connect")
        if line is None:
            session.record(
                PROBLEM, answer.problem or "the payload reported no attempt", evidence=(completed,)
            )
            return
        reached = line.ok and _heard(listener, token)
    session.record(EFFECT, reached, evidence=(completed,))
    if not reached:
        detail = "it connected, but not to the host" if line.ok else line.reason
        session.record(DETAIL, detail, evidence=(completed,))


def _heard(listener: socket.socket, token: str) -> bool:
    """Whether the word came from the payload; it has ended by now, so the call is waiting already."""
    try:
        caller, _ = listener.accept()
        with caller:
            caller.settimeout(PAUSE_S)
            return caller.recv(len(token)) == token.encode()
    except TimeoutError:
        return False


PROBE = Probe(
    id="host_network_visibility",
    version=1,
    question="Is the host's loopback interface hidden from the container?",
    why=(
        "Services that trust whoever comes from localhost (a job's own database, a notebook server, a "
        "monitoring agent) are open to every container that shares the host's network. Sharing it is also "
        "what MPI and high-speed interconnects want: whether this is a breach or a feature is the site's "
        "word."
    ),
    method=(
        "The verifier listens on a free port of 127.0.0.1 on the host; the payload connects to 127.0.0.1 "
        "and sends a random word. Only the word heard by the verifier counts: a connection to somebody "
        "else's port inside does not. The control is the bare process, which reaches it."
    ),
    remedy="Give the container a network of its own, or none (docker run --network none, apptainer --net).",
    observe=observe,
    judge=Attempt(
        done="a listener on the host's loopback was reached",
        not_done="the host's loopback was not reached",
        words=False,
    ),
    needs=("payload",),
    repeat="once",
    turns=3,
    references=(
        Reference(
            title="Docker: host network driver", url="https://docs.docker.com/engine/network/drivers/host/"
        ),
    ),
)
