"""P09: whether the payload can make a user namespace, and be root in it."""

from evaluation.model import Reference, Severity
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import DETAIL, EFFECT, PROBLEM, Attempt
from evaluation.probes.reception import Attended, attend

WITHIN = ("net", "mnt")
"""What only root makes, and so the root of a user namespace in it."""


def observe(session: Session) -> None:
    """Let the payload make namespaces, and compare from the host those it was in and is in."""
    seen = attend(session, "namespaces", session.work_inside)
    evidence, lines, before = (seen.completed,), seen.answer.all("unshare"), seen.first("a")
    if before is None or not lines or (lines[0].ok and seen.first("b") is None):
        session.record(PROBLEM, seen.missing, evidence=evidence)
        return
    made = _made(seen)
    session.record(EFFECT, "user" in made and len(made) > 1, evidence=evidence)
    refused = [f"{line.text('name')}: {line.reason}" for line in lines if not line.ok]
    detail = [f"made {', '.join(made)}"] if made else []
    session.record(DETAIL, "; ".join(detail + refused), evidence=evidence)


def _made(seen: Attended) -> list[str]:
    """The kinds of namespace that are others now.

    Where the verifier may not look (it is not root, and the payload is), the payload's own word stands.
    """
    before, after = seen.first("a"), seen.first("b")
    if before is None or after is None:
        return []
    said = {line.text("name") for line in seen.answer.all("unshare") if line.ok}
    return [
        kind
        for kind in ("user", *WITHIN)
        if kind in said
        and (kind not in after.namespaces or after.namespaces[kind] != before.namespaces.get(kind))
    ]


PROBE = Probe(
    id="user_namespace_creation",
    version=1,
    checklist_id="P09",
    question="Is a program inside kept from making itself root of a new user namespace?",
    why=(
        "In a user namespace of its own a program reaches kernel code that was written for root: network "
        "filters, file systems, devices of every kind. Many of the recent ways from user to root began so. "
        "The same feature is what rootless runtimes and sandboxes are made of: the site says which it wants."
    ),
    method=(
        "The payload calls the verifier's socket, makes a user namespace and in it a network and a mount "
        "namespace, and waits; the verifier compares from the host's /proc which namespaces it was in and is "
        "in. They end with the payload. The control is the bare process: where the site forbids user "
        "namespaces to everybody, a runtime that does so too shows nothing."
    ),
    remedy=(
        "Keep the default system call filter of Docker and Podman; user.max_user_namespaces=0, or the "
        "distribution's own switch, where no rootless runtime is wanted."
    ),
    observe=observe,
    judge=Attempt(
        done="a program inside can be root in a user namespace of its own",
        not_done="no program inside can be root in a user namespace of its own",
    ),
    severity=Severity.LOW,
    severity_reason="More of the kernel is in reach; a hole in it must be found too.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="user_namespaces(7)", url="https://man7.org/linux/man-pages/man7/user_namespaces.7.html"
        ),
        Reference(
            title="MITRE ATT&CK T1611, Escape to Host", url="https://attack.mitre.org/techniques/T1611/"
        ),
    ),
)
