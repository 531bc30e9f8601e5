"""How much room the image takes in the runtime's own form."""

from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, UNAVAILABLE, relative


def observe(session: Session) -> None:
    """Read what was recorded when the form was made."""
    form = session.form
    if form is None:
        session.record(PROBLEM, "nothing was recorded about the image's form")
    elif form.size_bytes is None:
        session.record(UNAVAILABLE, "nobody knows the size of this form")
    else:
        session.record("size", form.size_bytes, "bytes")


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the one figure."""
    return relative(own, others, "size")


PROBE = Probe(
    id="image_size",
    version=1,
    question="How many bytes does the image take on disk in the form that this runtime runs?",
    why=(
        "Quotas of home directories and disks of worker nodes are small beside the software of an "
        "experiment, and some runtimes keep a copy for every user."
    ),
    method=(
        "The bytes of this form on disk (du) or as its engine's store tells them, as recorded when the "
        "form was made. An exact figure, taken once. The control is the unpacked tree."
    ),
    remedy=(
        "Use a compressed image file, leave documentation and static libraries out of the image, and "
        "remove old images from the store."
    ),
    observe=observe,
    judge=judge,
    unit="bytes",
    repeat="once",
)
