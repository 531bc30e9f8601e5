"""How one level of a sweep is written down: a few values of the whole, some of each container."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from evaluation.measure.crowd import Crowded, Launch
from evaluation.measure.launcher import Command, completed
from evaluation.model import Evidence, Observation

__all__ = ["Notes"]

_KEPT_OUTPUTS: Final = 5
"""Of each cause of failure so many containers keep what they printed; all of them keep their row."""
_KILLED: Final = -9


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What is known of one level; without ``taken`` it was not even begun, and ``stopped`` says why."""

    width: int
    stopped: str = ""
    not_cold: str = ""
    engine_cpu_s: float | None = None
    taken: Crowded | None = None
    command: Command | None = None

    def written(self, first: Observation) -> tuple[list[Observation], list[tuple[Evidence, bytes, bytes]]]:
        """Give the observations and the evidence; ``first`` is the first of them, and all are like it."""
        rows, evidence = self.containers(first)
        return [*self.whole(first), *rows], evidence

    def whole(self, first: Observation) -> list[Observation]:
        """Give what is known of the whole level, ``first`` first."""
        more = (replace(first, name=name, value=value, unit=unit) for name, value, unit in self._whole())
        return [first, *more]

    def containers(
        self, first: Observation, since: int = 0
    ) -> tuple[list[Observation], list[tuple[Evidence, bytes, bytes]]]:
        """Give what is known of each container, numbered from ``since`` on."""
        kept = self._kept(first.observed_at)
        rows: list[Observation] = []
        for number, launch in enumerate(self.taken.launches if self.taken else ()):
            evidence = (kept[number][0].id,) if number in kept else ()
            rows += [
                replace(
                    first, name=name, value=value, unit=unit, repetition=since + number, evidence=evidence
                )
                for name, value, unit in _each(launch)
            ]
        return rows, list(kept.values())

    def _whole(self) -> Iterator[tuple[str, int | float | str, str]]:
        yield "width", self.width, "1"
        if self.stopped:
            yield "stopped", self.stopped, ""
        if self.not_cold:
            yield "not_cold", self.not_cold, ""
        if self.taken:
            yield "launched", len(self.taken.launches), "1"
            yield "span", round(self.taken.span_s, 6), "s"
            yield "began", self.taken.wall_ns / 1e9, "s"
            yield "memory_used", self.taken.memory_used_bytes, "B"
            yield "busy", round(self.taken.busy_s, 3), "s"
            if self.engine_cpu_s is not None:
                yield "engine_cpu", round(self.engine_cpu_s, 3), "s"
            for what in self.taken.left:
                yield "left", what, ""

    def _kept(self, began: str) -> dict[int, tuple[Evidence, bytes, bytes]]:
        """Give what is kept of single containers: the first, and some of each failure."""
        kept: dict[int, tuple[Evidence, bytes, bytes]] = {}
        seen: Counter[str] = Counter()
        for number, launch in enumerate(self.taken.launches if self.taken and self.command else ()):
            seen[launch.cause] += 1
            if self.command and (number == 0 or (launch.cause and seen[launch.cause] <= _KEPT_OUTPUTS)):
                kept[number] = _evidence(self.command, number, launch, began)
        return kept


def _each(launch: Launch) -> Iterator[tuple[str, int | float | str, str]]:
    yield "submitted", round(launch.submitted_s, 6), "s"
    if launch.started_s is not None:
        yield "started", round(launch.started_s, 6), "s"
    if launch.first_output_s is not None:
        yield "first_output", round(launch.first_output_s, 6), "s"
    yield "ended", round(launch.ended_s, 6), "s"
    if launch.cause:
        yield "cause", launch.cause, ""
    if launch.node:
        yield "node", launch.node, ""


def _evidence(command: Command, number: int, launch: Launch, began: str) -> tuple[Evidence, bytes, bytes]:
    """Put one container as a process that was started."""
    numbered = tuple(
        f"{command.listed}-{number}" if word == command.listed else word for word in command.argv
    )
    done = completed(
        replace(command, argv=numbered),
        began,
        {
            "exit_status": _KILLED if launch.exit_status is None else launch.exit_status,
            "duration_s": launch.ended_s - launch.submitted_s,
            "timed_out": launch.exit_status is None,
            "flooded": False,
            "cpu_s": launch.cpu_s,
            "max_rss_bytes": None,
            "stdout": base64.b64encode(launch.stdout).decode("ascii"),
            "stdout_bytes": len(launch.stdout),
            "stderr": base64.b64encode(launch.stderr).decode("ascii"),
            "stderr_bytes": len(launch.stderr),
            "survivors": (),
        },
    )
    return done.evidence, done.stdout, done.stderr
