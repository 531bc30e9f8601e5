"""How long the imports of an analysis take."""

from collections.abc import Mapping

from evaluation.payload.build import IMPORT_FRESH
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import relative
from evaluation.probes.timing import record_lines

INTERPRETER = "python3"


def observe(session: Session) -> None:
    """Import the physics stack, in a fresh container."""
    script = f"{session.payload_inside}/{IMPORT_FRESH}"
    completed = session.launch((INTERPRETER, "-B", script), timeout_s=120.0)
    record_lines(
        session,
        completed,
        "imports",
        name="imports",
        unit="s",
        worth=lambda _, elapsed_s: elapsed_s,
        checks=("modules",),
    )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the seconds per block, if as many modules were loaded."""
    return relative(own, others, "imports", same_work=("modules",))


PROBE = Probe(
    id="import_fresh",
    version=1,
    question="How long does a physics analysis take to import its modules in a fresh container?",
    why=(
        "numpy, awkward, uproot and two generators are what an analysis of today starts with: thousands "
        "of files and hundreds of megabytes of libraries. It is the wait before the first line of a "
        "notebook."
    ),
    method=(
        "The python3 of the med image (-B: no bytecode is written) imports numpy, awkward, uproot, "
        "pythia8mc and chromo in a fresh container. The value is the time of the imports alone, taken "
        "inside; the page cache is warm from earlier blocks. The control is the interpreter of the "
        "unpacked tree, run bare. A turn counts only if all of them were imported and as many modules "
        "were loaded as by the control."
    ),
    remedy=(
        "Use a form whose files the kernel serves itself, ship bytecode in the image, and import late "
        "what is used late."
    ),
    observe=observe,
    judge=judge,
    unit="s",
    needs=("image",),
    image="med",
    quick=False,
)
