"""P10: whether the payload can mount a file system."""

from evaluation.model import Reference, Severity
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import secret
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, PROBLEM, Attempt
from evaluation.probes.reception import Attended, attend

REFUSALS = frozenset({1, 13, 38})
"""EPERM, EACCES, ENOSYS: what a kernel, a policy or a filter answers who may not mount."""


def observe(session: Session) -> None:
    """Let the payload mount a word of the verifier's, and look for it among the process's mounts."""
    word = secret()
    seen = attend(session, "mount", session.work_inside, session.work_inside, word)
    evidence, visit = (seen.completed,), seen.first("m")
    problem = _problem(seen)
    if problem:
        session.record(PROBLEM, problem, evidence=evidence)
        return
    own, control = secret(), str(session.work)
    tried = attend(session, "mount", control, control, own, "own", on_host=True)
    standing = tried.first("m")
    session.record(
        CONTROL_DONE, standing is not None and _is_mounted(own, standing.mounts), evidence=(tried.completed,)
    )
    mounted = visit is not None and _is_mounted(word, visit.mounts)
    session.record(EFFECT, mounted, evidence=evidence)
    if visit is not None and mounted:
        whose = {
            True: "the host's user namespace",
            False: "a user namespace of its own",
            None: "an unseen one",
        }
        detail = f"as root of {whose[visit.in_user_namespace_of_host]}"
    else:
        refused = [line for name in ("apart", "mount") for line in seen.answer.all(name) if not line.ok]
        detail = refused[-1].reason if refused else "the mount was not there"
    session.record(DETAIL, detail, evidence=evidence)


def _problem(seen: Attended) -> str:
    """Why this attempt says nothing: it broke off, or did not find out."""
    apart, mount, gate = (seen.answer.first(name) for name in ("apart", "mount", "gate"))
    if seen.answer.problem or apart is None:
        return seen.missing
    if mount is not None:
        if mount.ok and seen.first("m") is None:
            return "the payload mounted, but could not show it to the verifier"
        return "" if mount.ok or mount.integer("errno") in REFUSALS else f"mounting broke: {mount.reason}"
    if gate is None or gate.integer("errno") not in REFUSALS:
        return f"no mount namespace could be made for the attempt: {apart.reason}"
    return ""


def _is_mounted(word: str, mounts: str) -> bool:
    """Whether a tmpfs of this source is among the mounts, proc_pid_mountinfo(5)."""
    return any(line.partition(" - ")[2].split()[:2] == ["tmpfs", word] for line in mounts.splitlines())


PROBE = Probe(
    id="filesystem_mounting",
    version=1,
    checklist_id="P10",
    question="Is a program inside kept from mounting file systems?",
    why=(
        "Who can mount can lay a file of their own over the system's, take away what hides a place, or hand "
        "the kernel a damaged file system that its code was never hardened against. Outside of a user "
        "namespace it is most of what separates root in a container from root on the host."
    ),
    method=(
        "The payload makes a mount namespace of its own from which nothing propagates, mounts there a tmpfs "
        "whose source is a random word, and waits; the verifier looks for the word among that process's "
        "mounts in the host's /proc. The mount ends with the payload. Where it may not make the namespace, a "
        "file system that does not exist shows the privilege check alone. The control is the same payload on "
        "the bare host as root of a user namespace of the user's own."
    ),
    remedy=(
        "Do not add CAP_SYS_ADMIN or run privileged; run the payload as the user. Root of a user namespace "
        "(apptainer --fakeroot, ch-run --uid 0) may mount there: forbid it where that matters."
    ),
    observe=observe,
    judge=Attempt(
        done="a program inside can mount file systems",
        not_done="no program inside can mount a file system",
        control="the user's own root in a user namespace of the bare host could",
    ),
    severity=Severity.MEDIUM,
    severity_reason=(
        "With a host's root behind it, it is one step from the host; in a user namespace it is less."
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="mount(2)", url="https://man7.org/linux/man-pages/man2/mount.2.html"),
        Reference(
            title="mount_namespaces(7)",
            url="https://man7.org/linux/man-pages/man7/mount_namespaces.7.html",
        ),
        Reference(
            title="MITRE ATT&CK T1611, Escape to Host", url="https://attack.mitre.org/techniques/T1611/"
        ),
    ),
)
