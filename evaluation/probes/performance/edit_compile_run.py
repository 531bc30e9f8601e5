"""How long a developer waits from saving a file to seeing what the program says."""

from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.canaries import plant_file
from evaluation.probes.developing import COMPILER, HOST_COMPILER, HOST_MAKE
from evaluation.probes.judging import PROBLEM, relative, with_one_compiler
from evaluation.probes.timing import lacks
from evaluation.reasons import last_words

UNITS = 12
CYCLES = 3
FIRST = 100
"""What the program says before it is edited; each edit makes it say one more."""


def observe(session: Session) -> None:
    """Build once, then edit, compile and run a few times."""
    if lacks(session, "make", "gcc", of_image=False):
        return
    compiler, make = (HOST_COMPILER, HOST_MAKE) if session.is_control else (COMPILER, "make")
    version = session.launch((compiler, "-dumpfullversion"))
    if not version.ok:
        session.record(PROBLEM, "the compiler does not tell its version", evidence=(version,))
        return
    session.record("compiler", version.stdout.decode("utf-8", "replace").strip(), evidence=(version,))
    _write_project(session)
    argv = (make, "--silent", "-C", session.work_inside, f"CC={compiler}", "run")
    for cycle in range(CYCLES + 1):
        _edit(session, FIRST + cycle)
        done = session.launch(argv, timeout_s=120.0)
        if done.stdout.split() != [str(FIRST + cycle).encode()] or not done.ok:
            why = f"the program did not say {FIRST + cycle} ({last_words(done)})"
            session.record(PROBLEM, why, evidence=(done,))
            return
        if cycle:  # the first one builds everything
            session.record("cycle", done.evidence.duration_s, "s", evidence=(done,), repetition=cycle - 1)


def _edit(session: Session, number: int) -> None:
    """Save the edited file, and give it a time that make takes for newer than what was built before."""
    (session.work / "unit0.c").unlink(missing_ok=True)
    plant_file(session.work, "unit0.c", _unit(0) + f"int said(void) {{ return {number}; }}\n", mode=0o644)


def _write_project(session: Session) -> None:
    """Write a dozen small C files, a header that all of them read, and how to build and run them."""
    for unit in range(1, UNITS):
        plant_file(session.work, f"unit{unit}.c", _unit(unit), mode=0o644)
    plant_file(
        session.work,
        "main.c",
        '#include <stdio.h>\nint said(void);\nint main(void) { printf("%d\\n", said()); return 0; }\n',
        mode=0o644,
    )
    objects = " ".join(f"unit{unit}.o" for unit in range(UNITS))
    rules = f"run: program\n\t@./program\nprogram: main.o {objects}\n\t$(CC) -o $@ $^ -lm\n"
    plant_file(session.work, "Makefile", f"{rules}%.o: %.c\n\t$(CC) -O1 -g -c -o $@ $<\n", mode=0o644)


def _unit(unit: int) -> str:
    functions = "".join(f"double f{unit}_{n}(double x) {{ return sin(x) * {n}.5 + x; }}\n" for n in range(20))
    return f"#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n{functions}"


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the seconds of a cycle; the bare host counts only with the compiler of the image."""
    return with_one_compiler(own, others) or relative(own, others, "cycle")


PROBE = Probe(
    id="edit_compile_run",
    version=1,
    question="How long does a developer wait from saving a file to seeing what the program says?",
    why=(
        "This is done a hundred times a day: one file is edited on the host, compiled and linked with the "
        "image's compiler, and the program is run. A start of a container is paid every time."
    ),
    method=(
        f"A project of {UNITS} C files on the writable bind is built once. Then, {CYCLES} times: the "
        "verifier edits one file on the host, and one launch of make compiles it, links and runs the "
        "program, which must say what was edited in. The value is the wall time of that launch, with the "
        "container's start. The "
        "control is the host's own make and gcc on the same files, and counts only where its version is the "
        "image's; otherwise there is no ratio."
    ),
    remedy=(
        "Keep one container open and work in it instead of starting one for every command, and keep the "
        "compiler in a directory form rather than in an image file that user space serves."
    ),
    observe=observe,
    judge=judge,
    unit="s",
    needs=("payload",),
    image="med",
    quick=False,
)
