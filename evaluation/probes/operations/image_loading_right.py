"""Who may bring an image: whoever the site lets, or everybody."""

from collections.abc import Mapping
from pathlib import Path

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT, root_directory
from evaluation.probes.canaryimage import CanaryImage, forget, require_images, said, without_cache, word_in
from evaluation.probes.judging import DETAIL, PROBLEM, UNAVAILABLE, functional

_PATIENCE_S = 120.0


def observe(session: Session) -> None:
    """Make the form of a fresh image with the user's groups, and then without any but the first."""
    require_images(session)
    if not session.privileged:
        session.record(UNAVAILABLE, NEEDS_ROOT)
        return
    with root_directory() as folder:
        if folder is None:
            session.record(UNAVAILABLE, "this host has no temporary directory")
            return
        usual, word, told = _load(session, folder, "usual", ())
        if not (usual and word):
            session.record(PROBLEM, f"the user cannot bring an image in any case: {told}")
            return
        user = ("--reuid", str(session.uid), "--regid", str(session.gid), "--clear-groups")
        alone = ("setpriv", *user, "--", "env", f"HOME={session.user_home}", f"USER={session.user_home.name}",
                 f"XDG_RUNTIME_DIR=/run/user/{session.uid}")  # fmt: skip
        stranger, _, told = _load(session, folder, "stranger", alone)
    session.record("restricted", not stranger)
    session.record(DETAIL, "without further groups it is loaded too" if stranger else f"without: {told}")


def _load(session: Session, folder: Path, name: str, before: tuple[str, ...]) -> tuple[bool, bool, str]:
    """Make the form; whether that worked, whether it runs for the user, and what was said."""
    image = CanaryImage()
    place = session.work / name
    session.on_host(("mkdir", "-p", str(place)))
    preparation = session.adapter.prepare(image.archives(folder), str(place))
    last = session.on_host(("true",))
    try:
        for step in preparation.steps:
            command = without_cache(step)
            last = (
                session.by_verifier((*before, *command), timeout_s=_PATIENCE_S)
                if before
                else session.on_host(command, timeout_s=_PATIENCE_S)
            )
            if not last.ok:
                return False, False, said(last, "permission", "denied")
        word, ran = word_in(session, preparation.reference)
        return True, word == image.word, said(ran)
    finally:
        forget(session, image.name)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where a right of the site's is needed."""
    return functional(
        own,
        others,
        "restricted",
        works="only those whom the site lets may bring an image",
        fails="everybody may bring and run any image",
    )


PROBE = Probe(
    id="image_loading_right",
    version=1,
    question="Does it take a right that the site grants to bring an image, or may everybody?",
    why=(
        "The page asks for a way to restrict which images come to the batch farm. Where any user may make "
        "the runtime's form of any archive, no list of the site's is in the way; where a daemon does it, "
        "whoever may talk to the daemon decides, for all."
    ),
    method=(
        "The measuring user makes the runtime's own form of a fresh image and runs it (the control), then "
        "the same is done by the same user without supplementary groups, which the verifier, as root, takes "
        "away. It holds where that is refused. It says who may, not what: no runtime here has a list of "
        "allowed images switched on by this probe (see unsigned_image for those)."
    ),
    remedy=(
        "Docker: keep the group of its socket small, and let a service load images by a list. Others: ask "
        "for signatures, or mount nodes' scratch noexec and forbid user namespaces, and convert centrally."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    quick=False,  # as cached_image_reuse
)
