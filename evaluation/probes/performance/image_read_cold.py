"""How fast an image is read from disk."""

from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import relative
from evaluation.probes.timing import MOST_RESIDENT, evict, record_lines, run_in_image

TREE = "usr/lib"

ANY_SIZE = str(2**62)


def observe(session: Session) -> None:
    """Put the form out of the page cache, then read it."""
    if not evict(session):
        return
    completed = run_in_image(session, "walk", TREE, ANY_SIZE, timeout_s=300.0)
    record_lines(
        session,
        completed,
        "walk",
        name="bytes_per_second",
        unit="B/s",
        worth=lambda line, elapsed_s: (line.integer("bytes") or 0) / elapsed_s,
        checks=("files", "bytes"),
    )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the bytes per second per block, if the same files were read."""
    return relative(own, others, "bytes_per_second", same_work=("files", "bytes"))


PROBE = Probe(
    id="image_read_cold",
    version=1,
    question="How fast are the files of the image read when nothing of it is in memory?",
    why=(
        "A job that comes to a new node reads its software before it reads its data. A compressed file is "
        "read faster than it is long, if something in user space does not have to unpack it page by page."
    ),
    method=(
        "Before the turn the kernel is asked to forget the pages of this form's files, and of no others; "
        f"then a static program reads every regular file below /{TREE} of the image once, in a fresh "
        "container. The value is bytes read per second. Where the image lies in an engine's store it is "
        "not measurable. The control does the same with the unpacked tree, bare. A turn counts only if at "
        f"most {MOST_RESIDENT:.0%} of the bytes stayed in memory, without an error, and with the control's "
        "count of files and bytes."
    ),
    remedy=(
        "Let the kernel mount the image file in place of squashfuse, choose zstd over gzip when making "
        "it, or unpack it on the node's own disk."
    ),
    observe=observe,
    judge=judge,
    unit="B/s",
    needs=("image", "payload"),
    quick=False,
)
