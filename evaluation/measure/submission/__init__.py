"""Work goes to nodes of a batch system through Parsl or PSI/J, or is done here.

``open_executor`` is the door: locally it opens Parsl's pool of threads, without a daemon and without a port.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evaluation.batch import Batch
from evaluation.errors import EvaluationError
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.submission.executor import Executor, LostError
from evaluation.measure.submission.folder import SubmissionFolder, abandoned
from evaluation.measure.submission.job_script import environment
from evaluation.measure.submission.scheduler import Queue, scheduler_of
from evaluation.measure.user import User, ourselves
from evaluation.project import root
from evaluation.sites import Site

__all__ = ["Executor", "LostError", "end_abandoned", "open_executor", "queue_of", "require_reach"]


def open_executor(site: Site, *, shared: Path, nodes: int = 1, workers_per_node: int = 1) -> Executor:
    """Open what a site's work is handed to.

    Parameters
    ----------
    site : Site
        Its ``batch`` part says which engine, and how.
    shared : Path
        A folder that nodes and this host both see, for scripts, logs and certificates: the results folder.
        Locally nothing is written there.
    nodes : int
        So many nodes, each in a job of its own; never more than the site's file says.
    workers_per_node : int
        So many pieces of work at once on each node; locally so many threads.

    Raises
    ------
    EvaluationError
        The engine does not answer, or there is no folder or no environment that the nodes could use.

    Notes
    -----
    Root's jobs are root's, and measure as the measuring user as everywhere: by a launcher of that user.
    """
    batch = site.batch
    if not batch.submits:
        from evaluation.measure.submission.pool import ThreadPool  # noqa: PLC0415 - Parsl is slow to import

        return ThreadPool(workers_per_node)
    _set_environment(batch)
    require_reach(batch, ourselves())
    queue = Queue(scheduler_of(batch.engine), Launcher(ourselves()))
    try:
        queue.require()
        end_abandoned(shared, queue)
        folder = SubmissionFolder(shared)
        if batch.submit_by == "psij":
            from evaluation.measure.submission.scripts import ScriptPool  # noqa: PLC0415 - needed here only

            return ScriptPool(batch, folder, queue)
        from evaluation.measure.submission.pool import NodePool  # noqa: PLC0415 - as above

        nodes = min(nodes, batch.nodes)
        return NodePool(batch, folder, queue, nodes=nodes, workers_per_node=workers_per_node)
    except BaseException:
        queue.close()
        raise


@contextmanager
def queue_of(batch: Batch, user: User) -> Iterator[Queue]:
    """Ask a site's scheduler as some user."""
    _set_environment(batch)
    with Launcher(user) as launcher:
        yield Queue(scheduler_of(batch.engine), launcher)


def end_abandoned(shared: Path, queue: Queue) -> tuple[str, ...]:
    """End what submitters that are gone have left: cancel their jobs, wait for their end; give their ids."""
    return tuple(abandoned(shared, queue.cancel))


def require_reach(batch: Batch, user: User) -> None:
    """Refuse an environment or a project that the user who submits cannot read.

    Raises
    ------
    EvaluationError
        Jobs would start, and every one of them would fail.
    """
    needed = {"the project's folder": root() / "criteria.yaml"}
    python = environment(batch) / "bin" / "python"
    if batch.environment is None or os.path.lexists(python):  # else only nodes can tell
        needed["the Python environment"] = python
    with Launcher(user) as launcher:
        for what, path in needed.items():
            test = Command(argv=("test", "-r", str(path)), env=user.env)
            if not launcher.run(test, timeout_s=30.0).ok:
                raise EvaluationError(
                    f"{user.name} cannot read {what}: {path.resolve().parent}",
                    where="batch",
                    advice="Nothing was submitted. Put it where jobs may read it, not below a closed home.",
                )


def _set_environment(batch: Batch) -> None:
    """Set what the engine's commands need; what is set already is as the user wants it."""
    for name, value in batch.env.items():
        os.environ.setdefault(name, value)
