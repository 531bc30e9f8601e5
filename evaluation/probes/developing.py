"""A developer's round, for the probes that go through it: source on a bind, compiled and debugged inside."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.probes.base import Completed, Session
from evaluation.probes.canaries import plant_file
from evaluation.reasons import reason_of

__all__ = ["COMPILER", "HOST_COMPILER", "HOST_DEBUGGER", "HOST_MAKE", "PROGRAM", "Round", "edit", "go_round"]

COMPILER = "gcc"
HOST_COMPILER, HOST_DEBUGGER, HOST_MAKE = "/usr/bin/gcc", "/usr/bin/gdb", "/usr/bin/make"
SOURCE = "developed.c"
PROGRAM = "developed"
TEXT = """#include <stdio.h>
static int answer(int half) {
    int whole = 2 * half;
    return whole;
}
int main(void) {
    printf("answer %%d\\n", answer(%d));
    return 0;
}
"""
LINE = 4
"""Of the source: where ``whole`` has its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What came of a round. ``problem`` says why it shows nothing; ``missing`` what did not work."""

    evidence: tuple[Completed, ...]
    missing: tuple[str, ...] = ()
    problem: str = ""


def edit(session: Session, half: int) -> None:
    """Write the source as an editor on the host does; the program prints twice this number."""
    (session.work / SOURCE).unlink(missing_ok=True)
    plant_file(session.work, SOURCE, TEXT % half, mode=0o644)


def go_round(session: Session, half: int = 21) -> Round:
    """Compile on the bind, run, then stop the program at a line of its source."""
    bare = session.is_control
    compiler, debugger = (HOST_COMPILER, HOST_DEBUGGER) if bare else (COMPILER, "gdb")
    edit(session, half)
    source, program = f"{session.work_inside}/{SOURCE}", f"{session.work_inside}/{PROGRAM}"
    built = session.launch((compiler, "-g", "-O0", "-o", program, source))
    if built.failure or built.evidence.timed_out:
        return Round(problem=built.failure or "the compiler did not end", evidence=(built,))
    if not (built.ok and (session.work / PROGRAM).is_file()):
        return Round(missing=("it was not compiled", reason_of(built)), evidence=(built,))
    ran = session.launch((program,))
    steps = (f"break {SOURCE}:{LINE}", "run", "print whole", "backtrace", "continue")
    script = tuple(word for step in steps for word in ("-ex", step))
    traced = session.launch((debugger, "--nx", "--batch", *script, program), env={"SHELL": "/bin/sh"})
    said = (traced.stdout + traced.stderr).decode("utf-8", "replace")
    wanted = {
        "the program did not run": f"answer {2 * half}".encode() in ran.stdout,
        "gdb did not stop at the line": f"{SOURCE}:{LINE}" in said,
        "gdb could not read the variable": f"$1 = {2 * half}" in said,
        "gdb did not show who called": "main ()" in said,
    }
    missing = tuple(what for what, seen in wanted.items() if not seen)
    return Round(evidence=(built, ran, traced), missing=missing)
