"""Batch systems, as far as a probe needs one: argvs to submit, cancel and account a job, and what they print.

Pure, like the runtimes' adapters: it builds and reads, and runs nothing. No command of a batch system is
ever run without a time limit: with a scheduler that is down, most of them wait for ever.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from evaluation.batch import Batch
from evaluation.runtimes.base import Argv

__all__ = [
    "HELD",
    "NO_ANSWER",
    "Account",
    "BatchSystem",
    "GridEngine",
    "Limits",
    "Slurm",
    "batch_system",
]

_PATIENCE_S = 20
NO_ANSWER = 75
"""Exit status of waiting where the engine does not answer, with its last words on stderr (EX_TEMPFAIL)."""
HELD = 124
"""Exit status of waiting where the engine still holds the job when the time is up."""

# Only an answer ends the wait: a question that failed is asked again, a little later each time.
_WAIT = """\
end=$(($(date +%s) + $1)) failed=0 held=
while :; do
    said=$(timeout {patience} {question} 2>&1) && answered=0 || answered=$?
    if {gone}; then exit 0; fi
    if {held}; then failed=0 held=yes; else failed=$((failed + 1)) held=; fi
    if [ "$(date +%s)" -ge "$end" ]; then break; fi
    if [ "$failed" = 0 ]; then sleep 0.2; else sleep "$((failed < 3 ? failed : 3))"; fi
