"""Whether an image can be built on one that is here, with no network."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.building import built, no_way_is_known, order_of
from evaluation.probes.judging import DETAIL, functional


def observe(session: Session) -> None:
    """Build with no way to a registry, and look what network the step had."""
    if no_way_is_known(session):
        return
    with built(session, order_of(session)) as found:
        session.record("offline", found.ok, evidence=found.done)
        if found.ok:
            session.record("interfaces", ", ".join(found.interfaces), evidence=found.done)
        alone = set(found.interfaces) <= {"lo"}
        network = "its step saw no network" if alone else "its step could not be kept from the host's network"
        session.record(DETAIL, network if found.ok else found.told, evidence=found.done)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where it was built."""
    return functional(
        own,
        others,
        "offline",
        works="an image is built with no network",
        fails="an image is not built with no network",
    )


PROBE = Probe(
    id="offline_build",
    version=1,
    question="Can an image be built on top of one that is here, without asking anybody on a network?",
    why=(
        "Build machines and worker nodes of centres often reach no registry. A builder that asks for the "
        "newest base before each build stops there, or builds something else than yesterday."
    ),
    method=(
        "The measuring user builds an image of one step on the xs image, as the runtime has it, with proxies "
        "set at which nobody listens, and with the step's own network switched off where the builder has an "
        "option for that. It holds where what was built runs and gives back a random word. The message says "
        "whether the step still saw the host's network. A daemon heeds the proxies of its own service and "
        "not the client's; it is not asked to pull. "
        "There is no control on the bare host, which builds no images."
    ),
    remedy=(
        "Keep the base in the local store or as a file, and forbid pulling (podman build --pull=never; "
        "Apptainer: Bootstrap: localimage)."
    ),
    observe=observe,
    judge=judge,
    image="xs",
    repeat="once",
    quick=False,  # as unprivileged_build
    references=(
        Reference(
            title="podman-build(1), --network, --pull",
            url="https://docs.podman.io/en/latest/markdown/podman-build.1.html",
        ),
    ),
)
