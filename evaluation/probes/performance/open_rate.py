"""What it costs to open a file of the image."""

from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import relative
from evaluation.probes.timing import LIBRARY, record_cost, run_in_image

CALLS = 5_000
REPETITIONS = 5


def observe(session: Session) -> None:
    """Time a loop of opens."""
    completed = run_in_image(session, "opens", LIBRARY, str(CALLS), str(REPETITIONS))
    record_cost(session, completed, "opens", name="per_open", calls=CALLS, repetitions=REPETITIONS)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the nanoseconds per open per block, if as many files were opened."""
    return relative(own, others, "per_open", same_work=("files",))


PROBE = Probe(
    id="open_rate",
    version=1,
    question="What does it cost to open and close a file of the image?",
    why=(
        "Software stacks are opened file by file: imports, set-up scripts, calibration trees. Where the "
        "image is served by a process in user space every single open has to wake that process up, and no "
        "cache of the kernel helps."
    ),
    method=(
        f"A static program opens and closes every regular file in /{LIBRARY} of the image in turn, "
        f"{CALLS:,} times, {REPETITIONS} times over. The value is the time per pair; the median of a "
        "block's repetitions counts. Nothing is pinned. The control does the same in the unpacked tree, "
        "bare, by paths of the same length. A turn counts only without an error and with the control's "
        "number of files."
    ),
    remedy=(
        "Use a directory on local disk or a kernel mount of the image file in place of squashfuse, or "
        "collect what is opened into fewer files."
    ),
    observe=observe,
    judge=judge,
    unit="ns",
    needs=("image", "payload"),
    beside=True,
)
