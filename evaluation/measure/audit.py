"""The residue audit of one opened run: a look at its beginning, one at its end, and a line in the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from evaluation.measure.launcher import Launcher, now
from evaluation.measure.residue import Look, look, settled
from evaluation.measure.user import User
from evaluation.measure.variants import adapter
from evaluation.runtimes.base import Argv
from evaluation.store import Run

__all__ = ["Audit"]


@dataclass(slots=True)
class Audit:
    """Compares the machine before and after. As a context manager it ends after all that it encloses.

    Parameters
    ----------
    user : User
        Who runs the containers.
    """

    user: User
    _before: Look = field(default_factory=dict)
    _run: Run | None = None
    _listings: tuple[Argv, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._run is not None and not self._run.complete:
            folders = (self.user.cache, self._run.path)
            left = settled(self._before, lambda: look(self.user, self._listings, folders))
            self._run.note_residue(now(), left)

    def begin(self, launcher: Launcher) -> None:
        """Take the first look: before runtimes are asked for anything."""
        self._before = look(self.user, (), (self.user.cache,), launcher)

    def follow(self, run: Run, launcher: Launcher) -> None:
        """Say whose residue it will be, and which engines to ask for their containers."""
        self._run = run
        asked = (adapter(facts).listing() for facts in run.manifest.runtimes if facts.present)
        self._listings = tuple(dict.fromkeys(argv for argv in asked if argv))
        here = look(self.user, self._listings, (), launcher)
        self._before = {**self._before, "container": here["container"]}
