"""Read what the payload printed: JSON lines, closed by a sentinel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.probes.base import Completed
from evaluation.reasons import last_words

__all__ = ["Answer", "Line", "read_answer"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the payload's output; a field that is missing or of another type reads as ``None``."""

    fields: Mapping[str, object]

    def integer(self, name: str) -> int | None:
        """A whole number."""
        value = self.fields.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def text(self, name: str) -> str | None:
        """A string."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else None

    @property
    def ok(self) -> bool:
        """Whether the kernel let the payload do it, as the payload saw it."""
        return self.fields.get("ok") is True

    @property
    def reason(self) -> str:
        """Why it was not ``ok``, in words."""
        if "ended_by_signal" in self.fields:
            return f"ended by signal {self.fields['ended_by_signal']}"
        return self.text("error") or "no reason given"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the payload answered. ``problem`` is empty unless the answer cannot be relied on."""

    lines: tuple[Line, ...]
    problem: str = ""

    def all(self, what: str) -> tuple[Line, ...]:
        """Every line that a command printed."""
        return tuple(line for line in self.lines if line.fields.get("what") == what)

    def first(self, what: str) -> Line | None:
        """The first line that a command printed."""
        return next(iter(self.all(what)), None)


def read_answer(completed: Completed) -> Answer:
    """Read the payload's output.

    Lines that are no JSON object are left out: some runtimes mix words of their own in. Without the
    sentinel as the last object nothing the payload said is complete, and the exit status alone
    cannot say who failed: Shifter's own failure is 1, as a program's may be.
    """
    objects = []
    for text in completed.stdout.decode("utf-8", "replace").splitlines():
        try:
            value = json.loads(text)
        except ValueError:
            continue
        if isinstance(value, dict):
            objects.append(value)
    if objects and objects[-1] == {"done": True}:
        return Answer(tuple(Line(value) for value in objects))
    return Answer((), _problem(completed))


def _problem(completed: Completed) -> str:
    if completed.failure:
        return f"the runtime did not run the payload: {completed.failure}"
    return f"the payload did not run to its end ({last_words(completed)})"
