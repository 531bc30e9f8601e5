"""Parsl: threads here, or pilot jobs on nodes that connect back to us.

Imported only where something is submitted: Parsl takes a third of a second to import.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from shutil import which
from typing import Any

from parsl import DataFlowKernel
from parsl.config import Config
from parsl.executors import HighThroughputExecutor, ThreadPoolExecutor
from parsl.executors.base import ParslExecutor
from parsl.executors.errors import BadStateException
from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost
from parsl.executors.status_handling import BlockProviderExecutor
from parsl.jobs.states import JobState, JobStatus
from parsl.launchers import SimpleLauncher
from parsl.launchers.base import Launcher
from parsl.providers import GridEngineProvider, LocalProvider, SlurmProvider
from parsl.providers.base import ExecutionProvider
from parsl.providers.slurm.slurm import squeue_translate_table

from evaluation.batch import Batch
from evaluation.measure.submission.executor import Executor, LostError
from evaluation.measure.submission.folder import SubmissionFolder
from evaluation.measure.submission.job_script import directives, pilot_script, preamble
from evaluation.measure.submission.on_node import run_here
from evaluation.measure.submission.scheduler import PREFIX, Queue
from evaluation.project import root

__all__ = ["LocalPilots", "NodePool", "ThreadPool", "pilots"]

_POLL_S = 3
"""How often the scheduler is asked for the state of our jobs. Parsl's own is a minute: a lost job should be
told in seconds, and a handful of jobs every three seconds is no load."""

_HEARTBEAT_S = 10
_LOST_AFTER_S = 60
"""Without a sign of life for so long, a pilot is lost. Shorter, and a starved node looks dead."""


class _Slurm(SlurmProvider):
    """Asks the controller: the books (sacct) hear of a job late, and Parsl takes one they lack for ended."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - Parsl's own
        super().__init__(**settings)
        self._cmd = "squeue --noheader --format='%i %t' --job '{0}'"
        self._translate_table = squeue_translate_table

    @property
    def status_polling_interval(self) -> int:
        return _POLL_S


class _GridEngine(GridEngineProvider):
    @property
    def status_polling_interval(self) -> int:
        return _POLL_S


class _Pool(Executor):
    """What both have in common: Parsl's kernel, and futures whose failures say their cause."""

    def __init__(self, executor: ParslExecutor, run_dir: Path) -> None:
        self._kernel = DataFlowKernel(
            Config(
                executors=[executor],
                run_dir=str(run_dir),
                retries=0,  # what was lost is told, never repeated
                strategy="none",
                strategy_period=1,
                usage_tracking=0,
                initialize_logging=False,
            )
        )

    def submit(self, function: Callable[..., Any], *args: object) -> Future[Any]:
        """Call a function there."""
        return self._told(
            self._kernel.submit(
                function, app_args=args, executors="all", cache=False, ignore_for_cache=None, app_kwargs={}
            )
        )

    def run(self, argv: Sequence[str], output: Path) -> Future[int]:
        """Start a command there."""
        return self.submit(run_here, tuple(argv), str(root()), str(output))

    def _told(self, asked: Future[Any]) -> Future[Any]:
        told: Future[Any] = Future()
        told.set_running_or_notify_cancel()

        def tell(done: Future[Any]) -> None:
            error = done.exception()
            if error is None:
                told.set_result(done.result())
            else:
                told.set_exception(self._cause(error))

        asked.add_done_callback(tell)
        return told

    def _cause(self, error: BaseException) -> BaseException:
        return error

    def _end(self) -> None:
        self._kernel.cleanup()


class ThreadPool(_Pool):
    """Threads of this process: no daemon, no port, no scheduler."""

    id = "local"
    engine = "local"

    def __init__(self, workers: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="container-evaluation-parsl-")
        super().__init__(ThreadPoolExecutor(label="threads", max_threads=workers), Path(self._folder.name))

    def jobs(self) -> tuple[str, ...]:
        """None: nothing is submitted."""
        return ()

    def close(self) -> None:
        """End the threads."""
        self._end()
        self._folder.cleanup()


class LocalPilots(_Pool):
    """A pilot on this machine, without a scheduler: what nodes get, to hold against threads."""

    id = "local"
    engine = "local"

    def __init__(self, workers: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="container-evaluation-parsl-")
        init = f"export PATH={Path(sys.executable).parent}:$PATH"
        provider = LocalProvider(worker_init=init, launcher=SimpleLauncher())  # type: ignore[no-untyped-call]
        executor = pilots("pilots", provider, address="127.0.0.1", workers=workers, look=True)
        super().__init__(executor, Path(self._folder.name))

    def jobs(self) -> tuple[str, ...]:
        """None: nothing is submitted."""
        return ()

    def close(self) -> None:
        """End the pilot."""
        self._end()
        self._folder.cleanup()


