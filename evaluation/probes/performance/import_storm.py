"""How long a Python program takes to import a broad set of modules."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.payload.build import IMPORT_STORM
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, relative

INTERPRETER = "python3"
"""A bare name: on the host it is run out of the unpacked image tree, through that tree's own loader."""


def observe(session: Session) -> None:
    """Run the import program under the image's own interpreter, in a fresh container."""
    argv = (INTERPRETER, "-B", f"{session.payload_inside}/{IMPORT_STORM}")
    completed = session.launch(argv)
    answer = read_answer(completed)
    line = answer.first("imports")
    elapsed_ns = line.integer("elapsed_ns") if line else None
    if line is None or not elapsed_ns or line.fields.get("failed"):
        failed = f"these modules did not import: {line.fields['failed']}" if line else "no imports reported"
        session.record(PROBLEM, answer.problem or failed, evidence=(completed,))
        return
    session.record("imports", elapsed_ns / 1e9, "s", evidence=(completed,))
    session.record("launch", completed.evidence.duration_s, "s", evidence=(completed,))
    for count in ("modules", "files", "compiled"):
        session.record(count, line.integer(count), "1", evidence=(completed,))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the seconds per block, if the same modules from as many files were loaded."""
    return relative(own, others, "imports", same_work=("modules", "files", "compiled"))


PROBE = Probe(
    id="import_storm",
    version=1,
    question="How long does a Python program take to import its modules in a fresh container?",
    why=(
        "Analysis frameworks import hundreds of small files before they do anything. On a file system "
        "where each look-up is slow this is the start-up that users feel, and thousands of jobs doing it "
        "at once are what brings a shared file system down."
    ),
    method=(
        "The image's own python3 (-B: no bytecode is written) imports a fixed list of about a hundred "
        "modules of its standard library, which loads nearly three hundred. The value is the time of the "
        "imports alone, taken inside; the duration of the whole launch is kept beside it. First imports of "
        "a fresh container; the host's page cache is warm from earlier blocks. The control is the "
        "interpreter of the unpacked image tree, run bare. A turn counts only if every module was "
        "imported, and the counts of modules, files and bytecode files are those of the control."
    ),
    remedy=(
        "Use a form whose files the kernel serves itself (a directory on local disk, or a kernel squashfs "
        "mount) in place of a FUSE mount; ship bytecode in the image; collect what is imported into fewer "
        "files."
    ),
    observe=observe,
    judge=judge,
    unit="s",
    needs=("image",),
    references=(
        Reference(
            title="Environment Modules cookbook: Reduce I/O load",
            url="https://modules.readthedocs.io/en/latest/cookbook/reduce-io-load.html",
        ),
    ),
)
