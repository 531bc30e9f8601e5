"""Whether an image can be built over and over by a program: no terminal, no question, nobody to answer."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.building import built, no_way_is_known, order_of
from evaluation.probes.judging import DETAIL, functional


def observe(session: Session) -> None:
    """Build twice into the same place, with nothing on standard input and no terminal."""
    if no_way_is_known(session):
        return
    with built(session, order_of(session, times=2)) as found:
        session.record("automated", found.ok, evidence=found.done)
        session.record(DETAIL, found.how if found.ok else found.told, evidence=found.done)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where both builds ended well by themselves."""
    return functional(
        own,
        others,
        "automated",
        works="an image is built twice by a program, and nobody is asked",
        fails="a program cannot build an image twice",
    )


PROBE = Probe(
    id="automated_build",
    version=1,
    question="Can a program build an image and build it again, without a terminal and with nobody to answer?",
    why=(
        "Releases are made at night by a program. A builder that asks before it overwrites yesterday's "
        "image, or wants a terminal or a password, waits until somebody comes."
    ),
    method=(
        "The measuring user, in a session without a terminal and with an empty standard input, builds an "
        "image of one step on the xs image twice into the same name or file. It holds where both builds end "
        "with 0 and the second one's image runs. The message names the options that it took. There is "
        "no control on the bare host, which builds no images."
    ),
    remedy="Give the option that overwrites (apptainer build --force), and run it where no terminal is.",
    observe=observe,
    judge=judge,
    image="xs",
    repeat="once",
    quick=False,  # as unprivileged_build
    references=(
        Reference(
            title="apptainer build, --force",
            url="https://apptainer.org/docs/user/main/cli/apptainer_build.html",
        ),
    ),
)
