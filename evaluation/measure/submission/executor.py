"""What work is handed to: a function or a command goes in, a future comes out, and a loss has its cause."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evaluation.errors import EvaluationError

__all__ = ["Executor", "LostError"]


class LostError(EvaluationError):
    """The work was lost with its job: nothing is known of it, and nobody has done it again."""


class Executor(ABC):
    """Where work runs: here, or on nodes of a batch system.

    No work is ever done twice: what was lost raises `LostError` with its cause from its future. ``id`` names the
    submission, and stands in the name of every job of it. Use it as a context manager, or `close` it.
    """

    id: str
    engine: str
    """``local``, ``slurm`` or ``gridengine``."""

    @abstractmethod
    def submit(self, function: Callable[..., Any], *args: object) -> Future[Any]:
        """Call a function on a node, with what it returns or raises as the future's.

        The function is a module's own, so that the node can import it; arguments and results are pickled.
        """

    @abstractmethod
    def run(self, argv: Sequence[str], output: Path) -> Future[int]:
        """Start a command on a node; the future holds its exit status.

        What it prints is appended to ``output`` as it comes, in a folder that the nodes see.
        """

    @abstractmethod
    def jobs(self) -> tuple[str, ...]:
        """Ids of the jobs that were submitted, as the engine numbers them; none when local."""

    @abstractmethod
    def close(self) -> None:
        """Cancel every job that is left, and wait until the engine knows none of them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
