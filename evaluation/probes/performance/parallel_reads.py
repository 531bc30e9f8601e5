"""What it costs to read a file of the image while others read too."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import relative
from evaluation.probes.timing import LIBRARY, record_lines, run_in_image

READERS = 4
CALLS = 300
"""Few: on fewer cores than readers a turn itself makes the machine short of them, which sets blocks aside."""
REPETITIONS = 5


def observe(session: Session) -> None:
    """Time several readers that start together."""
    words = ("reads", LIBRARY, str(CALLS), str(REPETITIONS), str(READERS))
    record_lines(
        session,
        run_in_image(session, *words),
        "reads",
        name="per_read",
        unit="ns",
        worth=lambda _, elapsed_s: elapsed_s * 1e9 / CALLS,
        repetitions=REPETITIONS,
        checks=("files", "bytes", "readers"),
    )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the nanoseconds per file per block, if as many files and bytes were read by as many readers."""
    return relative(own, others, "per_read", same_work=("files", "bytes", "readers"))


PROBE = Probe(
    id="parallel_reads",
    version=1,
    question=f"What does it cost to read a small file of the image while {READERS} processes do so at once?",
    why=(
        "A node runs many jobs, and all of them read their software from the image. The kernel serves them "
        "side by side; a process in user space that mounts the image serves them in turn, and the more so "
        "where it has one thread. A figure of a single reader hides that."
    ),
    method=(
        f"A static program starts {READERS} processes, which wait for one signal and then each open, read to "
        f"the end and close {CALLS:,} files: every regular file in /{LIBRARY} of the image, by name, each "
        "process beginning with another one. The value is the time until the last has ended, divided by "
        f"{CALLS:,}: what one file costs one of them. That is done {REPETITIONS} times over; the median of a "
        "block's repetitions counts. The page cache is warm from the first repetition on, and nothing is "
        "pinned: on fewer cores than readers they wait for cores too, on the bare host as well. The control "
        "does the same in the unpacked tree, bare, by paths of the same length. A turn counts only without "
        "an error and with the control's numbers of files and bytes."
    ),
    remedy=(
        "Let the site mount image files by the kernel, or run from an unpacked directory on local disk. With "
        "FUSE, use a squashfuse_ll that was built with several threads (--enable-multithreading)."
    ),
    observe=observe,
    judge=judge,
    unit="ns",
    needs=("image", "payload"),
    references=(
        Reference(
            title="Apptainer issue 665: 25 min by a kernel mount, 24 min unpacked, 2 h 50 min by squashfuse",
            url="https://github.com/apptainer/apptainer/issues/665",
        ),
        Reference(
            title="squashfuse pull request 70: several threads for squashfuse_ll",
            url="https://github.com/vasi/squashfuse/pull/70",
        ),
    ),
)
