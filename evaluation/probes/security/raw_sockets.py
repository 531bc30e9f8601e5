"""P26: whether raw and packet sockets can be opened."""

from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line, read_answer
from evaluation.probes.attempting import NEEDS_ROOT_CONTROL, ask, told
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

USERS, NETWORK = Path("/proc/self/ns/user"), Path("/proc/self/ns/net")


def observe(session: Session) -> None:
    """Let the payload open both sockets, and say whose network they are in."""
    completed, lines = ask(session, "raw-sockets")
    if not lines:
        return
    if any(line.ok and not line.integer("owner") for line in lines):
        reason = "a socket was opened, and the kernel does not tell whose network it is in"
        session.record(PROBLEM, reason, evidence=(completed,))
        return
    reached = [line for line in lines if _reaches_others(line)]
    if session.privileged:
        controlled = session.by_verifier((str(session.payload / PAYLOAD), "raw-sockets"))
        answers = read_answer(controlled).all("raw-sockets")
        session.record(CONTROL_DONE, any(_reaches_others(line) for line in answers), evidence=(controlled,))
    else:
        session.record(NOT_PLANTED, NEEDS_ROOT_CONTROL)
    session.record(EFFECT, bool(reached), evidence=(completed,))
    session.record(DETAIL, f"{told(lines, reached)}; in {_network(lines[0])}", evidence=(completed,))


def _network(line: Line) -> str:
    if _is_the_hosts(line):
        return "the host's own network"
    return "a network beside the host's" if line.integer("interfaces") else "a network without interfaces"


def _is_the_hosts(line: Line) -> bool:
    return line.integer("network") == NETWORK.stat().st_ino


def _reaches_others(line: Line) -> bool:
    """Whether it was opened in a network that root set up and that leads somewhere.

    One in a user's own namespace, or without interfaces, has nobody in it to deceive.
    """
    peopled = line.integer("interfaces") != 0 or _is_the_hosts(line)
    return line.ok and line.integer("owner") == USERS.stat().st_ino and peopled


PROBE = Probe(
    id="raw_sockets",
    version=1,
    checklist_id="P26",
    question="Are raw and packet sockets on the site's networks out of reach?",
    why=(
        "With them a program forges senders, answers for others (ARP) and reads what passes. On a bridge it "
        "is the other containers that are deceived, on the host's network everybody."
    ),
    method=(
        "The payload opens a raw socket (ICMP) and a packet socket and closes them. They count in a network "
        "that belongs to the host's own user namespace, as an engine's bridge does; in one that a user made "
        "for himself there is nobody to deceive. The control is the same payload run by root on the bare "
        "host; the bare process of the user shows what a plain job can do."
    ),
    remedy="docker run --cap-drop NET_RAW, or run the container as an ordinary host user.",
    severity=Severity.MEDIUM,
    severity_reason=(
        "Other containers' traffic can be read and forged on the same network; the host's own where it is "
        "shared."
    ),
    observe=observe,
    judge=Attempt(
        done="raw or packet sockets could be opened on a network of the host",
        not_done="raw and packet sockets on the host's networks were refused",
        control="root itself could",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="raw(7)",
            url="https://man7.org/linux/man-pages/man7/raw.7.html",
        ),
        Reference(
            title="packet(7)",
            url="https://man7.org/linux/man-pages/man7/packet.7.html",
        ),
        Reference(
            title="capabilities(7)",
            url="https://man7.org/linux/man-pages/man7/capabilities.7.html",
        ),
        Reference(
            title="NIST SP 800-190, section 3.4.2: unbounded network access from containers",
            url="https://doi.org/10.6028/NIST.SP.800-190",
        ),
    ),
)
