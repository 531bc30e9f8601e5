"""How long it took to make the runtime's own form of the image."""

from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, UNAVAILABLE, relative


def observe(session: Session) -> None:
    """Read what was recorded when the form was made."""
    form = session.form
    if form is None:
        session.record(PROBLEM, "nothing was recorded about the image's form")
    elif form.convert_s is None:
        session.record(UNAVAILABLE, "nobody timed the making of this form")
    else:
        session.record("convert", form.convert_s, "s")


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the one figure."""
    return relative(own, others, "convert")


PROBE = Probe(
    id="image_convert",
    version=1,
    question="How long does it take to turn the image into the form that this runtime runs?",
    why=(
        "A new release of the software is converted once per site, or, where every user does it, once per "
        "user. Compressing a gigabyte into one file takes minutes that nobody planned for."
    ),
    method=(
        "The wall time of the commands that turned the neutral archive into this runtime's form (docker "
        "load, podman load, apptainer build, ch-convert), as it was recorded when the form was made: "
        "once, so there is no interval, and a form that was kept from an earlier run keeps its time. "
        "The control is the time of unpacking the tree with tar."
    ),
    remedy=(
        "Choose zstd for image files, convert on one machine and hand the result out, and keep layers small."
    ),
    observe=observe,
    judge=judge,
    unit="s",
    repeat="once",
)
