"""Three made-up sets of results through the whole line, and the words they must give: see tests/golden."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Final

import pytest
from bs4 import BeautifulSoup
from made_up_run import manifest, observation

from evaluation.decide.criteria import load_criteria
from evaluation.decide.findings import findings_of
from evaluation.model import Standing
from evaluation.report import chapters
from evaluation.report.load import load_case
from evaluation.report.plain import written
from evaluation.report.source import Case
from evaluation.store import Run, RuntimeFacts, Turn

GOLDEN: Final = Path(__file__).parents[1] / "golden"
BLOCKS: Final = 16

Made = dict[str, tuple[float, float | None, bool]]
"""By runtime: seconds to start, share of the bare host's rate (none where it broke), output is the user's."""

SETS: Final[dict[str, Made]] = {
    "clear-winner": {
        "charliecloud": (0.03, 1.0, True),
        "apptainer": (0.2, 0.9, True),
        "docker": (0.3, 1.0, False),
    },
    "too-close-to-call": {
        "charliecloud": (0.03, 0.8, True),
        "apptainer": (0.3, 0.97, True),
        "docker": (1.0, 0.7, True),
    },
    "undecided-for-missing-evidence": {
        "charliecloud": (0.03, None, True),
        "apptainer": (0.1, None, True),
        "docker": (0.3, 0.9, True),
    },
}
STANDINGS: Final = {
    "clear-winner": Standing.RECOMMENDED,
    "too-close-to-call": Standing.TOO_CLOSE,
    "undecided-for-missing-evidence": Standing.UNDECIDED,
}


def measured(results: Path, name: str, made: Made) -> None:
    """Write a run as measuring does: blocks of turns, the bare host in each of them."""
    facts = manifest(f"20260101T000000Z-{name}")
    own = tuple(
        RuntimeFacts(id=each, family=each, mode="made up", present=True, version="1.0")
        for each in sorted(made)
    )
    run = Run.create(results, facts.model_copy(update={"runtimes": (facts.runtimes[0], *own), "label": ""}))
    bare: Made = {"host": (0.002, 1.0, True), "host-again": (0.002, 1.0, True)}
    for runtime, (start, rate, users) in {**bare, **made}.items():
        for block in range(BLOCKS):
            # The bare host is all but still, so the ratio to it moves as the runtime does.
            wobble = 1 + (0.001 if runtime in bare else 0.03) * math.sin(block * (3 + len(runtime)))
            _turn(run, "cold_start", runtime, block, start=(start * wobble, "s"))
            if rate is None:
                _turn(run, "cpu_rate", runtime, block, problem=("the program was killed", ""))
            else:
                _turn(
                    run,
                    "cpu_rate",
                    runtime,
                    block,
                    rounds_per_second=(1e9 * rate * wobble, "1/s"),
                    checksum=("7", ""),
                )
        if runtime != "host-again":
            owner = 1000 if users else 0
            _turn(
                run,
                "output_ownership",
                runtime,
                0,
                owner_uid=(owner, ""),
                owner_gid=(owner, ""),
                mode=("0o755", ""),
                is_users=(users, ""),
                deletable=(users, ""),
            )
    run.finish("2026-01-01T01:00:00.000+00:00")


def _turn(run: Run, probe: str, runtime: str, block: int, **found: tuple[object, str]) -> None:
    items = [
        observation(block, runtime, probe=probe, name=name, value=value, unit=unit)
        for name, (value, unit) in found.items()
    ]
    run.append(Turn(probe=probe, runtime=runtime, block=block), items, [], took_s=0.0)


@pytest.fixture(params=SETS)
def named(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Case]:
    name = str(request.param)
    measured(tmp_path / "results", name, SETS[name])
    rules = load_criteria(GOLDEN / "criteria.yaml")
    for run in (tmp_path / "results" / "local").iterdir():
        findings_of(Run(run), rules)
    case = load_case(results=tmp_path / "results", criteria=GOLDEN / "criteria.yaml", sites=GOLDEN / "sites")
    return name, case


def held(path: Path, words: str) -> None:
    if os.environ.get("GOLDEN") == "write":
        path.write_text(words, encoding="utf-8")
    assert words == path.read_text(encoding="utf-8")


def test_the_markdown_is_that_which_was_reviewed(named: tuple[str, Case]) -> None:
    name, case = named
    held(GOLDEN / f"{name}.md", written(case, "md"))


def test_the_first_screen_is_that_which_was_reviewed(named: tuple[str, Case]) -> None:
    name, case = named
    soup = BeautifulSoup(chapters.answer(case).html, "html.parser")
    lines = (" ".join(line.split()) for line in soup.get_text("\n").splitlines())
    held(GOLDEN / f"{name}.txt", "\n".join(line for line in lines if line) + "\n")


def test_each_set_is_what_it_is_named_after(named: tuple[str, Case]) -> None:
    name, case = named
    (site,) = case.measured
    firsts = {decision.verdicts[0].standing for decision in site.decision.use_cases}
    assert STANDINGS[name] in firsts
    assert firsts <= {STANDINGS[name], Standing.RECOMMENDED}
