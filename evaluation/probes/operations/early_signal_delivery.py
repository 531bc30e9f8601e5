"""Whether a signal that comes the moment the program is ready reaches it."""

from evaluation.model import Reference
from evaluation.probes.base import Probe, Session
from evaluation.probes.signalling import EXIT_STATUS, judge, signal_once


def observe(session: Session) -> None:
    """Start a program that waits for SIGTERM, and send it to the client as soon as it is ready."""
    signal_once(session, after_s=0.0)


PROBE = Probe(
    id="early_signal_delivery",
    version=1,
    question="Does SIGTERM reach the program when it comes as soon as the program is ready?",
    why=(
        "A job that is cancelled as it begins, or a loop that is interrupted between two short commands, "
        "sends its signal early. A client that has started its container and does not pass signals on yet "
        "ends alone, and leaves the program running."
    ),
    method=(
        "As signal_delivery, but the signal is sent at once when the payload has said that its handler "
        "stands. The payload cannot miss it any more; whether the client passes it on is a race within the "
        "client, so it is asked several times. "
        f"Holds where the mark appears and the exit status is {EXIT_STATUS}. The "
        "control is the same done bare."
    ),
    remedy=(
        "In scripts, let a cancelled step be looked for by its label or name and ended there (docker kill, "
        "podman kill), or start the container with exec so that no client stands between."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    turns=6,
    references=(
        Reference(
            title="podman-run(1), --sig-proxy",
            url="https://manpages.debian.org/bookworm/podman/podman-run.1.en.html",
        ),
    ),
)
