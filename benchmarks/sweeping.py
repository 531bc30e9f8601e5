"""How many containers a second the sweep starts, held against ``xargs -P`` with the same launches."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.record import CONFIDENCE, Part, Row, of_interval
from evaluation.errors import EvaluationError
from evaluation.images.convert import convert
from evaluation.measure.crowd import Crowd, Limits
from evaluation.measure.images import built_image, runner
from evaluation.measure.launcher import Command
from evaluation.measure.preparation import build_payload
from evaluation.measure.user import User, measuring_user, ourselves
from evaluation.model import CONTROL, DEFAULT_IMAGE, PAYLOAD, Bind, Task
from evaluation.payload.build import PROBE
from evaluation.project import root
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import Runtime
from evaluation.statistics import median_interval, paired_ratio

__all__ = ["GOAL", "conclude", "sweeping"]

WIDTHS = (1, 2, 4, 8)
LAUNCHES = 150
BLOCKS = 20
GOAL = 0.95
"""Of the throughput of ``xargs`` at the same width."""
ALWAYS = Limits(
    least_s=0.0, at_most=LAUNCHES, most_s=600.0, timeout_s=60.0, floor_bytes=0, pressure=2.0, failures=1
)
NAME = "container-evaluation-benchmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One runtime with the command that both start."""

    runtime: Runtime
    command: Command


def sweeping(scratch: Path, *, blocks: int = BLOCKS, launches: int = LAUNCHES) -> Part:
    """Start the same containers by both, at each width, in randomised blocks, as one user.

    Charliecloud, the fastest of the runtimes, because there the starting itself weighs most; and the bare
    host, where nothing else is left.
    """
    scratch.chmod(0o755)
    (payload := scratch / "payload").mkdir(mode=0o755)
    build_payload(payload)
    (names := scratch / "names").write_text("".join(f"{NAME}-{number}\n" for number in range(launches)))
    with Crowd(_user()) as crowd:
        ways = list(_ways(crowd, payload))
        rates: dict[str, list[float]] = {
            f"{who}: {way.runtime.id}, {width} at once": []
            for way in ways
            for width in WIDTHS
            for who in ("ours", "xargs")
        }
        # Not for secrets: the order must not follow the machine's moods, that is all.
        order = random.Random(blocks)  # noqa: S311
        for _ in range(blocks):
            turns: list[tuple[str, Callable[[], float]]] = []
            for way in ways:
                for width in WIDTHS:
                    cell = f"{way.runtime.id}, {width} at once"
                    turns.append((f"ours: {cell}", _ours(crowd, way, width, launches)))
                    turns.append((f"xargs: {cell}", _xargs(crowd, way, width, launches, names)))
            order.shuffle(turns)
            for name, taken in turns:
                rates[name].append(taken())
    return conclude(rates, skipped="" if len(ways) > 1 else "Charliecloud is not here: the bare host alone.")


def _user() -> User:
    try:
        return measuring_user()
    except EvaluationError:
        return ourselves()  # root, and nobody else was prepared: the bare host can be started all the same


def _ways(crowd: Crowd, payload: Path) -> list[Way]:
    ways = []
    for id_ in (CONTROL, "charliecloud"):
        runtime = known_runtimes()[id_]
        if id_ != CONTROL and not crowd.find(runtime.command):
            continue
        bind = Bind(source=str(payload), target=PAYLOAD)
        image = ""
        if id_ != CONTROL:
            built = built_image(DEFAULT_IMAGE, root() / "images", crowd)
            image = convert(built, runtime, runner(crowd), str(payload)).reference
        task = Task(image=image, argv=(f"{runtime.sees(bind)}/{PROBE}", "start"), binds=(bind,), name=NAME)
        ways.append(
            Way(
                runtime=runtime,
                command=Command(argv=runtime.argv(task), env=crowd.user.env, listed=NAME),
            )
        )
    return ways


def _ours(crowd: Crowd, way: Way, width: int, launches: int) -> Callable[[], float]:
    def rate() -> float:
        done = crowd.run_level(way.command, way.runtime, ALWAYS, width=width, launches=launches)
        if failed := [launch.cause for launch in done.launches if launch.cause]:
            raise EvaluationError(failed[0], where=way.runtime.id)
        return len(done.launches) / done.span_s

    return rate


def _xargs(crowd: Crowd, way: Way, width: int, launches: int, names: Path) -> Callable[[], float]:
    argv = ("xargs", "-a", str(names), "-P", str(width), "-I", NAME, *way.command.argv)

    def rate() -> float:
        done = crowd.run(Command(argv=argv, env=crowd.user.env), timeout_s=600.0)
        if not done.ok:
            said = done.stderr.decode(errors="replace").strip()
            raise EvaluationError(f"xargs failed: {said}", where=way.runtime.id)
        return launches / done.evidence.duration_s

    return rate


def conclude(rates: Mapping[str, list[float]], *, skipped: str = "") -> Part:
    """Hold the rates of each cell against each other, paired by block."""
    rows: list[Row] = []
    below, open_ = [], []
    for name, ours in rates.items():
        way, _, cell = name.partition(": ")
        if way != "ours":
            continue
        theirs = rates[f"xargs: {cell}"]
        for who, values in (("sweep", ours), ("xargs -P", theirs)):
            rows.append(of_interval(f"{who}: {cell}", median_interval(values, confidence=CONFIDENCE), "1/s"))
        rows.append(
            beside := of_interval(
                f"sweep / xargs: {cell}",
                paired_ratio(ours, theirs, confidence=CONFIDENCE),
                "1",
                "paired by block",
            )
        )
        if (beside.high or 0.0) < GOAL:
            below.append(cell)
        elif (beside.low or 0.0) < GOAL:
            open_.append(cell)
    goal = f"The goal, at least {GOAL} of the throughput of xargs -P at the same width,"
    answer = f"{goal} is met everywhere."
    if below:
        answer = f"{goal} is missed with {'; '.join(below)}."
    elif open_:
        answer = f"{goal} is missed nowhere; it cannot be told with {'; '.join(open_)}."
    return Part(
        name="sweeping",
        title="Starting many at once",
        answer=answer,
        rows=tuple(rows),
        raw=rates,
        skipped=skipped,
    )
