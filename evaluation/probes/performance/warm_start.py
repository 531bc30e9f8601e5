"""How long a start takes when the same image was started a moment ago."""

import statistics
from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, relative

COMMAND = ("/bin/true",)
STARTS = 3
"""Counted starts of a turn, after one that is not."""


def observe(session: Session) -> None:
    """Launch once to warm everything up, then several times on end."""
    for number in range(STARTS + 1):
        completed = session.launch(COMMAND)
        if not completed.ok or completed.stdout:
            status = completed.evidence.exit_status
            session.record(
                PROBLEM, f"{COMMAND[0]} did not run cleanly (exit status {status})", evidence=(completed,)
            )
            return
        name = "start" if number else "first"
        session.record(
            name, completed.evidence.duration_s, "s", evidence=(completed,), repetition=max(number - 1, 0)
        )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the median of the seconds per block, and the first start of the turns for comparison."""
    judgement = relative(own, others, "start")
    first = [value for value in own.values("first") if isinstance(value, float)]
    if judgement.samples is None or not first:
        return judgement
    words = f"{judgement.message}; the start before them took {statistics.median(first):.3g} s"
    return Judgement(outcome=judgement.outcome, message=words, samples=judgement.samples)


PROBE = Probe(
    id="warm_start",
    version=1,
    question="How long does a start take when the same image was started a moment ago?",
    why=(
        "A shell loop or a workflow engine starts the same image again and again on one node. What a "
        "runtime keeps between two starts (mounts, caches, a running daemon) shows only there, and the "
        "difference to cold_start is what a pause costs."
    ),
    method=(
        f"In one turn /bin/true is launched {STARTS + 1} times on end, without binds, in a new container "
        f"each time. The first launch warms up and is kept apart; the value is the median of the next "
        f"{STARTS}. cold_start is the first launch after the other runtimes had their turns. The control is "
        "the same program run bare in the same block. A turn counts only if every exit status is 0 and "
        "nothing was printed."
    ),
    remedy=(
        "Put several steps into one container: even a warm start is paid at each of them; where it is no "
        "faster than a cold one, nothing is kept between starts."
    ),
    observe=observe,
    judge=judge,
    unit="s",
    bare=True,
    quick=False,
    beside=True,
)
