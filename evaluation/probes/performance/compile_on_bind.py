"""How long it takes to compile a project that lies on a bind."""

from collections.abc import Mapping

from evaluation.folders import HeldFolder
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.developing import HOST_COMPILER, HOST_MAKE
from evaluation.probes.judging import PROBLEM, relative, with_one_compiler
from evaluation.probes.timing import lacks
from evaluation.reasons import last_words

UNITS = 24
FUNCTIONS = 40
JOBS = 2


def observe(session: Session) -> None:
    """Write the sources on the host, build them inside."""
    bare = session.is_control
    if lacks(session, "make", "gcc", of_image=False):
        return
    compiler = HOST_COMPILER if bare else "gcc"
    version = session.launch((compiler, "-dumpfullversion"))
    if not version.ok:
        session.record(PROBLEM, "the compiler does not tell its version", evidence=(version,))
        return
    session.record("compiler", version.stdout.decode("utf-8", "replace").strip(), evidence=(version,))
    project = session.work / "project"
    write_project(session)
    inside = f"{session.work_inside}/project"
    argv = (HOST_MAKE if bare else "make", f"-j{JOBS}", "--silent", "-C", inside, f"CC={compiler}")
    completed = session.launch(argv, timeout_s=300.0)
    built = len(list((project / "out").glob("*.o"))) if completed.ok else 0
    if built != UNITS or not (project / "out" / "program").is_file():
        session.record(
            PROBLEM,
            f"{built} of {UNITS} units were compiled ({last_words(completed)})",
            evidence=(completed,),
        )
        return
    session.record("duration", completed.evidence.duration_s, "s", evidence=(completed,))


def write_project(session: Session) -> None:
    """Write a project of small C files; ``out`` belongs to the user, who alone may write there."""
    uid, gid = (session.uid, session.gid) if session.privileged else (-1, -1)
    with HeldFolder(session.work) as work, work.make("project", mode=0o755) as project:
        project.make("out", mode=0o755, uid=uid, gid=gid).close()
        for unit in range(UNITS):
            body = "".join(
                f"double f{unit}_{n}(double x) {{ for (int i = 0; i < {n + 2}; i++) x = sin(x) * {n}.5 + i; "
                f'if (x > {n}) printf("%f", x); return x; }}\n'
                for n in range(FUNCTIONS)
            )
            text = f"#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n{body}"
            project.write(f"unit{unit}.c", text, mode=0o644)
        main = "double f0_0(double); int main(void) { return f0_0(0.0) > 1e9; }\n"
        project.write("main.c", main, mode=0o644)
        objects = " ".join(f"out/unit{unit}.o" for unit in range(UNITS))
        link = f"out/program: main.c {objects}\n\t$(CC) -O2 -o $@ $^ -lm\n"
        rules = f"{link}out/%.o: %.c\n\t$(CC) -O2 -c -o $@ $<\n"
        project.write("Makefile", rules, mode=0o644)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the seconds per block; the bare host counts only with the compiler of the image."""
    return with_one_compiler(own, others) or relative(own, others, "duration")


PROBE = Probe(
    id="compile_on_bind",
    version=1,
    question="How long does it take to compile code that lies on a bound directory?",
    why=(
        "Developers keep the code on the host and compile it with the image's compiler. Each file opens a "
        "hundred headers of the image and starts several programs: the sum of look-ups, opens and starts."
    ),
    method=(
        f"make -j{JOBS} with the image's gcc compiles {UNITS} C files of {FUNCTIONS} functions each and "
        "links them, sources and objects on the writable bind. The value is the wall time of the launch, "
        "container start included. The control is the host's own make and gcc on the same files, and counts "
        "only where its version is the image's; otherwise there is no ratio. A turn counts only if every "
        "object and the program are there."
    ),
    remedy=(
        "Keep the compiler in a directory form rather than in an image file that user space serves, use "
        "ccache on the bind, and build many files in one container."
    ),
    observe=observe,
    judge=judge,
    unit="s",
    needs=("payload",),
    image="med",
    quick=False,
)
