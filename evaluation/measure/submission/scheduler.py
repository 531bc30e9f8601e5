"""What a scheduler is asked, and how its answers are read: versions, jobs by name, reasons, cancelling.

Pure: argv tuples and parsers, one class for each engine. `Queue` asks them.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from evaluation.errors import EvaluationError
from evaluation.measure.launcher import Command, Launcher
from evaluation.reasons import NOTHING, reason_in
from evaluation.runtimes.base import Argv

__all__ = ["NOT_KNOWN", "PREFIX", "GridEngine", "Job", "Queue", "Scheduler", "Slurm", "scheduler_of"]

PREFIX: Final = "evaluation-"
"""How a submission's part of a job's name begins."""

NOT_KNOWN: Final = "its state is not known"
"""Of a job that has ended: the scheduler has forgotten it, or does not answer."""

_NO_COMMAND: Final = 127
_PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0)
_PATIENCE_S: Final = 60.0
"""For one command of the scheduler: a busy one answers late, and Grid Engine's wait for ever where names
do not resolve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job as the scheduler knows it. ``state`` is its own word."""

    id: str
    name: str
    state: str
    running: bool
    reason: str = ""
    node: str = ""


class Scheduler(ABC):
    """The commands of one engine."""

    engine: str

    @abstractmethod
    def version_argv(self) -> Argv:
        """Prints the version in its first line."""

    @abstractmethod
    def answers_argv(self) -> Argv:
        """Succeeds where the scheduler answers."""

    @abstractmethod
    def listing_argv(self, user: str) -> Argv:
        """Lists a user's jobs that wait or run, with their full names."""

    @abstractmethod
    def parse(self, listing: str) -> tuple[Job, ...]:
        """Read what `listing_argv` printed."""

    @abstractmethod
    def reason_argv(self, job: str) -> Argv:
        """Tells why a job waits or has failed."""

    @abstractmethod
    def parse_reason(self, told: str) -> str:
        """Read what `reason_argv` printed; empty where it says nothing."""

    @abstractmethod
    def ending_argv(self, job: str) -> Argv:
        """Tells how a job has ended."""

    @abstractmethod
    def parse_ending(self, told: str) -> str:
        """Read what `ending_argv` printed; empty where it is not known (yet)."""

    @abstractmethod
    def cancel_argv(self, jobs: Sequence[str]) -> Argv:
        """Cancels jobs."""


