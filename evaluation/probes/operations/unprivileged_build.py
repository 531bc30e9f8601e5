"""Whether an image can be built without root: neither the caller's nor a daemon's."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.building import built, no_way_is_known, order_of
from evaluation.probes.judging import DETAIL, functional


def observe(session: Session) -> None:
    """Build, and look as whom the step ran."""
    if no_way_is_known(session):
        return
    with built(session, order_of(session)) as found:
        session.record("unprivileged", found.ok and not found.host_root, evidence=found.done)
        told = "its step ran as the host's own root, by the daemon" if found.host_root else found.how
        session.record(DETAIL, told if found.ok else found.told, evidence=found.done)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where it was built and nobody was the host's root."""
    return functional(
        own,
        others,
        "unprivileged",
        works="an image is built without root",
        fails="an image is not built without root",
    )


PROBE = Probe(
    id="unprivileged_build",
    version=1,
    question="Can an ordinary user build an image on top of another, without anybody's root?",
    why=(
        "A Release Manager who may build must not need, or be handed, the host's root: whoever's build step "
        "runs as root can do to the building machine what root can."
    ),
    method=(
        "The measuring user builds an image of one step on the xs image, in the runtime's own way. The step "
        "writes a random word and its own user id map into the image, and a container of that image gives "
        "them back. It holds where the word comes back and the map is not that of the first user namespace, "
        "in which root is the host's. There is no control on the bare host, which builds no images."
    ),
    remedy=(
        "Build with Podman, Apptainer --fakeroot or ch-image, which want subordinate ids or a user namespace "
        "alone; or let Docker build in a rootless daemon or on a machine of its own."
    ),
    observe=observe,
    judge=judge,
    image="xs",
    repeat="once",
    quick=False,  # a second or two in every mode, and the answer does not change between runs
    references=(
        Reference(
            title="user_namespaces(7)", url="https://man7.org/linux/man-pages/man7/user_namespaces.7.html"
        ),
    ),
)
