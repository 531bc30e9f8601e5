"""P08: whether the payload can become another user of the host."""

import os
import pwd

from evaluation.model import Reference, Severity
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, PROBLEM, Attempt
from evaluation.probes.reception import attend
from evaluation.probes.visits import Visit, look

WANTED = ("0", "1", "54321", "65534")
"""Root, a system account, a number that seldom has an account, and the one that stands for nobody."""


def observe(session: Session) -> None:
    """Let the payload become others, and read from the host who it then is."""
    seen = attend(session, "switch-user", session.work_inside, *WANTED)
    evidence, lines, before = (seen.completed,), seen.answer.all("switch-user"), seen.first("a")
    if before is None or not lines:
        session.record(PROBLEM, seen.missing, evidence=evidence)
        return
    became, unseen = (
        seen.all("b"),
        [line for line in lines if line.ok and line.fields.get("seen") is not True],
    )
    if unseen:
        session.record(PROBLEM, "a change of user was not shown to the verifier", evidence=evidence)
        return
    own = {session.uid, before.effective_uid}
    session.record(CONTROL_DONE, look(os.getpid() if session.privileged else 1).effective_uid == 0)
    foreign = [visit for visit in became if visit.effective_uid not in own and _is_of_host(visit)]
    session.record(EFFECT, bool(foreign), evidence=evidence)
    if foreign:
        detail = f"it became host uid {_listed(foreign)}"
    elif others := [visit for visit in became if visit.effective_uid not in own]:
        detail = f"it became host uid {_listed(others)}, which no account of the host has"
    else:
        refused = [line.reason for line in lines if not line.ok]
        detail = f"seteuid: {refused[-1]}" if refused else "seteuid changed nothing on the host"
    session.record(DETAIL, detail, evidence=evidence)


def _is_of_host(visit: Visit) -> bool:
    """Whether this is another user: any uid in the host's namespace, else one that an account has.

    What else a user namespace maps are subordinate ids, which were handed out for that (subuid(5)).
    """
    if visit.in_user_namespace_of_host is not False:
        return True
    try:
        pwd.getpwuid(-1 if visit.effective_uid is None else visit.effective_uid)
    except (KeyError, OverflowError):
        return False
    return True


def _listed(visits: list[Visit]) -> str:
    return ", ".join(str(uid) for uid in sorted({visit.effective_uid or 0 for visit in visits}))


PROBE = Probe(
    id="user_switching",
    version=1,
    checklist_id="P08",
    question="Is the program inside kept from becoming another user of the host?",
    why=(
        "Files, jobs and accounting hang on the uid. A program that can take any uid reads and writes every "
        "user's files on whatever is bound into the container, file servers that refuse root included."
    ),
    method=(
        "The payload calls the verifier's socket, changes its effective uid to 0, 1, 54321 and 65534 in "
        "turn, and waits each time; the verifier reads from the host's /proc which uid it then has there. "
        "One that is neither the user's nor what the payload began with counts, in the host's user namespace "
        "always, in another when an account has it: what else is mapped are subordinate ids. The control is "
        "that the verifier recognises another user's process as such: root's."
    ),
    remedy=(
        "Run the payload as the user (docker run --user), drop the capability (--cap-drop SETUID), run the "
        "engine rootless, or use a runtime that maps the user's own id alone."
    ),
    observe=observe,
    judge=Attempt(
        done="the payload became another user of the host",
        not_done="the payload became no other user of the host",
        control="the verifier recognises a process of another user",
    ),
    severity=Severity.HIGH,
    severity_reason="It is another user's data wherever the container sees a shared file system.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="seteuid(2)", url="https://man7.org/linux/man-pages/man2/seteuid.2.html"),
        Reference(
            title="user_namespaces(7)", url="https://man7.org/linux/man-pages/man7/user_namespaces.7.html"
        ),
        Reference(
            title="CIS Docker Community Edition Benchmark 1.1.0, 5.3: kernel capabilities are restricted",
            url=(
                "https://www.tenable.com/audits/items/CIS_Docker_Community_Edition_L1_Docker_v1.1.0.audit:d198963d68840e929680d530b6d870b0"
            ),
        ),
    ),
)
