"""Whether two jobs that want the same new image at once both get it, whole."""

from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.canaries import root_directory
from evaluation.probes.canaryimage import (
    CanaryImage,
    forget,
    made,
    require_images,
    said,
    without_cache,
    word_in,
)
from evaluation.probes.judging import DETAIL, PROBLEM, UNAVAILABLE, functional

_PATIENCE_S = 120.0


def observe(session: Session) -> None:
    """Make the runtime's form of a fresh image twice at once in the same place, and run it."""
    require_images(session)
    image = CanaryImage()
    with root_directory() as folder:
        if folder is None:
            session.record(UNAVAILABLE, "this host has no temporary directory")
            return
        preparation = session.adapter.prepare(image.archives(folder), str(session.work / "forms"))
        session.on_host(("mkdir", "-p", str(session.work / "forms")))
        try:
            if not preparation.steps:
                session.record(PROBLEM, "it is not said how images are made here")
                return
            (*before, last) = preparation.steps
            for step in before:
                session.on_host(without_cache(step), timeout_s=_PATIENCE_S)
            running = [session.start_on_host(without_cache(last)) for _ in range(2)]
            done = [task.wait(_PATIENCE_S) for task in running]
            word, ran = word_in(session, preparation.reference)
        finally:
            forget(session, image.name)
        alone = CanaryImage()
        with made(session, alone.archives(folder), session.work / "alone") as (reference, making):
            if not reference:
                session.record(PROBLEM, f"one alone is not made either: {said(making)}", evidence=done)
                return
    failed = [each for each in done if not each.ok]
    session.record("both", not failed and word == image.word, evidence=(*done, ran))
    if word != image.word:
        ended = f"one ended with: {said(failed[-1])}; " if failed else ""
        told = f"{ended}what is there does not run: {said(ran)}"
    elif failed:
        told = (
            f"one of two ended with {failed[0].evidence.exit_status}: {said(failed[0])}; what is there runs"
        )
    else:
        told = "both ended well, and what is there runs"
    session.record(DETAIL, told, evidence=(*done, ran))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where both ended well and the image runs."""
    return functional(
        own,
        others,
        "both",
        works="two jobs that want the same image at once both get it",
        fails="two jobs that want the same image at once do not both get it",
    )


PROBE = Probe(
    id="concurrent_conversion",
    version=1,
    question="Do two jobs that want the same new image at the same time both get it, whole?",
    why=(
        "A queue releases a hundred jobs in one second, and each finds that the image is not there yet. "
        "Where the second one fails, or both write into one place, jobs die or run on half an image."
    ),
    method=(
        "Two processes of the measuring user turn the same fresh image into the runtime's own form, at the "
        "same time and in the same place. It holds where both end with 0 and the image then runs and gives "
        "back a random word. The control is one alone, which must be made. One pair is no proof that a race "
        "cannot be lost; a failure is proof that it can."
    ),
    remedy="Convert before the jobs are released, or under a lock and into a name that is renamed last.",
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    quick=False,  # as cached_image_reuse
)
