"""How long it takes until a command has run and ended."""

from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, relative
from evaluation.reasons import last_words

COMMAND = ("/bin/true",)


def observe(session: Session) -> None:
    """Launch the smallest program there is, without any bind."""
    completed = session.launch(COMMAND)
    if not completed.ok or completed.stdout:
        message = f"{COMMAND[0]} did not run cleanly ({last_words(completed)})"
        session.record(PROBLEM, message, evidence=(completed,))
        return
    session.record("start", completed.evidence.duration_s, "s", evidence=(completed,))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the seconds per block."""
    return relative(own, others, "start")


PROBE = Probe(
    id="cold_start",
    version=1,
    question="How long does it take to start a container, run /bin/true in it, and have it end?",
    why=(
        "Every batch job pays this once, and a workflow of many short steps pays it at every step: a "
        "pipeline that starts ten thousand processes of a second each loses hours to a start-up of half a "
        "second."
    ),
    method=(
        "The wall time from starting the client to the end of the process, on a monotonic clock, for "
        "/bin/true without binds in a new container each time. The image is already on the machine in the "
        "runtime's own form. The control is the same program run bare in the same block. A turn counts "
        "only if the exit status is 0 and nothing was printed."
    ),
    remedy=(
        "Put several steps into one container, use the runtime's directory form in place of an image file, "
        "and leave out what the job does not need (a network of its own is a large part of an engine's "
        "start-up)."
    ),
    observe=observe,
    judge=judge,
    unit="s",
    bare=True,
    modes=True,
    beside=True,
)
