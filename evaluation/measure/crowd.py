"""Many containers at once, started by a process of their own: each is accounted for, come what may."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from evaluation.errors import EvaluationError
from evaluation.measure.launcher import Command, Launcher
from evaluation.reasons import reason_in, shortened
from evaluation.runtimes.base import Runtime

__all__ = ["Crowd", "Crowded", "Launch", "Limits", "cause_of"]

NOTHING_RUN = "it ended well, and yet the program inside was never started"

_CHANGING = re.compile(r"[0-9a-f]{12,}|\d+")
_LONGEST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where one level ends.

    Parameters
    ----------
    least_s : float
        Fast containers are started for so long, though there be enough of them ...
    at_most : int
        ... but no more than so many, and never fewer than ``width``.
    most_s : float
        After so many seconds no further container is started, if ``width`` of them were.
    timeout_s : float
        What has not ended after so long is ended, and nothing more is started.
    floor_bytes : int
        With less memory than this available everything is ended at once.
    pressure : float
        The same where for more than this share of a second nothing on the machine could go on for want of
        memory (``full`` of the kernel's pressure stall information, Documentation/accounting/psi.rst).
    failures : int
        After so many failures nothing more is started.
    """

    least_s: float
    at_most: int
    most_s: float
    timeout_s: float
    floor_bytes: int
    pressure: float
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One container. Times in seconds since its level began, all on the kernel's monotonic clock.

    ``started_s`` is when the first instruction ran inside, ``first_output_s`` when the first byte of its
    output was here; ``None`` where it did not come to that. ``cause`` is empty where all went well.
    """

    submitted_s: float
    started_s: float | None
    first_output_s: float | None
    ended_s: float
    exit_status: int | None
    cause: str = ""
    stdout: bytes = b""
    stderr: bytes = b""
    cpu_s: float | None = None
    node: str = ""
    """On which node of a batch system; empty where the level was taken on the host that we are on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowded:
    """One level that was run. ``stopped`` says why it ended early; empty where it did not."""

    launches: tuple[Launch, ...]
    span_s: float
    wall_ns: int
    """When it began, on the wall clock, in nanoseconds since 1970."""
    memory_used_bytes: int
    """By how much the memory available on this host fell."""
    busy_s: float
    """Seconds that all processors of this host worked meanwhile, for whomever."""
    left: tuple[str, ...]
    """Processes, containers, mounts and loop devices that were still there some seconds later."""
    stopped: str = ""
    began_ns: int = 0
    """When it began, on this host's monotonic clock, in nanoseconds."""


class Crowd(Launcher):
    """The launcher's process with one operation more. Its end, or ours, ends all that it has started."""

    program: ClassVar[str] = "crowd_main.py"

    def run_level(
        self, command: Command, runtime: Runtime, limits: Limits, *, width: int, launches: int
    ) -> Crowded:
        """Start ``launches`` containers, ``width`` of them at once, and wait for all.

        Parameters
        ----------
        command : Command
            What each runs; the word that is ``command.listed`` is numbered.
        runtime : Runtime
            Tells its own failures from its payload's.

        Raises
        ------
        EvaluationError
            The process that starts them is gone.
        """
        answer = self._ask(
            command.request(
                "crowd",
                width=width,
                launches=launches,
                **asdict(limits),
            )
        )
        if "rows" not in answer:
            raise EvaluationError(f"no containers can be started: {answer.get('error')}", where="sweep")
        kinds = ("processes", "containers", "mounts", "loops")
        return Crowded(
            launches=tuple(_launch(row, answer["began_ns"], runtime) for row in answer["rows"]),
            span_s=answer["span_s"],
            wall_ns=answer["wall_ns"],
            memory_used_bytes=answer["memory_used_bytes"],
            busy_s=answer["busy_s"],
            left=tuple(f"{kind}: {what}" for kind in kinds for what in answer[f"{kind}_left"]),
            stopped=answer["stopped"],
            began_ns=answer["began_ns"],
        )


def _launch(row: Mapping[str, Any], began_ns: int, runtime: Runtime) -> Launch:
    stdout = base64.b64decode(row.get("stdout", ""))
    stderr = base64.b64decode(row.get("stderr", ""))
    started_ns = _told(stdout)
    status = row.get("status")
    return Launch(
        submitted_s=row["submitted"] / 1e9,
        started_s=None if started_ns is None else (started_ns - began_ns) / 1e9,
        first_output_s=row["first"] / 1e9 if "first" in row else None,
        ended_s=row["ended"] / 1e9,
        exit_status=status,
        cause=cause_of(status, stderr, row.get("error", ""), runtime, ran=started_ns is not None),
        stdout=stdout,
        stderr=stderr,
        cpu_s=None if runtime.has_engine else row.get("cpu_s"),
    )


def _told(stdout: bytes) -> int | None:
    """Read when the first instruction ran inside, on the clock that it shares with us."""
    line = stdout.partition(b"\n")[0]
    with suppress(ValueError, TypeError, KeyError):
        answer = json.loads(line)
        if answer["what"] == "start":
            return int(answer["monotonic_ns"])
    return None


def cause_of(status: int | None, stderr: bytes, error: str, runtime: Runtime, *, ran: bool) -> str:
    """Say why a container failed, in words that are the same for the same cause; empty where it did not."""
    if error:
        return error
    if status == 0:
        return "" if ran else NOTHING_RUN
    said = stderr.decode(errors="replace")
    told = runtime.own_failure(status or 0, said) or reason_in(said)
    word = f"signal {-status}" if status is not None and status < 0 else f"exit status {status}"
    return f"{word}: {shortened(_CHANGING.sub('#', told), _LONGEST)}" if told else word