done
if [ "$held" ]; then exit {held_status}; fi
printf '%s\\n' "$said" >&2
exit {no_answer}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a job is given; 0 where nothing is asked."""

    memory_bytes: int = 0
    wall_s: int = 180
    cpu_s: int = 0
    """CPU time of each process, a ulimit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the engine's books say of a job that is over."""

    cpu_s: float
    memory_peak_bytes: float | None
    """The largest memory that was seen resident; ``None`` where the books hold no such figure."""
    state: str
    """The engine's own words for how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSystem(ABC):
    """One engine at one site.

    ``options`` are the site's own for each submission, ``first`` the lines of shell that its jobs begin with.
    ``within`` says whether we are in a job of this engine ourselves.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    options: Argv = ()
    first: Argv = ()
    within: bool = False

    engine: ClassVar[str]
    title: ClassVar[str]
    smallest_memory_bytes: ClassVar[int]
    """The least limit under which a runtime's client starts at all."""
    job_variable: ClassVar[str]
    """What the engine sets in every job."""
    no_books: ClassVar[re.Pattern[str]]
    """What the books say where there are none: they are not asked again."""
    not_booked: ClassVar[re.Pattern[str]]
    """What they say of a job that they do not know."""

    @abstractmethod
    def submission(self, script: str, *, name: str, folder: str, limits: Limits) -> Argv:
        """Submit a script from a folder, with the environment that the command has itself."""

    @abstractmethod
    def number(self, output: str) -> str:
        """Read the job's number out of what submitting printed; empty where it is not there."""

    @abstractmethod
    def cancellation(self, job: str) -> Argv:
        """End a job."""

    @abstractmethod
    def waiting(self, job: str, seconds: int) -> Argv:
        """Wait until the engine holds a job no longer: 0, or `HELD` or `NO_ANSWER` when the time is up."""

    @abstractmethod
    def accounting(self, job: str) -> Argv:
        """Ask the books."""

    @abstractmethod
    def account(self, output: str) -> Account | None:
        """Read what the books say; ``None`` where they say nothing of the job yet."""

    def _waited(self, question: str, job: str, seconds: int, *, gone: str, held: str) -> Argv:
        script = _WAIT.format(
            question=question, gone=gone, held=held,
            patience=_PATIENCE_S, held_status=HELD, no_answer=NO_ANSWER,
        )  # fmt: skip
        return self._asked("sh", "-c", script, job, str(seconds), seconds=seconds + _PATIENCE_S + 5)

    def _asked(self, *words: str, seconds: int = _PATIENCE_S) -> Argv:
        environment = ("env", *(f"{name}={value}" for name, value in self.env.items())) if self.env else ()
        return ("timeout", str(seconds), *environment, *words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slurm(BatchSystem):
    """Slurm with its accounting (slurmdbd)."""

    engine: ClassVar[str] = "slurm"
    title: ClassVar[str] = "Slurm"
    smallest_memory_bytes: ClassVar[int] = 256 * 2**20
    job_variable: ClassVar[str] = "SLURM_JOB_ID"
    no_books: ClassVar[re.Pattern[str]] = re.compile("accounting storage is disabled|No such file|not found")
    not_booked: ClassVar[re.Pattern[str]] = no_books

    def submission(self, script: str, *, name: str, folder: str, limits: Limits) -> Argv:
        """Build ``sbatch``; limits of processes are those of who submits, which Slurm hands on."""
        limited = ("sh", "-c", f'ulimit -t {limits.cpu_s}; exec "$@"', "sh") if limits.cpu_s else ()
        instead = ("--mem=", "--mem-per-") if limits.memory_bytes else ()
        return self._asked(
            *limited,
            "sbatch",
            "--parsable",
            *(word for word in self.options if not word.startswith(instead)),
            f"--job-name={name}",
            f"--chdir={folder}",
            "--output=/dev/null",
            f"--time={-(-limits.wall_s // 60)}",
            *((f"--mem={limits.memory_bytes >> 20}M",) if limits.memory_bytes else ()),
            *(("--propagate=ALL",) if limits.cpu_s else ()),
            script,
        )

    def number(self, output: str) -> str:
        """Read ``12`` or ``12;cluster``."""
        found = re.match(r"(\d+)", output.strip())
        return found[1] if found else ""

    def cancellation(self, job: str) -> Argv:
        """Build ``scancel``."""
        return self._asked("scancel", job)

    def waiting(self, job: str, seconds: int) -> Argv:
        """Ask ``squeue`` until it lists the job no longer."""
        listed = r"""[ $answered = 0 ] && printf '%s\n' "$said" | grep -q '^ *[0-9]'"""
        unknown = r"""printf '%s\n' "$said" | grep -q 'Invalid job id'"""
        return self._waited(
            'squeue --noheader --format=%i --jobs="$0"', job, seconds,
            gone=f"{{ [ $answered = 0 ] && ! {{ {listed}; }}; }} || {unknown}", held=listed,
        )  # fmt: skip

    def accounting(self, job: str) -> Argv:
        """Build ``sacct`` for all steps, in units that need no guessing."""
        fields = "JobID,State,TotalCPU,MaxRSS,ExitCode"
        return self._asked(
            "sacct", "--parsable2", "--noheader", "--noconvert", f"--format={fields}", f"--jobs={job}"
        )

    def account(self, output: str) -> Account | None:
        """Add up the steps; the first line is the job itself, whose state is the answer."""
        rows = [line.split("|") for line in output.splitlines() if line.count("|") == 4]
        if not rows or rows[0][1].startswith(("PENDING", "RUNNING")) or len(rows) == 1:
            return None
        if any(row[1].startswith("RUNNING") for row in rows):
            return None
        steps = rows[1:]
        return Account(
            cpu_s=sum(_clock_s(row[2]) for row in steps),
            memory_peak_bytes=max((float(row[3]) for row in steps if row[3]), default=None),
            state=rows[0][1],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GridEngine(BatchSystem):
    """Grid Engine, as Debian has it (8.1.9)."""

    engine: ClassVar[str] = "gridengine"
    title: ClassVar[str] = "Grid Engine"
    smallest_memory_bytes: ClassVar[int] = 2 * 2**30
    """Its limit is one of address space (``h_vmem``), of which clients written in Go reserve much."""
    job_variable: ClassVar[str] = "SGE_JOB_SPOOL_DIR"
    no_books: ClassVar[re.Pattern[str]] = re.compile("No such file|not found: qacct|qacct: not found")
    not_booked: ClassVar[re.Pattern[str]] = re.compile("job id .* not found|No such file")

    @property
    def slots(self) -> int:
        """How many slots the site asks for at least: a limit of memory is one of each (``-pe NAME 4``)."""
        asked = re.search(r"(?:^|\0)-pe\0[^\0]+\0(\d+)", "\0".join(self.options))
        return int(asked[1]) if asked else 1

    def submission(self, script: str, *, name: str, folder: str, limits: Limits) -> Argv:
        """Build ``qsub``, with the whole environment, as ``sbatch`` does by default."""
        asked = [
            f"h_rt={limits.wall_s}",
            *([f"h_vmem={(limits.memory_bytes >> 20) // self.slots}M"] if limits.memory_bytes else []),
            *([f"h_cpu={limits.cpu_s}"] if limits.cpu_s else []),
        ]
        return self._asked(
            "qsub", "-terse", *self.options, "-V", "-N", name, "-wd", folder,
            "-o", "/dev/null", "-e", "/dev/null", "-S", "/bin/bash", "-l", ",".join(asked), script,
        )  # fmt: skip

    def number(self, output: str) -> str:
        """Read ``12``."""
        found = re.search(r"^(\d+)$", output, re.MULTILINE)
        return found[1] if found else ""

    def cancellation(self, job: str) -> Argv:
        """Build ``qdel``."""
        return self._asked("qdel", job)

    def waiting(self, job: str, seconds: int) -> Argv:
        """Ask ``qstat`` until it knows the job no longer."""
        unknown = r"""[ $answered != 0 ] && printf '%s\n' "$said" | grep -q 'do not exist'"""
        return self._waited('qstat -j "$0"', job, seconds, gone=unknown, held="[ $answered = 0 ]")

    def accounting(self, job: str) -> Argv:
        """Build ``qacct``."""
        return self._asked("qacct", "-j", job)

    def account(self, output: str) -> Account | None:
        """Read CPU time, and the resident memory of the largest process; ``maxvmem`` is address space."""
        fields = dict(re.findall(r"^(\w+)\s+(\S.*?)\s*$", output, re.MULTILINE))
        if "cpu" not in fields:
            return None
        return Account(
            cpu_s=_amount(fields["cpu"]),
            # getrusage(2) counts in units of 1024 bytes, and 8.1.9 prints the number as if they were bytes
            memory_peak_bytes=_amount(fields["ru_maxrss"]) * 1024 if "ru_maxrss" in fields else None,
            state=f"failed {fields.get('failed', '?')}, exit status {fields.get('exit_status', '?')}",
        )


def batch_system(batch: Batch, environment: Mapping[str, str]) -> BatchSystem | None:
    """Give the engine that a site submits to; ``None`` where it is none of these.

    ``environment`` is our own: what is set there already stays as it is.
    """
    env = {name: environment.get(name, value) for name, value in batch.env.items()}
    for engine in (Slurm, GridEngine):
        if batch.engine == engine.engine:
            within = engine.job_variable in environment
            return engine(env=env, options=batch.options, first=batch.worker_init, within=within)
    return None


def _clock_s(text: str) -> float:
    """Read ``[DAYS-][HOURS:]MINUTES:SECONDS[.FRACTION]``, seconds."""
    days, _, clock = text.rpartition("-")
    seconds = 0.0
    for part in clock.split(":") if clock else ():
        seconds = seconds * 60 + float(part)
    return seconds + 86400 * int(days or 0)


def _amount(text: str) -> float:
    """Read ``2.290s``, ``4.527KB``, ``1.2GB``: seconds or bytes."""
    found = re.match(r"([\d.]+)\s*([KMGT]?)", text)
    return float(found[1]) * 2 ** (10 * " KMGT".index(found[2] or " ")) if found else 0.0
