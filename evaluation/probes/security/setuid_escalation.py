"""P06: whether a setuid-root program on a bind makes its caller root."""

from pathlib import Path

from evaluation.model import Bind, Reference, Severity
from evaluation.payload.build import HELPER
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Answer, read_answer
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import NEEDS_PLANTING, Callers, plant_setuid, root_directory
from evaluation.probes.judging import DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt
from evaluation.probes.planted import planted

MOUNT_POINT = "/host"
REFUSALS = frozenset({1, 13})
"""EPERM and EACCES: the kernel would not start the helper at all (a bind mounted noexec, a policy)."""


def observe(session: Session) -> None:
    """Show the container a setuid-root helper, and let an ordinary user inside run it."""
    if not session.privileged:
        if canary := planted(HELPER):
            _attempt(session, canary.parent)
        else:
            session.record(NOT_PLANTED, NEEDS_PLANTING)
        return
    with root_directory(setuid=True) as directory:
        if directory is None:
            session.record(NOT_PLANTED, "every temporary directory of this host is mounted nosuid or noexec")
            return
        with plant_setuid(session.payload / HELPER, directory, HELPER):
            _attempt(session, directory)


def _attempt(session: Session, directory: Path) -> None:
    with Callers(session.work) as callers:
        completed = _run_helper(session, directory)
        _record(session, completed, read_answer(completed), callers.uids())


def _run_helper(session: Session, directory: Path) -> Completed:
    program, user = f"{session.payload_inside}/{PAYLOAD}", (str(session.uid), str(session.gid))
    if session.is_control:
        return session.launch((program, "run-helper", str(directory / HELPER), session.work_inside, *user))
    # Not read-only: not every runtime can bind so, and the directory is root's own.
    binds = (Bind(source=str(directory), target=MOUNT_POINT),)
    helper = f"{MOUNT_POINT}/{HELPER}"
    return session.launch((program, "run-helper", helper, session.work_inside, *user), binds=binds)


def _record(session: Session, completed: Completed, answer: Answer, uids: tuple[int, ...]) -> None:
    evidence = (completed,)
    ran, refused = answer.first("helper"), answer.first("exec")
    if refused is not None and refused.integer("errno") in REFUSALS:
        session.record(EFFECT, value=False, evidence=evidence)
        session.record(DETAIL, f"the helper could not be started: {refused.reason}", evidence=evidence)
        return
    euid = ran.integer("euid") if ran else None
    if euid is None or (euid == 0 and not uids):
        silent = "the helper became root inside but could not call the verifier"
        absent = f"the helper did not run: {refused.reason}" if refused else "the helper did not report"
        session.record(PROBLEM, answer.problem or (silent if euid == 0 else absent), evidence=evidence)
        return
    seen = f"on the host uid {uids[0]}" if uids else "it could not call the verifier"
    session.record(EFFECT, 0 in uids, evidence=evidence)
    session.record(DETAIL, f"the helper ran with effective uid {euid} inside, {seen}", evidence=evidence)


PROBE = Probe(
    id="setuid_escalation",
    version=1,
    checklist_id="P06",
    severity=Severity.MEDIUM,
    severity_reason=(
        "A step towards root: it takes a setuid-root program that has a fault, and images bring their own."
    ),
    question="Is a setuid-root program that the container can see kept from making its caller root?",
    why=(
        "Setuid programs are the classic way from user to root, and an image may bring its own. Where the "
        "bit works inside, every fault in every such program of every image is the site's fault."
    ),
    method=(
        "As root, the verifier plants a small setuid-root helper in a directory of its own and binds it; "
        "without root, one that an administrator has planted is bound. "
        "Inside, an ordinary user runs it (a payload that is root inside becomes the measuring user "
        "first). The helper calls the verifier's socket, and the kernel tells the verifier its host uid: "
        "only 0 counts. The helper can do nothing else, and what the verifier planted is removed at once. "
        "The control is the bare "
        "process, which becomes root."
    ),
    remedy=(
        "no-new-privileges (see P05), binds mounted nosuid, or a runtime that works in a user namespace, "
        "where the host's root does not exist."
    ),
    observe=observe,
    judge=Attempt(
        done="an ordinary user inside became root on the host through a setuid program",
        not_done="a setuid-root program gave its caller nothing on the host",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="MITRE ATT&CK T1548.001, Setuid and Setgid",
            url="https://attack.mitre.org/techniques/T1548/001/",
        ),
        Reference(
            title="PR_SET_NO_NEW_PRIVS(2const)",
            url="https://man7.org/linux/man-pages/man2/pr_set_no_new_privs.2const.html",
        ),
    ),
)
