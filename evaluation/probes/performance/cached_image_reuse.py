"""What it costs to ask again for an image that is here already."""

import os
from collections.abc import Mapping

from evaluation.probes.base import Completed, Judgement, Observations, Probe, Session
from evaluation.probes.canaries import root_directory
from evaluation.probes.canaryimage import CanaryImage, forget, require_images, said, without_cache, word_in
from evaluation.probes.judging import PROBLEM, UNAVAILABLE, relative

_NOISE_BYTES = 48 * 2**20
"""Large enough that moving it takes longer than starting the client."""
_PATIENCE_S = 300.0


def observe(session: Session) -> None:
    """Make the runtime's form of a fresh image twice in the same place, and take the time of both."""
    require_images(session)
    image = CanaryImage(noise=os.urandom(_NOISE_BYTES))
    with root_directory() as folder:
        if folder is None:
            session.record(UNAVAILABLE, "this host has no temporary directory")
            return
        preparation = session.adapter.prepare(image.archives(folder), str(session.work / "forms"))
        session.on_host(("mkdir", "-p", str(session.work / "forms")))
        done: list[Completed] = []
        try:
            for _ in range(2):
                for step in preparation.steps:
                    done.append(session.on_host(without_cache(step), timeout_s=_PATIENCE_S))
                    if not done[-1].ok:
                        session.record(PROBLEM, f"it cannot be made: {said(done[-1])}", evidence=done)
                        return
            word, last = word_in(session, preparation.reference)
            if word != image.word:
                session.record(PROBLEM, f"it does not run after both: {said(last)}", evidence=done)
                return
        finally:
            forget(session, image.name)
    half = len(done) // 2
    first, again = (sum(each.evidence.duration_s for each in part) for part in (done[:half], done[half:]))
    session.record("first", first, "s", evidence=done)
    session.record("again", again, "s", evidence=done)
    session.record("reuse", again / first, "1", evidence=done)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the ratio of the second time to the first."""
    return relative(own, others, "reuse")


PROBE = Probe(
    id="cached_image_reuse",
    version=1,
    question="What share of the first time does it take to ask again for an image that is here already?",
    why=(
        "Every job that names an image asks for it again. A store that knows its layers answers at once; "
        "where a file or a tree is made anew, each asking costs what the first did, unless somebody keeps "
        "count of what is there."
    ),
    method=(
        "A fresh image of 48 MB of random bytes is turned into the runtime's own form twice in the same "
        "place, by its own commands, with its cache of downloads off. The value is the second time over the "
        "first: 0 costs nothing, 1 is done anew. What is made then runs and gives back a random word, else "
        "nothing is said. The control is the first time itself; the bare host keeps no images."
    ),
    remedy="Ask the store before converting, and hand out what was made once by its digest.",
    observe=observe,
    judge=judge,
    needs=("payload",),
    unit="1",
    repeat="once",
    quick=False,  # a second or two of writing in every mode
)
