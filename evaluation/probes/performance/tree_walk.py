"""How fast a whole tree of the image is walked."""

from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import relative
from evaluation.probes.timing import record_lines, run_in_image

TREE = "usr/lib"


def observe(session: Session) -> None:
    """Walk the tree once, in a fresh container."""
    completed = run_in_image(session, "tree", TREE)
    record_lines(
        session,
        completed,
        "tree",
        name="files_per_second",
        unit="files/s",
        worth=lambda line, elapsed_s: (line.integer("files") or 0) / elapsed_s,
        checks=("files", "directories", "others"),
    )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the files per second per block, if the same tree was walked."""
    return relative(own, others, "files_per_second", same_work=("files", "directories", "others"))


PROBE = Probe(
    id="tree_walk",
    version=1,
    question="How many files of the image can be found per second by walking its whole tree?",
    why=(
        "Indexers, find, tab completion, make and backup walk trees without opening a file. Stacked "
        "layers have to be merged and user-space file systems asked for every directory anew."
    ),
    method=(
        f"A static program walks /{TREE} of the image once with nftw, which lists every directory and asks "
        "for the status of every entry, and opens no file. It is the first walk of a fresh container; the "
        "host's page cache is warm from earlier blocks. The value is regular files found per second. The "
        "control walks the same tree of the unpacked image on the bare host. A turn counts only without "
        "an error and with the control's counts of files, directories and others."
    ),
    remedy=("Run from an unpacked directory on local disk, or let the site mount image files by the kernel."),
    observe=observe,
    judge=judge,
    unit="files/s",
    needs=("image", "payload"),
    quick=False,
)