class NodePool(_Pool):
    """Pilot jobs, one for each node, that take work as they get free."""

    def __init__(
        self, batch: Batch, folder: SubmissionFolder, queue: Queue, *, nodes: int, workers_per_node: int
    ) -> None:
        self.id = folder.id
        self.engine = batch.engine
        self._batch = batch
        self._folder = folder
        self._queue = queue
        self._opened = time.monotonic()
        self._started = False
        self._ended: LostError | None = None
        self._executor = pilots(
            PREFIX + folder.id,
            _provider(batch, folder, nodes),
            address=batch.address,
            workers=workers_per_node,
            look=self._look,
        )
        super().__init__(self._executor, folder.path)

    def jobs(self) -> tuple[str, ...]:
        """Ids of the pilot jobs."""
        return tuple(self._executor.blocks_to_job_id.values())

    def close(self) -> None:
        """Cancel the pilots, also those that Parsl leaves to themselves after a failure."""
        try:
            self._end()
        finally:
            try:
                self._queue.cancel(self.id)
                self._folder.close()  # it stays where jobs do: whoever comes next finds them by it
            finally:
                self._queue.close()

    def _look(self, executor: BlockProviderExecutor, status: Mapping[str, JobStatus]) -> None:
        """See, every few seconds, whether the jobs are well; if none is left, say why."""
        states = [each.state for each in status.values()]
        self._started = self._started or JobState.RUNNING in states
        if executor.bad_state_is_set or not states:
            return
        if all(each.terminal for each in status.values()):
            self._fail(executor, self._how_they_ended(status))
        elif not self._started and time.monotonic() - self._opened > self._batch.start_within_s:
            reason = self._queue.reason(self.jobs()[0]) if self.jobs() else "none was taken"
            self._fail(executor, f"no job was started within {self._batch.start_within}: {reason}")

    def _how_they_ended(self, status: Mapping[str, JobStatus]) -> str:
        told = []
        for block, each in status.items():
            job = self._executor.blocks_to_job_id.get(block)
            if job is None:
                told.append(f"a job was not taken: {each.message}")
            else:
                said = each.stderr_summary or ""
                how = self._queue.ending(job, within_s=10.0)
                told.append(
                    f"job {job} ended: {how}" + (f"; it says: {said.strip()}" if said.strip() else "")
                )
        return "; ".join(told)

    def _fail(self, executor: BlockProviderExecutor, why: str) -> None:
        self._ended = LostError(why, where=self.engine)
        executor.set_bad_state_and_fail_all(self._ended)

    def _cause(self, error: BaseException) -> BaseException:
        if isinstance(error, BadStateException) and self._ended is not None:
            return self._ended
        if isinstance(error, ManagerLost):
            return LostError(
                f"the pilot on {error.hostname} gave no sign of life for {_LOST_AFTER_S} s: "
                "its job was killed, or its node went",
                where=self.engine,
            )
        if isinstance(error, WorkerLost):
            return LostError(
                f"the worker on {error.hostname} was killed, as the kernel does when memory is out",
                where=self.engine,
            )
        return error


def pilots(
    label: str,
    provider: ExecutionProvider,
    *,
    address: str | None,
    workers: int,
    look: Callable[[BlockProviderExecutor, dict[str, JobStatus]], None] | bool,
) -> HighThroughputExecutor:
    """Give Parsl's executor of pilot jobs with our settings; ``look`` is called with the jobs' state."""
    return HighThroughputExecutor(
        label=label,
        provider=provider,
        address=address,
        interchange_launch_cmd=_interchange(),
        encrypted=True,  # tasks are pickles: on a shared host nobody else may hand one in
        max_workers_per_node=workers,
        cores_per_worker=1e-3,  # how many at once is said above; the cores have no say in it
        prefetch_capacity=0,
        heartbeat_period=_HEARTBEAT_S,
        heartbeat_threshold=_LOST_AFTER_S,
        block_error_handler=look,
    )


class _Patient(Launcher):
    """Starts the pilot from the job's script, such that a scheduler's notice reaches the work."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __call__(self, command: str, *_: object, **__: object) -> str:
        return pilot_script(command, self._folder)


def _provider(batch: Batch, folder: SubmissionFolder, nodes: int) -> ExecutionProvider:
    options = "\n".join(directives(batch))
    first = "\n".join([*preamble(batch, folder.id)])
    if batch.engine == "slurm":
        return _Slurm(
            walltime=batch.walltime,
            scheduler_options=options,
            worker_init=first,
            exclusive=False,
            init_blocks=nodes,
            max_blocks=nodes,
            launcher=_Patient(folder.path),
            cmd_timeout=60,
        )
    return _GridEngine(
        walltime=batch.walltime,
        scheduler_options=options,
        worker_init=first,
        init_blocks=nodes,
        max_blocks=nodes,
        launcher=_Patient(folder.path),
    )


def _interchange() -> tuple[str, ...]:
    """Start Parsl's relay such that it ends with us: without it, pilots end by themselves."""
    ours = (str(Path(sys.executable).parent / "interchange.py"),)
    # The signal comes when the thread that started it ends, so only the main one may.
    if threading.current_thread() is threading.main_thread() and (setpriv := which("setpriv")):
        return (setpriv, "--pdeathsig", "KILL", *ours)
    return ours
