"""Whose files a job's output is."""

import stat
from collections.abc import Mapping

from evaluation.model import CONTROL, CONTROL_AGAIN, Outcome, Reference
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, problem

TREE = "output"


def observe(session: Session) -> None:
    """Write a directory with a file in it, then let the user remove it on the host."""
    tree = session.work / TREE
    inside = f"{session.work_inside}/{TREE}"
    made = session.launch((f"{session.payload_inside}/{PAYLOAD}", "make-tree", inside))
    answer = read_answer(made)
    line = answer.first("make-tree")
    if line is None or not line.ok:
        seen = f"the payload could not write to the bind: {line.reason}" if line else ""
        session.record(PROBLEM, answer.problem or seen, evidence=(made,))
        return
    try:
        status = tree.lstat()
    except FileNotFoundError:
        session.record(PROBLEM, "what the payload wrote did not appear on the host", evidence=(made,))
        return
    removed = session.on_host((str(session.payload / PAYLOAD), "remove-tree", str(tree)))
    left = read_answer(removed).first("remove-tree")
    deletable = left is not None and left.ok
    seen_all = (made, removed)
    session.record("owner_uid", status.st_uid, evidence=seen_all)
    session.record("owner_gid", status.st_gid, evidence=seen_all)
    session.record("mode", oct(stat.S_IMODE(status.st_mode)), evidence=seen_all)
    session.record(
        "is_users", status.st_uid == session.uid and status.st_gid == session.gid, evidence=seen_all
    )
    session.record("deletable", deletable, evidence=seen_all)
    if not deletable:
        # Whoever could write it can remove it: leave nothing that the user cannot get rid of.
        session.launch((f"{session.payload_inside}/{PAYLOAD}", "remove-tree", inside))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where every file is the user's and the user could remove it."""
    fault = problem(own)
    if fault or not own.values("is_users"):
        return Judgement(outcome=Outcome.ERROR, message=fault or "no owner was recorded")
    good = all(own.values("is_users")) and all(own.values("deletable"))
    host = others.get(CONTROL, Observations())
    mode = f", mode {own.last('mode')}"
    if host.items and host.last("mode") != own.last("mode"):
        mode += f" (bare: {host.last('mode')})"
    owner = f"output belongs to {own.last('owner_uid')}:{own.last('owner_gid')} on the host{mode}"
    removed = "the user could remove it" if own.last("deletable") else "the user could not remove it"
    message = f"{owner}; {removed}"
    if good:
        return Judgement(outcome=Outcome.HOLDS, message=message)
    is_host = own.items[0].runtime in {CONTROL, CONTROL_AGAIN}
    if not is_host and host.items and not all(host.values("is_users")):
        return Judgement(outcome=Outcome.INERT, message=f"{message}; a plain job's output is no better here")
    return Judgement(outcome=Outcome.FAILS, message=message)


PROBE = Probe(
    id="output_ownership",
    version=1,
    question="Does a job's output belong to the user who submitted the job, and can that user remove it?",
    why=(
        "Files of root or of a subordinate id on a shared file system count against the wrong quota, "
        "escape the user's own cleaning up, and end as tickets for an administrator."
    ),
    method=(
        "The payload makes a directory with a file in it on the writable bind. The verifier reads owner "
        "and mode on the host, then the user removes both on the host: a file in one's own directory can "
        "always be removed, a file in a foreign directory cannot. The control is the same done by the bare "
        "process."
    ),
    remedy=(
        "Run the payload as the user (docker run --user, podman run --userns keep-id), or use a runtime "
        "that always does."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    turns=3,
    references=(
        Reference(title="user_namespaces(7)", url="https://man.archlinux.org/man/user_namespaces.7.en.raw"),
    ),
)
