"""Whether a debugger can stop a program and look into it."""

from collections.abc import Mapping

from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import DETAIL, PROBLEM, functional
from evaluation.probes.timing import lacks

SCRIPT = ("-ex", "break main", "-ex", "run", "-ex", "print 6 * 7", "-ex", "continue")
STOPPED, COMPUTED, ENDED = "Breakpoint 1, ", "$1 = 42", '{"done": true}'


def observe(session: Session) -> None:
    """Debug the payload itself."""
    if lacks(session, "gdb"):
        return
    program = f"{session.payload_inside}/{PAYLOAD}"
    argv = ("gdb", "--nx", "--batch", *SCRIPT, "--args", program, "getenv", "HOME")
    completed = session.launch(argv, env={"SHELL": "/bin/sh"})
    said = (completed.stdout + completed.stderr).decode("utf-8", "replace")
    if completed.failure or completed.evidence.timed_out:
        session.record(PROBLEM, completed.failure or "gdb did not end", evidence=(completed,))
        return
    seen = [word for word in (STOPPED, COMPUTED, ENDED) if word in said]
    session.record("debugs", len(seen) == 3, evidence=(completed,))
    randomised = "disabling address space randomization" in said
    session.record(
        DETAIL,
        "address randomisation could not be turned off" if randomised else "address randomisation off",
        evidence=(completed,),
    )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where the program was stopped, read and let go."""
    return functional(
        own,
        others,
        "debugs",
        works="gdb stopped the program, computed in it and let it end",
        fails="gdb could not debug a program",
        host="it cannot on the bare host either",
    )


PROBE = Probe(
    id="debugger",
    version=1,
    question="Can gdb stop a program inside, look into it, and let it go on?",
    why=(
        "Developers debug where the libraries are: inside. A debugger needs ptrace, which engines forbid "
        "now and then, and likes to turn address randomisation off, which some refuse while debugging "
        "works all the same."
    ),
    method=(
        "gdb of the image starts the static payload, stops at main, computes 6 * 7 in it and lets it run "
        "to its end. It holds where all three are seen in the output. Whether address randomisation could "
        "be turned off is recorded beside it. The control is the same gdb out of the unpacked tree, bare; "
        "without gdb in the image it is unavailable."
    ),
    remedy=(
        "Allow ptrace: docker run --cap-add SYS_PTRACE, or a seccomp profile that permits it; gdb's 'set "
        "disable-randomization off' silences the warning."
    ),
    observe=observe,
    judge=judge,
    needs=("image", "payload"),
    image="med",
    repeat="once",
)
