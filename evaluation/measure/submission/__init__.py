"""Submission: work goes to nodes of a batch system through Parsl or PSI/J, or is done here.

``open_executor(site)`` is the door: locally it is Parsl's pool of threads, without a daemon and without a port.
"""

from __future__ import annotations

from pathlib import Path

from evaluation.measure.submission.executor import Executor, LostError
from evaluation.sites import Site

__all__ = ["Executor", "LostError", "open_executor"]


def open_executor(
    site: Site, *, shared: Path | None = None, nodes: int = 1, workers_per_node: int = 1
) -> Executor:
    """Open what a site's work is handed to.

    Parameters
    ----------
    site : Site
        Its ``batch`` part says which engine, and how.
    shared : Path, optional
        A folder that the nodes see, for scripts, logs and certificates; by default the site's own
        (``shared_folder``). Not needed locally.
    nodes : int
        So many nodes, each in a job of its own; never more than the site's file says.
    workers_per_node : int
        So many pieces of work at once on each node; locally so many threads.

    Raises
    ------
    EvaluationError
        The engine does not answer, the environment cannot be entered by the user, or we are root and the
        engine is a real one: see `as_measuring_user`.
    """
    raise NotImplementedError
