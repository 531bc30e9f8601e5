"""Errors that a person is meant to read: what happened, where, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["BusyError", "EvaluationError", "Fault", "FaultyDocumentError"]


class EvaluationError(Exception):
    """Something a user can act on. The command line prints it without a traceback.

    Parameters
    ----------
    what : str
        What went wrong, in one sentence.
    where : str, optional
        The file, run, runtime or parameter it concerns.
    advice : str, optional
        What to do next.
    """

    def __init__(self, what: str, *, where: str = "", advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.advice = advice

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  {self.advice}" if self.advice else head


class BusyError(EvaluationError):
    """Another measurement is under way: what was asked for can be done later, as it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault in a document a person wrote. Lines and columns count from 1."""

    path: str
    line: int
    column: int
    message: str
    excerpt: str = ""

    def __str__(self) -> str:
        head = f"{self.path}:{self.line}:{self.column}: {self.message}"
        if not self.excerpt:
            return head
        return f"{head}\n    {self.excerpt}\n    {' ' * (self.column - 1)}^"


class FaultyDocumentError(EvaluationError):
    """Every fault of one document at once, in the order of its lines."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.path, fault.line, fault.column)))
        count = len(self.faults)
        super().__init__(
            f"{count} fault{'' if count == 1 else 's'}", where=self.faults[0].path if self.faults else ""
        )

    def __str__(self) -> str:
        return "\n".join([f"{self.where}: {self.what}", *(str(fault) for fault in self.faults)])