class Slurm(Scheduler):
    """Slurm; its options are those of 20.11 and later."""

    engine = "slurm"

    def version_argv(self) -> Argv:
        """``slurm-wlm 22.05.8``."""
        return ("sinfo", "--version")

    def answers_argv(self) -> Argv:
        """``scontrol ping`` exits 1 where no controller answers."""
        return ("scontrol", "ping")

    def listing_argv(self, user: str) -> Argv:
        """Fields apart by bars: a job's name may hold anything else."""
        return ("squeue", "--noheader", f"--user={user}", "--format=%i|%T|%r|%N|%j")

    def parse(self, listing: str) -> tuple[Job, ...]:
        """Read one job a line."""
        rows = (line.split("|", 4) for line in listing.splitlines() if line.count("|") >= 4)
        return tuple(
            Job(id=id_, name=name, state=state, running=state in {"RUNNING", "COMPLETING"}, node=node,
                reason="" if reason == "None" else reason)
            for id_, state, reason, node, name in rows
        )  # fmt: skip

    def reason_argv(self, job: str) -> Argv:
        """Ask for all that is known of the job."""
        return ("scontrol", "--oneliner", "show", "job", job)

    def parse_reason(self, told: str) -> str:
        """Read ``Reason=``."""
        found = re.search(r"\bReason=(\S+)", told)
        return "" if found is None or found[1] == "None" else found[1]

    def ending_argv(self, job: str) -> Argv:
        """Ask the controller, which remembers an ended job for some minutes (``MinJobAge``)."""
        return ("scontrol", "--oneliner", "show", "job", job)

    def parse_ending(self, told: str) -> str:
        """Read ``JobState=``, with the exit code and the reason."""
        state = re.search(r"\bJobState=(\S+)", told)
        code = re.search(r"\bExitCode=(\S+)", told)
        reason = self.parse_reason(told)
        if state is None or state[1] in {"PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "COMPLETING"}:
            return ""  # it has not ended yet
        return (
            state[1] + (f", reason {reason}" if reason else "") + (f", exit code {code[1]}" if code else "")
        )

    def cancel_argv(self, jobs: Sequence[str]) -> Argv:
        """Cancel."""
        return ("scancel", *jobs)


_GE_JOB = re.compile(r"^\s*(\d+)\s+[\d.]+\s+\S+\s+\S+\s+([A-Za-z]+)\s+\S+\s+\S+\s+(\S*)")


class GridEngine(Scheduler):
    """Grid Engine: 8.1 and its relatives."""

    engine = "gridengine"

    def version_argv(self) -> Argv:
        """``SGE 8.1.9`` is the first line of every help text."""
        return ("qstat", "-help")

    def answers_argv(self) -> Argv:
        """Ask for the cluster's queues."""
        return ("qstat", "-g", "c")

    def listing_argv(self, user: str) -> Argv:
        """Ask with ``-r``: the table cuts names after ten characters, the line below it does not."""
        return ("qstat", "-r", "-u", user)

    def parse(self, listing: str) -> tuple[Job, ...]:
        """Read the table, and each job's full name below its row."""
        found: list[Job] = []
        for line in listing.splitlines():
            if row := _GE_JOB.match(line):
                id_, state, queue = row.groups()
                node = queue.partition("@")[2]
                found.append(Job(id=id_, name="", state=state, running="r" in state.lower(), node=node))
            elif found and line.strip().startswith("Full jobname:"):
                found[-1] = replace(found[-1], name=line.partition(":")[2].strip())
        return tuple(found)

    def reason_argv(self, job: str) -> Argv:
        """Ask for all that is known of the job."""
        return ("qstat", "-j", job)

    def parse_reason(self, told: str) -> str:
        """Read the errors, and else what the scheduler says."""
        lines = told.splitlines()
        for key in ("error reason", "scheduling info"):
            for number, line in enumerate(lines):
                if line.startswith(key):
                    more = [rest.strip() for rest in lines[number + 1 :] if rest.startswith(" ")]
                    return "; ".join([line.partition(":")[2].strip(), *more])
        return ""

    def ending_argv(self, job: str) -> Argv:
        """Ask the accounting file."""
        return ("qacct", "-j", job)

    def parse_ending(self, told: str) -> str:
        """Read ``failed`` and ``exit_status``."""
        failed = re.search(r"^failed\s+(.*\S)", told, re.MULTILINE)
        status = re.search(r"^exit_status\s+(.*\S)", told, re.MULTILINE)
        if failed is None or status is None:
            return ""
        why = "" if failed[1] == "0" else f"failed {failed[1]}, "
        return f"{why}exit status {status[1]}"

    def cancel_argv(self, jobs: Sequence[str]) -> Argv:
        """Cancel."""
        return ("qdel", *jobs)


_SCHEDULERS: Final = {each.engine: each for each in (Slurm(), GridEngine())}


def scheduler_of(engine: str) -> Scheduler:
    """Give the commands of an engine that jobs are submitted to.

    Raises
    ------
    EvaluationError
        Nobody has driven this engine here.
    """
    if engine not in _SCHEDULERS:
        raise EvaluationError(
            f"jobs are not submitted to {engine!r}",
            where="batch: engine",
            advice=f"There are: {', '.join(_SCHEDULERS)}. Or run evaluation inside a job of your own.",
        )
    return _SCHEDULERS[engine]


class Queue:
    """A scheduler that is asked through a launcher of its own, as the user who submits."""

    def __init__(self, scheduler: Scheduler, launcher: Launcher) -> None:
        self._scheduler = scheduler
        self._launcher = launcher

    def require(self) -> str:
        """Give the scheduler's version.

        Raises
        ------
        EvaluationError
            Its commands are not here, or it does not answer.
        """
        status, told = self._asked_again(self._scheduler.answers_argv())
        if status != 0:
            missing = status == _NO_COMMAND
            raise EvaluationError(
                "its commands are not on PATH" if missing else f"it does not answer: {_reason(told)}",
                where=self._scheduler.engine,
                advice="Submit from a host of the cluster; evaluation doctor --site SITE says what is there.",
            )
        return self.version()

    def version(self) -> str:
        """Give the scheduler's version, or that it is not known."""
        status, told = self._ask(self._scheduler.version_argv())
        return told.strip().splitlines()[0].strip() if told.strip() and status == 0 else "version not known"

    def jobs(self, name: str) -> tuple[Job, ...]:
        """Find our jobs that wait or run and have this in their name.

        Raises
        ------
        EvaluationError
            The scheduler does not answer: then nothing is known, and nothing is taken for ended.
        """
        status, told = self._asked_again(self._scheduler.listing_argv(self._launcher.user.name))
        if status != 0:
            raise EvaluationError(f"it does not list jobs: {_reason(told)}", where=self._scheduler.engine)
        return tuple(job for job in self._scheduler.parse(told) if name in job.name)

    def reason(self, job: str) -> str:
        """Tell why a job waits, in the scheduler's words."""
        return self._scheduler.parse_reason(self._ask(self._scheduler.reason_argv(job))[1]) or "it tells none"

    def ending(self, job: str, *, within_s: float = 0.0) -> str:
        """Tell how a job has ended, in the scheduler's words; its accounting may come late."""
        give_up = time.monotonic() + within_s
        while True:
            told = self._scheduler.parse_ending(self._ask(self._scheduler.ending_argv(job))[1])
            if told or time.monotonic() >= give_up:
                return told or NOT_KNOWN
            time.sleep(0.5)

    def cancel(self, name: str, *, within_s: float = 60.0) -> tuple[str, ...]:
        """Cancel our jobs of this name, and wait until the scheduler knows none of them; give their ids.

        Raises
        ------
        EvaluationError
            They are still there after that time.
        """
        give_up = time.monotonic() + within_s
        cancelled: list[str] = []
        while jobs := self.jobs(name):
            if time.monotonic() >= give_up:
                raise EvaluationError(
                    f"jobs that do not go: {', '.join(job.id for job in jobs)}",
                    where=self._scheduler.engine,
                    advice="Ask the site's operators; on a node that is down they stay until it is back.",
                )
            if new := [job.id for job in jobs if job.id not in cancelled]:
                self._ask(self._scheduler.cancel_argv(new))
                cancelled += new
            time.sleep(0.3)
        return tuple(cancelled)

    def close(self) -> None:
        """End the launcher: nothing more is asked."""
        self._launcher.close()

    def _asked_again(self, argv: Argv) -> tuple[int, str]:
        """Ask, and again a little later each time where that fails: a busy scheduler does now and then."""
        for pause_s in _PAUSES_S:
            status, told = self._ask(argv)
            if status in {0, _NO_COMMAND}:
                return status, told
            time.sleep(pause_s)
        return self._ask(argv)

    def _ask(self, argv: Argv) -> tuple[int, str]:
        done = self._launcher.run(Command(argv=argv, env=self._launcher.user.env), timeout_s=_PATIENCE_S)
        return done.evidence.exit_status, (done.stdout + done.stderr).decode(errors="replace")


def _reason(told: str) -> str:
    return reason_in(told) or NOTHING
