"""A unit of work at a reduced size: everything that the model of losses adds up, done in one container.

The model (`evaluation.decide.losses`) adds up what starting, importing, files, system calls and computing
cost, each priced by a probe of its own. Whether the sum is what a job really loses is asked here: the same
parts are done one after the other in one container, and the whole is timed from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.payload.build import IMPORT_STORM
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Answer, read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, relative
from evaluation.probes.timing import LIBRARY

__all__ = ["INTERPRETER", "LARGEST_BYTES", "Size", "unit_of_work"]

INTERPRETER = "python3"
"""A bare name: on the host it is run out of the unpacked image tree, through that tree's own loader."""

LARGEST_BYTES = 65_536
"""Larger files are left out of the walk, as in metadata_rate."""

_DONE = ("modules", "files", "opens", "calls", "rounds", "written")
"""What is counted of the work of a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much one turn does: opens of files, system calls, rounds of arithmetic."""

    opens: int
    calls: int
    rounds: int


def unit_of_work(id_: str, title: str, size: Size) -> Probe:
    """Make the probe of one use case.

    Parameters
    ----------
    id_ : str
        The stem of the file that defines it.
    title : str
        What it stands for, as in "a job of L1Proc".
    size : Size
        The parts that differ from use case to use case; one start, one program's imports and one look at
        every file of a tree belong to each.
    """

    def observe(session: Session) -> None:
        """Do every part in one container, and time the whole from outside."""
        program = f"{session.payload_inside}/{PAYLOAD}"
        parts = (
            ("cd", session.image_path("/")),
            ("walk", LIBRARY, str(LARGEST_BYTES)),
            ("opens", LIBRARY, str(size.opens), "1"),
            ("syscalls", str(size.calls), "1"),
            ("cpu", str(size.rounds), "1"),
            ("write", f"{session.work_inside}/written", "done"),
        )
        words = [word for part in parts for word in ("--", *part)][1:]
        argv = (INTERPRETER, "-B", f"{session.payload_inside}/{IMPORT_STORM}", "then", program, *words)
        completed = session.launch(argv)
        answer = read_answer(completed)
        done = _done(answer)
        missing = [name for name in _DONE if not done.get(name)]
        if answer.problem or missing:
            said = answer.problem or f"not all of the work was done: no {', '.join(missing)}"
            session.record(PROBLEM, said, evidence=(completed,))
            return
        session.record("whole", completed.evidence.duration_s, "s", evidence=(completed,))
        for name, value in done.items():
            session.record(name, value, "1", evidence=(completed,))

    return Probe(
        id=id_,
        version=1,
        question=f"How long does {title} take, at a reduced size, done as a whole?",
        why=(
            "The report adds up what a unit of work loses from what its parts cost, each timed apart. A sum "
            "may miss what the parts do to each other, so the whole is done too, and held against it."
        ),
        method=(
            "In one container the image's own python3 imports the modules of import_storm; then a static "
            f"program takes its place, which looks at every small file of /{LIBRARY} as metadata_rate does, "
            f"opens {size.opens:,} files as open_rate does, makes {size.calls:,} system calls, does "
            f"{size.rounds:,} rounds of arithmetic as cpu_rate does, and writes a small file on a bind. "
            "The value is the wall time of all of it, from starting the client to the end of the process. "
            "The control does the same bare in the same block, from the unpacked image tree. A turn counts "
            "only if every part was done without an error and as much of it as on the bare host."
        ),
        remedy="See the remedies of the parts, which are timed one by one: begin with the largest.",
        observe=observe,
        judge=_judge,
        unit="s",
        needs=("image", "payload"),
        checks=True,
    )


def _done(answer: Answer) -> dict[str, int | str | None]:
    """Count what was done; nothing stands for a part that failed."""
    imports, walk, opens = answer.first("imports"), answer.first("walk"), answer.first("opens")
    calls, cpu, write = answer.first("syscalls"), answer.first("cpu"), answer.first("write")
    return {
        "modules": imports.integer("modules") if imports and not imports.fields.get("failed") else None,
        "started_with": imports.integer("started_with") if imports else None,
        "files": walk.integer("files") if walk and not walk.integer("errors") else None,
        "opens": opens.integer("calls") if opens and not opens.integer("errors") else None,
        "calls": calls.integer("calls") if calls else None,
        "rounds": cpu.integer("rounds") if cpu else None,
        "checksum": cpu.text("checksum") if cpu else None,
        "written": int(write.ok) if write else None,
    }


def _judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the seconds of the whole per block, and what was done in them."""
    judgement = relative(own, others, "whole", same_work=(*_DONE, "checksum"))
    if judgement.samples is None:
        return judgement
    return Judgement(
        outcome=judgement.outcome,
        message=judgement.message,
        samples=judgement.samples,
        work={
            "cold_start": 1.0,
            "import_storm": 1.0,
            "metadata_rate": _number(own, "files"),
            "open_rate": _number(own, "opens"),
            "syscall_rate": _number(own, "calls"),
            "cpu_rate": _number(own, "rounds"),
        },
    )


def _number(own: Observations, name: str) -> float:
    value = own.last(name)
    return float(value) if isinstance(value, int | float) else 0.0
