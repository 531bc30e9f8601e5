"""B10: whether a container can leave files that its user cannot remove."""

from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT, plant_file, root_directory
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

TREE = "foreign"
FOREIGN = 12_345
"""The owner that the payload asks for: an ordinary number, of no account in particular."""


def observe(session: Session) -> None:
    """Leave a tree that is given to somebody else inside; then the user tries to remove it on the host."""
    if session.privileged:
        _control(session)
    else:
        session.record(NOT_PLANTED, NEEDS_ROOT)
    program, inside = f"{session.payload_inside}/{PAYLOAD}", f"{session.work_inside}/{TREE}"
    made = session.launch((program, "make-foreign-tree", inside, str(FOREIGN)))
    answer = read_answer(made)
    line = answer.first("make-foreign-tree")
    tree = session.work / TREE
    try:
        owner = tree.lstat().st_uid
    except FileNotFoundError:
        seen = f"the payload could not write to the bind: {line.reason}" if line else ""
        session.record(PROBLEM, answer.problem or seen or "nothing was written", evidence=(made,))
        return
    removed, evidence = _remove(session, tree)
    if not removed:
        # Whoever could make it can remove it: leave nothing that the user cannot get rid of.
        session.launch((program, "remove-tree", inside))
    if line is None:
        session.record(PROBLEM, answer.problem or "the payload said nothing", evidence=(made,))
        return
    given = "given away" if line.integer("given_errno") == 0 else f"not given away: {line.text('given')}"
    could = "could" if removed else "could not"
    session.record(EFFECT, not removed, evidence=(made, evidence))
    session.record(
        DETAIL, f"owned by host uid {owner} ({given}); the user {could} remove it", evidence=(made, evidence)
    )


def _control(session: Session) -> None:
    """Make such a tree as root, which the user cannot remove."""
    with root_directory() as directory:
        if directory is not None:
            tree = directory / TREE
            tree.mkdir(mode=0o755)
            plant_file(tree, "file", "", mode=0o644)
            removed, evidence = _remove(session, tree)
            session.record(CONTROL_DONE, not removed, evidence=(evidence,))


def _remove(session: Session, tree: Path) -> tuple[bool, Completed]:
    """Let the user remove a tree on the host; whether it is gone."""
    removed = session.on_host((str(session.payload / PAYLOAD), "remove-tree", str(tree)))
    return not tree.exists(), removed


PROBE = Probe(
    id="foreign_owned_files",
    version=1,
    checklist_id="B10",
    question="Can the user remove everything that a container may leave on a shared directory?",
    why=(
        "Unpacking a tar file or installing a package inside gives files to other users. Where those are "
        "real on the host (root's, or of a range of subordinate ids), the user can neither remove nor "
        "back them up, quotas miscount, and an administrator is called."
    ),
    method=(
        "The payload makes a directory with a file on the writable bind and gives both to another user, as "
        f"far as it is allowed to (uid {FOREIGN}). The host reads the owner, then the user tries to remove "
        "both. The control, where the evaluation runs as root, is a tree of root's own, which the user "
        "cannot remove."
    ),
    remedy=(
        "Run the payload as the user (docker run --user, podman run --userns keep-id), map one user only, "
        "or remove such files from inside (podman unshare rm)."
    ),
    observe=observe,
    judge=Attempt(
        done="the container left files that the user cannot remove",
        not_done="the user could remove what the container left",
        control="a tree of root's could not be removed by the user",
    ),
    severity=Severity.LOW,
    severity_reason="Work for administrators and a wrong quota; nobody gains a right by it.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="user_namespaces(7)", url="https://man.archlinux.org/man/user_namespaces.7.en.raw"),
        Reference(title="subuid(5)", url="https://man7.org/linux/man-pages/man5/subuid.5.html"),
    ),
)
