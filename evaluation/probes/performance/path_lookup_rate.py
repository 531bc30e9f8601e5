"""What it costs to look up a file of the image."""

from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import relative
from evaluation.probes.timing import LIBRARY, record_cost, run_in_image

CALLS = 20_000
REPETITIONS = 5


def observe(session: Session) -> None:
    """Time a loop of look-ups."""
    completed = run_in_image(session, "lookups", LIBRARY, str(CALLS), str(REPETITIONS))
    record_cost(session, completed, "lookups", name="per_call", calls=CALLS, repetitions=REPETITIONS)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the nanoseconds per call per block, if as many files were looked up."""
    return relative(own, others, "per_call", same_work=("files",))


PROBE = Probe(
    id="path_lookup_rate",
    version=1,
    question="What does it cost to look up a file of the image by its path?",
    why=(
        "Every import, every include and every shell command asks for many paths that are not even "
        "opened. Mounts stacked on each other and file systems in user space make each of these questions "
        "dearer."
    ),
    method=(
        f"A static program asks for the status (stat) of every regular file in /{LIBRARY} of the image in "
        f"turn, {CALLS:,} times, {REPETITIONS} times over. The value is the time per call; the median of a "
        "block's repetitions counts. The kernel's caches are warm after the first round. The control does "
        "the same in the unpacked tree, bare. A turn counts only without an error and with the control's "
        "number of files."
    ),
    remedy=(
        "Use a directory on local disk or a kernel mount of the image file, and keep search paths (PATH, "
        "PYTHONPATH, LD_LIBRARY_PATH) short."
    ),
    observe=observe,
    judge=judge,
    unit="ns",
    needs=("image", "payload"),
    quick=False,
)
