"""A developer's round: source on a bind is compiled inside, and the program is debugged inside."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.canaries import plant_file
from evaluation.probes.judging import DETAIL, PROBLEM, functional
from evaluation.probes.timing import lacks

SOURCE = "developed.c"
PROGRAM = "developed"
TEXT = """#include <stdio.h>
static int answer(int half) {
    int whole = 2 * half;
    return whole;
}
int main(void) {
    printf("answer %d\\n", answer(21));
    return 0;
}
"""
LINE = 4
"""Of the source: where ``whole`` has its value."""
HOST_COMPILER, HOST_DEBUGGER = "/usr/bin/gcc", "/usr/bin/gdb"


def observe(session: Session) -> None:
    """Compile on the bind, run, then stop the program at a line of its source."""
    if lacks(session, "gcc", "gdb", of_image=False):
        return
    bare = session.is_control
    compiler, debugger = (HOST_COMPILER, HOST_DEBUGGER) if bare else ("gcc", "gdb")
    plant_file(session.work, SOURCE, TEXT, mode=0o644)
    source, program = f"{session.work_inside}/{SOURCE}", f"{session.work_inside}/{PROGRAM}"
    built = session.launch((compiler, "-g", "-O0", "-o", program, source))
    if built.failure or built.evidence.timed_out:
        session.record(PROBLEM, built.failure or "the compiler did not end", evidence=(built,))
        return
    there = (session.work / PROGRAM).is_file()
    if not (built.ok and there):
        words = built.stderr.decode("utf-8", "replace").strip().splitlines()
        session.record("rounds", value=False, evidence=(built,))
        session.record(DETAIL, "; ".join(["it was not compiled", *words[-1:]]), evidence=(built,))
        return
    ran = session.launch((program,))
    steps = (f"break {SOURCE}:{LINE}", "run", "print whole", "backtrace", "continue")
    script = tuple(word for step in steps for word in ("-ex", step))
    traced = session.launch((debugger, "--nx", "--batch", *script, program), env={"SHELL": "/bin/sh"})
    said = (traced.stdout + traced.stderr).decode("utf-8", "replace")
    wanted = {
        "the program did not run": b"answer 42" in ran.stdout,
        "gdb did not stop at the line": f"{SOURCE}:{LINE}" in said,
        "gdb could not read the variable": "$1 = 42" in said,
        "gdb did not show who called": "main ()" in said,
    }
    missing = [what for what, seen in wanted.items() if not seen]
    evidence = (built, ran, traced)
    session.record("rounds", not missing, evidence=evidence)
    session.record(DETAIL, "; ".join(missing) or "compiled, run, stopped at a line, read", evidence=evidence)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where the whole round came out."""
    return functional(
        own,
        others,
        "rounds",
        works="source on a bind can be compiled and debugged inside",
        fails="source on a bind cannot be compiled and debugged inside",
        host="nor can it bare",
    )


PROBE = Probe(
    id="build_and_debug",
    version=1,
    question="Can source code on a bind be compiled inside and its program be debugged inside, by line?",
    why=(
        "This is a developer's day: the editor runs on the host, the compiler and the libraries are the "
        "image's. The debugger must find the source under the path that the compiler saw, and be allowed "
        "to trace."
    ),
    method=(
        "The verifier puts a small C program on the writable bind. The image's gcc compiles it with "
        "debugging information, it is run, and the image's gdb stops it at a line, prints a variable and "
        "shows who called. It holds where all of this is seen. The control is the host's own gcc and gdb; "
        "without them in the image it is unavailable."
    ),
    remedy=(
        "Bind the source at the same path at which it was compiled, allow ptrace (docker run --cap-add "
        "SYS_PTRACE where it is filtered), and have gdb in the image."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    image="med",
    repeat="once",
    quick=False,  # seconds of compiling in every mode
    references=(Reference(title="gdb(1)", url="https://man7.org/linux/man-pages/man1/gdb.1.html"),),
)
