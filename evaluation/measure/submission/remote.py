"""Measuring on a node: one job that runs the same command there, with its progress shown here."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TextIO

from evaluation.batch import Batch
from evaluation.errors import EvaluationError
from evaluation.measure.submission import open_executor
from evaluation.measure.submission.job import current_job
from evaluation.measure.submission.job_script import environment
from evaluation.project import root
from evaluation.sites import Site
from evaluation.terminal import visible

__all__ = ["goes_to_a_node", "run_on_node"]

_LOOK_S = 0.5
_MEASURED = "measured: "
_FULL_BYTES = 2**16
"""A folder with less room than this is full: a turn's line and its outputs do not fit."""


def goes_to_a_node(batch: Batch) -> bool:
    """Whether a site's work is to be submitted: it has an engine, and we are not in a job of it already."""
    return batch.submits and current_job(batch.engine) is None


def run_on_node(site: Site, words: Sequence[str], results: Path, terminal: TextIO = sys.stdout) -> Path:
    """Submit one job that runs ``evaluation WORDS``, show what it prints, and give the run's folder.

    The job writes into the results folder itself, so that has to be one that nodes see. What was measured
    before a job was lost is kept there, and the next call goes on with it.

    Raises
    ------
    EvaluationError
        The job could not be begun, or the command in it failed; with its last words.
    LostError
        The job was lost, with the scheduler's words on it.
    """
    with open_executor(site, shared=results) as executor:
        output = results / ".submissions" / executor.id / "output"
        output.touch(mode=0o600)
        terminal.write(f"submitted to {executor.engine} as {executor.id}: waiting for a node\n")
        terminal.flush()
        python = str(environment(site.batch) / "bin" / "python")
        done = executor.run((python, "-m", "evaluation", *words), output)
        lines = _shown(done, output, terminal)
        status, job = done.result(), ", ".join(executor.jobs())
    named = [line.removeprefix(_MEASURED) for line in lines if line.startswith(_MEASURED)]
    if status != 0 and not named:  # a run that is named is complete, though a step may have failed
        said = [line for line in lines if not line.startswith("  ... ")]
        why = "\n  ".join(said[-12:]) or "it printed nothing"
        if shutil.disk_usage(results).free < _FULL_BYTES:  # then what it had to say is not there to be read
            why = f"no space is left in the results folder\n  {why}"
        raise EvaluationError(
            f"the evaluation in the job failed (exit status {status}):\n  {why}",
            where=f"{site.batch.engine}, job {job}",
            advice="What was measured is kept; run again to resume.",
        )
    if not named:
        raise EvaluationError("the job names no run", where=f"{site.batch.engine}, job {job}")
    return (root() / named[-1]).resolve()


def _shown(done: Future[int], output: Path, terminal: TextIO) -> list[str]:
    """Show a file's lines as they come, until the work is done; give them all."""
    lines: list[str] = []
    with output.open(encoding="utf-8", errors="replace") as stream:
        rest = ""
        while True:
            ended = done.done()  # before the file is read: what is written until then is in it
            *whole, rest = (rest + stream.read()).split("\n")
            lines += whole
            terminal.writelines(f"{visible(line)}\n" for line in whole if not line.startswith(_MEASURED))
            terminal.flush()
            if ended:
                return [*lines, rest] if rest else lines
            time.sleep(_LOOK_S)
