"""Whether a job reaches a service of its host, over TCP and over a socket, as a client of a database does."""

import contextlib
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from evaluation.folders import HeldFolder
from evaluation.model import Reference
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.canaries import secret
from evaluation.probes.judging import DETAIL, PROBLEM, functional
from evaluation.probes.timing import run_payload

PAUSE_S = 2.0
SOCKET = "database.sock"


@contextlib.contextmanager
def _socket_in(directory: Path) -> Iterator[socket.socket]:
    """Listen on a socket's file that anybody may use, as a database's is."""
    with HeldFolder(directory) as there:
        with there.listen(SOCKET) as listener:
            yield listener
        there.remove(SOCKET)


def observe(session: Session) -> None:
    """Listen on the host in both ways, and let the payload send a word each way."""
    token = secret()
    with socket.create_server(("127.0.0.1", 0)) as tcp, _socket_in(session.work) as file:
        words = ("connect", str(tcp.getsockname()[1]), token, "--", "cd", session.work_inside, "--")
        completed = run_payload(session, *words, "connect-file", SOCKET, token)
        answer = read_answer(completed)
        reached, details = [], []
        for what, command, listener in (
            ("over TCP", "connect", tcp),
            ("over a socket on a bind", "connect-file", file),
        ):
            line = answer.first(command)
            if line is None:
                reason = answer.problem or "the payload reported no attempt"
                session.record(PROBLEM, reason, evidence=(completed,))
                return
            heard = line.ok and _heard(listener, token)
            missed = "it connected, but not to the host" if line.ok else line.reason
            reached.append(heard)
            details.append(f"{what}: {'reached' if heard else missed}")
    session.record("reached", all(reached), evidence=(completed,))
    session.record(DETAIL, "; ".join(details), evidence=(completed,))


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


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where both ways were reached."""
    return functional(
        own,
        others,
        "reached",
        works="a service of the host is reached",
        fails="a service of the host is not reached in both ways",
        host="nor is it bare",
    )


PROBE = Probe(
    id="database_access",
    version=1,
    question="Can a job reach a database that runs on its host?",
    why=(
        "Calibrations, trending and bookkeeping lie in databases. A client finds one on its own host by the "
        "loopback interface or by a socket's file; a network of the container's own cuts off the first, and "
        "what is not bound the second."
    ),
    method=(
        "The verifier listens on a free port of 127.0.0.1 and on a Unix socket in the turn's directory, both "
        "on the host. The payload sends a random word to each; only words that the verifier hears count. It "
        "holds where both are heard, and the message says which is not. No database is started: the way to "
        "it is tried. The control is the bare process. Whether the same openness is a danger is what "
        "host_network_visibility and P27 ask."
    ),
    remedy=(
        "Bind the directory with the database's socket, use the host's network (docker run --network host), "
        "or give the client the host's address instead of localhost."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="unix(7)", url="https://man7.org/linux/man-pages/man7/unix.7.html"),
        Reference(
            title="Docker: host network driver", url="https://docs.docker.com/engine/network/drivers/host/"
        ),
    ),
)
