"""What the first job with a new image costs in all."""

from collections.abc import Mapping

from evaluation.payload.build import IMPORT_STORM
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.controlgroups import cpu_of_processes_s, cpu_used_s
from evaluation.probes.judging import PROBLEM, UNAVAILABLE, relative
from evaluation.units import quantity

INTERPRETER = "python3"


def observe(session: Session) -> None:
    """Run the import program once, with the engine's CPU time before and after."""
    if session.form is None:
        session.record(PROBLEM, "nothing was recorded about the image's form")
        return
    if session.form.convert_s is None:
        session.record(UNAVAILABLE, "nobody timed the making of this form")
        return
    before = cpu_of_processes_s(session.engine_processes)
    completed = session.launch((INTERPRETER, "-B", f"{session.payload_inside}/{IMPORT_STORM}"))
    engine_s = cpu_used_s(before, cpu_of_processes_s(session.engine_processes))
    answer = read_answer(completed)
    line = answer.first("imports")
    elapsed_ns = line.integer("elapsed_ns") if line else None
    if line is None or not elapsed_ns or line.fields.get("failed"):
        session.record(PROBLEM, answer.problem or "the imports failed", evidence=(completed,))
        return
    wall_s = completed.evidence.duration_s
    session.record("convert", session.form.convert_s, "s", evidence=(completed,))
    session.record("launch", wall_s, "s", evidence=(completed,))
    session.record("imports", elapsed_ns / 1e9, "s", evidence=(completed,))
    session.record("whole", session.form.convert_s + wall_s, "s", evidence=(completed,))
    session.record("modules", line.integer("modules"), "1", evidence=(completed,))
    if engine_s is not None:
        session.record("engine_cpu", engine_s, "s", evidence=(completed,))
    session.record("client_cpu", completed.evidence.cpu_s, "s", evidence=(completed,))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the whole wall time per block, and its parts in words."""
    judgement = relative(own, others, "whole", same_work=("modules",))
    if judgement.samples is None:
        return judgement
    parts = [f"{told} {_middle(own, name)}" for name, told in PARTS.items()]
    words = f"{judgement.message}: {', '.join(parts)}"
    return Judgement(outcome=judgement.outcome, message=words, samples=judgement.samples)


PARTS = {
    "convert": "converting",
    "launch": "start, imports and teardown",
    "imports": "of which imports",
    "client_cpu": "CPU of client and payload",
    "engine_cpu": "CPU of the engine's daemons",
}


def _middle(own: Observations, name: str) -> str:
    values = sorted(value for value in own.values(name) if isinstance(value, int | float))
    return quantity(values[len(values) // 2], "s") if values else "not measurable"


PROBE = Probe(
    id="launch_cost",
    version=1,
    question="What does the first job with a new image cost in all?",
    why=(
        "A runtime may start in no time because its image took minutes to make, or because a daemon works "
        "on another account. Who pays for nodes pays for all of it."
    ),
    method=(
        "The wall time that the form of the image took to make, as recorded then, plus that of one launch "
        "of the import program of import_storm: start, first imports and teardown until the client has "
        "ended. Beside it stand the CPU time of the client with its children (rusage) and, apart, that of "
        "the engine's daemons (from /proc, before and after: whoever else uses the engine meanwhile is in "
        "it, its helper processes are not); where there is no figure it is not measurable. The parts are "
        "weighed by probes of their own, so this has no weight. The control is the unpacked tree, run bare."
    ),
    remedy=(
        "Convert once per site and hand the form out, start several steps in one container, and look at "
        "which part is the largest."
    ),
    observe=observe,
    judge=judge,
    unit="s",
    needs=("image", "payload"),
    quick=False,
)
