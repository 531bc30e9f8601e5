"""PSI/J: one plain batch script for each piece of work, for nodes that cannot connect back to us.

The work goes over the shared folder: a call lies there as a pickle, and its result is put beside it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psij
from psij.executors.batch.slurm import SlurmExecutorConfig

from evaluation.batch import Batch
from evaluation.errors import EvaluationError
from evaluation.measure.submission.executor import Executor, LostError
from evaluation.measure.submission.folder import SubmissionFolder
from evaluation.measure.submission.job_script import environment, preamble
from evaluation.measure.submission.scheduler import NOT_KNOWN, PREFIX, Queue
from evaluation.project import root

__all__ = ["ScriptPool"]

_LOOK_S: Final = 1.0
_KNOWN_AFTER_S: Final = 15.0
"""So long may files take to be seen here after the scheduler forgot their job (network file systems)."""


class ScriptPool(Executor):
    """A job of its own for each piece of work: no port is opened, nothing runs beside it.

    PSI/J writes and submits the script. How the job stands is asked of the scheduler in the same words as
    everywhere else, and how the work ended is read from the file that the work itself leaves.
    """

    def __init__(self, batch: Batch, folder: SubmissionFolder, queue: Queue) -> None:
        self.id = folder.id
        self.engine = batch.engine
        self._batch = batch
        self._folder = folder
        self._queue = queue
        self._asking = threading.Lock()
        os.environ["SBATCH_NO_REQUEUE"] = (
            "1"  # never started twice; PSI/J writes no directive without a value
        )
        self._executor = psij.JobExecutor.get_instance(
            batch.engine, config=SlurmExecutorConfig(work_directory=folder.path / "psij", keep_files=False)
        )
        self._jobs: list[str] = []
        self._waiting: list[threading.Thread] = []
        self._closed = threading.Event()

    def submit(self, function: Callable[..., Any], *args: object) -> Future[Any]:
        """Call a function in a job of its own."""
        number = len(self._waiting)
        call, result = self._file(number, "call"), self._file(number, "result")
        call.write_bytes(pickle.dumps((function, args)))
        argv = ("-m", "evaluation.measure.submission.called", str(call), str(result))
        job = self._submit(
            (str(environment(self._batch) / "bin" / "python"), *argv), self._file(number, "log")
        )

        def read() -> object:
            worked, value = pickle.loads(result.read_bytes())  # noqa: S301 - our own folder, closed to others
            if worked:
                return value
            raise value

        return self._follow(job, result, read)

    def run(self, argv: Sequence[str], output: Path) -> Future[int]:
        """Start a command in a job of its own."""
        status = self._file(len(self._waiting), "status")
        keep = 'echo $? >"$STATUS.new"; mv "$STATUS.new" "$STATUS"'
        script = f'cd "$0" && {{ shift 2; "$@" >>"$OUTPUT" 2>&1; {keep}; }}'
        words = (
            "env",
            f"OUTPUT={output}",
            f"STATUS={status}",
            "sh",
            "-c",
            script,
            str(root()),
            "-",
            "-",
            *argv,
        )
        job = self._submit(words, self._file(len(self._waiting), "log"))
        return self._follow(job, status, lambda: int(status.read_text()))

    def jobs(self) -> tuple[str, ...]:
        """Ids of all jobs, in the order of the work."""
        return tuple(self._jobs)

    def close(self) -> None:
        """Cancel what is left."""
        self._closed.set()
        for thread in self._waiting:
            thread.join()
        try:
            self._queue.cancel(self.id)
            self._folder.close()  # it stays where jobs do: whoever comes next finds them by it
        finally:
            self._queue.close()

    def _file(self, number: int, kind: str) -> Path:
        return self._folder.path / f"{number:04}.{kind}"

    def _submit(self, argv: Sequence[str], log: Path) -> str:
        first = log.with_suffix(".sh")
        first.write_text("\n".join([*preamble(self._batch, self.id), ""]), encoding="utf-8")
        attributes = psij.JobAttributes(
            duration=timedelta(seconds=self._batch.walltime_s),
            # PSI/J names jobs as it likes; of a directive that stands twice, the last counts.
            custom_attributes={
                **dict(_as_attribute(line) for line in self._batch.directives),
                "slurm.job-name": f"{PREFIX}{self.id}",
            },
        )
        resources = psij.ResourceSpecV1(
            node_count=1,
            processes_per_node=1,
            cpu_cores_per_process=1,  # unless a directive says otherwise, which comes later
        )
        spec = psij.JobSpec(
            executable=argv[0],
            arguments=list(argv[1:]),
            directory=str(root()),
            stdout_path=str(log),
            stderr_path=str(log),
            pre_launch=str(first),
            launcher="single",
            attributes=attributes,
            resources=resources,
        )
        job = psij.Job(spec)
        try:
            self._executor.submit(job)
        except psij.SubmitException as error:
            raise EvaluationError(f"a job was not taken: {error}", where=self.engine) from None
        if job.native_id is None:
            raise EvaluationError("a job was not taken", where=self.engine)
        self._jobs.append(str(job.native_id))
        return str(job.native_id)

    def _follow(self, job: str, left: Path, read: Callable[[], Any]) -> Future[Any]:
        told: Future[Any] = Future()
        told.set_running_or_notify_cancel()
        thread = threading.Thread(target=self._wait, args=(job, left, read, told), daemon=True)
        self._waiting.append(thread)
        thread.start()
        return told

    def _wait(self, job: str, left: Path, read: Callable[[], Any], told: Future[Any]) -> None:
        try:
            told.set_result(self._outcome(job, left, read))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the future's
            told.set_exception(error)

    def _outcome(self, job: str, left: Path, read: Callable[[], Any]) -> object:
        submitted, started = time.monotonic(), False
        answered = submitted
        while not self._closed.wait(_LOOK_S):
            try:
                with self._asking:
                    found = [each for each in self._queue.jobs(self.id) if each.id == job]
            except EvaluationError as error:  # of the job nothing is known: it is no reason to end it
                if left.exists():
                    return read()
                if time.monotonic() - answered > self._batch.walltime_s:
                    message = f"of job {job} nothing was heard for {self._batch.walltime}: {error.what}"
                    raise LostError(message, where=self.engine) from error
                continue
            answered = time.monotonic()
            started = started or any(each.running for each in found)
            if not found:
                return self._what_it_left(job, left, read)
            if not started and time.monotonic() - submitted > self._batch.start_within_s:
                with self._asking:
                    reason = self._queue.reason(job)
                message = f"job {job} was not started within {self._batch.start_within}: {reason}"
                raise LostError(message, where=self.engine)
        raise LostError(f"job {job} was cancelled by us", where=self.engine)

    def _what_it_left(self, job: str, left: Path, read: Callable[[], Any]) -> object:
        give_up = time.monotonic() + _KNOWN_AFTER_S
        with self._asking:
            how = self._queue.ending(job, within_s=5.0)
        while not left.exists():
            if time.monotonic() >= give_up or not how.startswith(("COMPLETED", NOT_KNOWN)):
                raise LostError(f"job {job} ended: {how}", where=self.engine)
            with contextlib.suppress(OSError):
                left.parent.stat()  # has a network file system look again
            time.sleep(_LOOK_S)
        return read()


def _as_attribute(directive: str) -> tuple[str, str]:
    """Turn ``#SBATCH --name=value`` into PSI/J's words for it."""
    name, _, value = directive.removeprefix("#SBATCH").strip().removeprefix("--").partition("=")
    return f"slurm.{name}", value
