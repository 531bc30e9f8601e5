"""How long imports take when the image has to come from disk."""

from collections.abc import Mapping

from evaluation.payload.build import IMPORT_STORM
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import relative
from evaluation.probes.timing import MOST_RESIDENT, evict, record_lines

INTERPRETER = "python3"


def observe(session: Session) -> None:
    """Put the form out of the page cache, then import."""
    if not evict(session):
        return
    script = f"{session.payload_inside}/{IMPORT_STORM}"
    completed = session.launch((INTERPRETER, "-B", script), timeout_s=120.0)
    record_lines(
        session,
        completed,
        "imports",
        name="imports",
        unit="s",
        worth=lambda _, elapsed_s: elapsed_s,
        checks=("modules", "files", "compiled"),
    )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the seconds per block, if the same modules from as many files were loaded."""
    return relative(own, others, "imports", same_work=("modules", "files", "compiled"))


PROBE = Probe(
    id="import_cold",
    version=1,
    question="How long do Python imports take when nothing of the image is in memory?",
    why=(
        "The first job on a node, and every job on a node that is short of memory, reads the image from "
        "disk or from the shared file system. A compressed image file reads fewer bytes, a directory more "
        "of them in more places."
    ),
    method=(
        "Before the turn the kernel is asked to forget the pages of the files of this form, and of no "
        "others (posix_fadvise, POSIX_FADV_DONTNEED, checked by mincore); then the import program of "
        "import_storm runs in a fresh container. The value is the time of the imports alone. Where the "
        "image lies in an engine's store, which a user cannot reach, it is not measurable. The control "
        f"does the same with the unpacked tree, bare. A turn counts only if at most {MOST_RESIDENT:.0%} of "
        "the bytes stayed in memory and the control's modules were loaded."
    ),
    remedy=(
        "Copy the image file to the node's own disk before the job, or keep jobs of the same image on the "
        "same nodes."
    ),
    observe=observe,
    judge=judge,
    unit="s",
    needs=("image", "payload"),
    quick=False,
)
