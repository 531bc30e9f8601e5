"""How many small files of the image can be looked up and read per second."""

from collections.abc import Mapping

from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, relative
from evaluation.probes.timing import run_in_image

TREE = "usr/lib/python3.11"
"""The standard library of Debian 12's python3: some 1,300 small files that every form holds alike."""

LARGEST_BYTES = 65_536
"""Larger files are left out: this is about metadata, not about reading speed."""


def observe(session: Session) -> None:
    """Walk the tree once, in a fresh container."""
    completed = run_in_image(session, "walk", TREE, str(LARGEST_BYTES))
    answer = read_answer(completed)
    line = answer.first("walk")
    files, elapsed_ns = (line.integer("files"), line.integer("elapsed_ns")) if line else (None, None)
    if line is None or not files or not elapsed_ns or line.integer("errors") != 0:
        seen = f"the walk over /{TREE} read {files} files, errors: {line.integer('errors') if line else '?'}"
        session.record(PROBLEM, answer.problem or seen, evidence=(completed,))
        return
    session.record("files_per_second", files / elapsed_ns * 1e9, "files/s", evidence=(completed,))
    for count in ("files", "directories", "bytes"):
        session.record(count, line.integer(count), "1", evidence=(completed,))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the files per second per block, if the same tree was read."""
    return relative(own, others, "files_per_second", same_work=("files", "directories", "bytes"))


PROBE = Probe(
    id="metadata_rate",
    version=2,
    question="How many small files of the image can a job look up, open and read per second?",
    why=(
        "Software stacks are tens of thousands of small files: compiling, importing and listing a release "
        "area are bound by look-ups, not by bandwidth. A runtime that serves its image through a "
        "user-space file system can be many times slower here and show nothing in a bandwidth test."
    ),
    method=(
        f"One pass over /{TREE} of the image: every entry is looked up (lstat), every regular file of at "
        f"most {LARGEST_BYTES // 1024} KiB is opened, read and closed, by one static program in one "
        "thread. It is the first pass of a fresh container; the host's page cache is warm from earlier "
        "blocks. The control walks the same tree of the unpacked image on the bare host, by paths of "
        "the same length. A turn counts only without a single error and with the control's counts of "
        "files, directories and bytes."
    ),
    remedy=(
        "Run from an unpacked directory on local disk, or let the site mount image files by the kernel (a "
        "setuid starter or a squashfs driver) in place of squashfuse."
    ),
    observe=observe,
    judge=judge,
    unit="files/s",
    needs=("image", "payload"),
    beside=True,
)
