"""P40: whether an engine's socket can be reached from inside."""

import stat
from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.probes.attempting import ask, told
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import ABSENT, DETAIL, EFFECT, Attempt

SYSTEM = (
    "/run/docker.sock",
    "/var/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/docker/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
)
USER = ("docker.sock", "podman/podman.sock")


def observe(session: Session) -> None:
    """Look which engines listen on the host, and let the payload call each."""
    own = (f"/run/user/{session.uid}/{name}" for name in USER)
    listening = [path for path in (*SYSTEM, *own) if _is_socket(Path(path))]
    completed, lines = ask(session, "engine-sockets", *(listening or SYSTEM[:1]))
    if not lines:
        return
    if not listening:
        session.record(ABSENT, "no engine listens on a socket of this host", evidence=(completed,))
        return
    reached = [line for line in lines if line.ok]
    session.record(EFFECT, bool(reached), evidence=(completed,))
    session.record(DETAIL, told(lines, reached), evidence=(completed,))


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False


PROBE = Probe(
    id="engine_socket_exposure",
    version=1,
    checklist_id="P40",
    question="Is the socket of a container engine out of the container's reach?",
    why=(
        "Whoever may speak to a root engine's socket can start a container that is root on the host. Images "
        "bound for builds or monitoring often ask for it; a user who may speak to it on the host anyway has "
        "root there already."
    ),
    method=(
        "The verifier looks which of the usual sockets (Docker, containerd, Podman, CRI-O; the system's and "
        "the user's own) are there on the host. The payload calls the same paths and asks whether the engine "
        "lives (GET /_ping), nothing else. Exposed if a call is taken; the message names the socket. Where "
        "there is none there is nothing to attack. The control is the bare process of the same user, where "
        "that may call."
    ),
    remedy=(
        "Never bind an engine's socket into a container; keep its group to administrators; keep /run of the "
        "host out of containers."
    ),
    severity=Severity.HIGH,
    severity_reason="The socket of an engine that runs as root is root on the host.",
    observe=observe,
    judge=Attempt(
        done="an engine's socket answered inside",
        not_done="no engine's socket could be reached inside",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="CIS Docker Community Edition Benchmark v1.1.0, 5.31: no Docker socket in a container",
            url="https://www.tenable.com/audits/items/CIS_Docker_Community_Edition_L1_Docker_v1.1.0.audit:bf734977c8a6b60a11a9253feab6b159",
        ),
        Reference(
            title="Docker Engine security",
            url="https://docs.docker.com/engine/security/",
        ),
        Reference(
            title="MITRE ATT&CK T1611, Escape to Host",
            url="https://attack.mitre.org/techniques/T1611/",
        ),
    ),
)
