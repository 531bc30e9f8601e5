"""The batch job that we are in, as the scheduler tells it to every job: through the environment."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping

from evaluation.batch import Batch
from evaluation.manifest import BatchFacts, JobFacts
from evaluation.measure.launcher import Launcher
from evaluation.measure.submission.job_script import SUBMISSION
from evaluation.measure.submission.scheduler import Queue, scheduler_of
from evaluation.measure.user import ourselves

__all__ = ["batch_facts", "current_job"]


def current_job(engine: str, variables: Mapping[str, str] = os.environ) -> JobFacts | None:
    """Tell which job of an engine we are in; ``None`` outside of one.

    ``SLURMD_NODENAME`` is set on nodes only: a shell that ``salloc`` gave on the submitting host is in none.
    """
    if engine == "slurm" and "SLURMD_NODENAME" in variables:
        return JobFacts(id=variables.get("SLURM_JOB_ID", ""), node=variables["SLURMD_NODENAME"])
    if engine == "gridengine" and "SGE_JOB_SPOOL_DIR" in variables:
        return JobFacts(id=variables.get("JOB_ID", ""), node=variables.get("HOSTNAME", platform.node()))
    return None


def batch_facts(batch: Batch) -> BatchFacts | None:
    """Tell in which engine, in which version and in which job we measure; ``None`` where in none."""
    job = current_job(batch.engine)
    if job is None:
        return None
    with Launcher(ourselves()) as launcher:  # the measuring user's environment need not know the cluster
        version = Queue(scheduler_of(batch.engine), launcher).version()
    return BatchFacts(
        engine=batch.engine,
        version=version,
        submitted_by=batch.submit_by if SUBMISSION in os.environ else "hand",
        jobs=(job,),
        remark=batch.remark or "",
    )
