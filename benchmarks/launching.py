"""How much our launcher adds to starting a program, held against a loop in C and against hyperfine."""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.record import CONFIDENCE, Part, Row, of_interval
from evaluation.errors import EvaluationError
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.user import ourselves
from evaluation.statistics import median_interval, paired_ratio

__all__ = ["GOAL_S", "conclude", "launching"]

PROGRAM = "/bin/true"
ENV = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
LAUNCHES = 10
"""In each block, by each of the three; after two that warm up."""
WARM_UPS = 2
BLOCKS = 300
GOAL_S = 1e-4
"""What we allow ourselves above the loop in C."""
MISSING = (
    "hyperfine is not here, so it was left out. On Debian: apt-get install hyperfine; then run this again."
)


def launching(scratch: Path, *, blocks: int = BLOCKS) -> Part:
    """Launch one program by all three ways in randomised blocks, as one user with one environment.

    The programs that are held against ours are started by our launcher too, but time their own
    launches: it is their children that count.
    """
    with Launcher(replace(ourselves(), env=ENV)) as launcher:
        ways = _ways(launcher, scratch)
        # Not for secrets: the order must not follow the machine's moods, that is all.
        order = random.Random(blocks)  # noqa: S311
        medians: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(blocks):
            names = list(ways)
            order.shuffle(names)
            for name in names:
                medians[name].append(statistics.median(ways[name]()))
    return conclude(medians)


def _ways(launcher: Launcher, scratch: Path) -> dict[str, Callable[[], list[float]]]:
    loop = scratch / "loop"
    source = Path(__file__).with_name("loop.c")
    _said(launcher, "cc", "-O2", "-Wall", "-o", str(loop), str(source))
    true = Command(argv=(PROGRAM,), env=ENV)

    def ours() -> list[float]:
        taken = [launcher.run(true, timeout_s=60.0).evidence.duration_s for _ in range(WARM_UPS + LAUNCHES)]
        return taken[WARM_UPS:]

    def in_c() -> list[float]:
        return [
            float(line) for line in _said(launcher, str(loop), str(WARM_UPS), str(LAUNCHES), PROGRAM).split()
        ]

    def hyperfine() -> list[float]:
        options = ("-N", "--style=none", f"--warmup={WARM_UPS}", f"--runs={LAUNCHES}")
        kept = scratch / "hyperfine.json"
        _said(launcher, "hyperfine", *options, f"--export-json={kept}", PROGRAM)
        return [float(second) for second in json.loads(kept.read_text())["results"][0]["times"]]

    ways = {"our launcher": ours, "loop in C": in_c}
    return ways | {"hyperfine -N": hyperfine} if launcher.find("hyperfine") else ways


def _said(launcher: Launcher, *argv: str) -> str:
    done = launcher.run(Command(argv=argv, env=ENV), timeout_s=120.0)
    if not done.ok:
        said = done.stderr.decode(errors="replace").strip()
        raise EvaluationError(
            f"{argv[0]} failed: {said or f'exit status {done.evidence.exit_status}'}", where="benchmark"
        )
    return done.stdout.decode()


def conclude(medians: Mapping[str, list[float]]) -> Part:
    """Hold the blocks' medians, in seconds, against each other and against the goals."""
    ours, in_c = medians["our launcher"], medians["loop in C"]
    rows = [
        of_interval(name, median_interval(taken, confidence=CONFIDENCE), "s", f"{PROGRAM}, start to end")
        for name, taken in medians.items()
    ]
    added = [mine - least for mine, least in zip(ours, in_c, strict=True)]
    above = of_interval(
        "ours above the loop in C", median_interval(added, confidence=CONFIDENCE), "s", "paired by block"
    )
    rows += [above, _ratio("ours / loop in C", ours, in_c)]
    answers = [_against_goal(above)]
    if theirs := medians.get("hyperfine -N"):
        rows.append(_ratio("hyperfine -N / loop in C", theirs, in_c))
        rows.append(beside := _ratio("ours / hyperfine -N", ours, theirs))
        answers.append(_against_hyperfine(beside))
    return Part(
        name="launching",
        title="What the launcher adds",
        answer=" ".join(answers),
        rows=tuple(rows),
        raw=medians,
        skipped="" if theirs else MISSING,
    )


def _ratio(name: str, mine: list[float], theirs: list[float]) -> Row:
    return of_interval(name, paired_ratio(mine, theirs, confidence=CONFIDENCE), "1", "paired by block")


def _against_goal(above: Row) -> str:
    low, high = above.low or 0.0, above.high or 0.0
    goal = "at most 0.1 ms above the loop in C"
    if high <= GOAL_S:
        return f"The goal, {goal}, is met."
    if low > GOAL_S:
        return f"The goal, {goal}, is missed."
    return f"Whether the goal, {goal}, is met cannot be told: the interval reaches across it."


def _against_hyperfine(beside: Row) -> str:
    low, high = beside.low or 0.0, beside.high or 0.0
    if low > 1:
        return "The launcher is slower than hyperfine -N."
    if high < 1:
        return "The launcher is faster than hyperfine -N."
    return "The launcher and hyperfine -N cannot be told apart."
