"""What every job of ours begins with, whoever submits it: the environment, and the directives."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from evaluation.batch import Batch
from evaluation.project import root

__all__ = ["SUBMISSION", "directives", "environment", "preamble"]

SUBMISSION = "EVALUATION_SUBMISSION"
"""The variable by which work knows that it runs in a job of ours, and of which submission."""

# A job that its scheduler would start anew after a node's failure would measure a second time, in silence.
_ONCE = {"slurm": ("#SBATCH --no-requeue",), "gridengine": ("#$ -r n", "#$ -S /bin/bash")}


def environment(batch: Batch) -> Path:
    """Tell in which folder the Python environment is on the nodes."""
    return Path(batch.environment or sys.prefix)


def preamble(batch: Batch, submission: str) -> tuple[str, ...]:
    """Give the lines of shell that a job's script begins with: the site's own, then what we need."""
    exports = {
        **batch.env,
        SUBMISSION: submission,
        "PYTHONPATH": str(root()),
        # Arithmetic libraries take all cores they see, also those of others.
        "OMP_NUM_THREADS": "1",
    }
    return (
        *batch.worker_init,
        f"export PATH={shlex.quote(str(environment(batch) / 'bin'))}:$PATH",
        *(f"export {name}={shlex.quote(value)}" for name, value in exports.items()),
    )


def directives(batch: Batch) -> tuple[str, ...]:
    """Give the job's directives: the site's own, and that it is never started twice."""
    return (*batch.scheduler_options, *_ONCE.get(batch.engine, ()))
