"""How long the first start of a new image takes."""

from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, UNAVAILABLE, relative


def observe(session: Session) -> None:
    """Read what was recorded when the form was made."""
    form = session.form
    if form is None:
        session.record(PROBLEM, "nothing was recorded about the image's form")
    elif form.first_start_s is None:
        session.record(
            UNAVAILABLE, "the form was made by an earlier version, which did not time its first start"
        )
    else:
        session.record("first_start", form.first_start_s, "s")


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the one figure."""
    return relative(own, others, "first_start")


PROBE = Probe(
    id="first_start_after_load",
    version=1,
    question="How long does the very first start take after the image was converted or loaded?",
    why=(
        "Some runtimes put work off until the first start: they copy files for another user id, unpack "
        "layers or fill a cache. Who only measures repeated starts never sees it, but the first job on "
        "every node does."
    ),
    method=(
        "The wall time of the first launch of /bin/true after this form was made, as recorded by the "
        "preparation of the run: it cannot be a turn, because every further launch is no longer the "
        "first. Taken once, so there is no interval; a form that was kept from an earlier run keeps its "
        "time. The control is the first run of the program after the tree was unpacked."
    ),
    remedy=(
        "Start a new image once on every node before the jobs come; prefer modes that do not map files to "
        "other owners."
    ),
    observe=observe,
    judge=judge,
    unit="s",
    repeat="once",
)
