"""Whether git works on a repository of the user's that is bound."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import DETAIL, PROBLEM, functional
from evaluation.probes.timing import lacks
from evaluation.reasons import reason_of

SETTINGS = ("-c", "user.name=probe", "-c", "user.email=probe@invalid", "-c", "init.defaultBranch=main")
STEPS = (
    ("init", "--quiet"),
    ("add", "file"),
    ("commit", "--quiet", "--message", "A file"),
    ("status", "--porcelain"),
)


def observe(session: Session) -> None:
    """Make a repository and commit to it."""
    if lacks(session, "git"):
        return
    repository = session.work / "repository"
    made = session.on_host(("mkdir", str(repository)))
    written = session.on_host(("tee", str(repository / "file")), stdin=b"text\n")
    if not (made.ok and written.ok):
        session.record(PROBLEM, "the directory could not be made on the host", evidence=(made, written))
        return
    inside = f"{session.work_inside}/repository"
    done = []
    for step in STEPS:
        done.append(
            session.launch(("git", *SETTINGS, "-C", inside, *step), env={"HOME": session.work_inside})
        )
        if not done[-1].ok:
            break
    if done[0].failure:
        session.record(PROBLEM, done[0].failure, evidence=done)
        return
    committed = done[-1].ok and len(done) == len(STEPS) and not done[-1].stdout
    if not committed:
        session.record(DETAIL, f"git {STEPS[len(done) - 1][0]}: {reason_of(done[-1])}", evidence=(done[-1],))
    removed = session.on_host(("rm", "-rf", str(repository)))
    session.record("works", committed and removed.ok and not repository.exists(), evidence=(*done, removed))
    if committed and not removed.ok:
        session.record(DETAIL, "the user cannot remove the repository", evidence=(removed,))
    if not removed.ok:
        # Whoever could write it can remove it: leave nothing that the user cannot get rid of.
        session.launch(("rm", "-rf", inside))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where every command worked and the user could clean up."""
    return functional(
        own,
        others,
        "works",
        works="git made a repository and committed to it, and the user could remove it",
        fails="git does not work on the user's directory",
        host="it does not on the bare host either",
    )


PROBE = Probe(
    id="git_on_bind",
    version=1,
    question="Can git inside read and change the user's repository on a bound directory?",
    why=(
        "Code lies on the host and is worked on inside. Since 2022 git refuses a repository whose owner "
        "is not who asks (CVE-2022-24765): a container that runs as root, or under another id, meets that "
        "at the first command."
    ),
    method=(
        "The user makes a directory on the host; inside, git makes a repository in it, adds a file, "
        "commits, and shows the state, each by a command of its own. It holds where all commands end well "
        "and the user can remove the repository on the host afterwards. The control is the same done "
        "bare; without git in the image it is unavailable."
    ),
    remedy=(
        "Run the payload as the user (docker run --user, podman run --userns keep-id); 'git config "
        "--global --add safe.directory' only hides the foreign owner."
    ),
    observe=observe,
    judge=judge,
    needs=("image", "payload"),
    image="med",
    repeat="once",
    references=(Reference(title="git-config(1), safe.directory", url="https://git-scm.com/docs/git-config"),),
)
