"""Made-up sets of results and the words that they must give, kept as files to be read in a review.

After a wanted change of words: ``GOLDEN=write pytest tests/decide/test_golden.py``, then read the diff.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from made_up import absent, criteria, row, site

from evaluation.decide.answerrules import Change
from evaluation.decide.score import decide
from evaluation.model import Borrowed, Finding, Outcome, UseCaseDecision

GOLDEN = Path(__file__).parent / "golden"

SETS: dict[str, tuple[Finding, ...]] = {
    "clear-winner": (
        *row("host"),
        *row("charliecloud", start=0.2, rate=1.0),
        *row("podman", start=2.0, rate=0.8, tidy=Outcome.FAILS),
        *row("docker", start=3.0, rate=0.8, safe=Outcome.FAILS),
        *row("apptainer", start=1.0, rate=0.6, tidy=Outcome.FAILS),
    ),
    "too-close-to-call": (
        *row("host"),
        *row("charliecloud", start=0.5, rate=0.7, safe=Outcome.FAILS, noise=0.4),
        *row("podman", start=1.2, rate=0.8, noise=0.4),
        *row("apptainer", start=8.0, rate=0.3, tidy=Outcome.FAILS),
    ),
    "undecided-for-missing-evidence": (
        *row("host"),
        *row("charliecloud", start=0.5, rate=None),
        *row("podman", start=0.8, tidy=None),
        *row("docker", safe=None),
    ),
    "depends-on-what-counts": (
        *row("host"),
        *row("charliecloud", start=0.11, rate=0.9, tidy=Outcome.FAILS),
        *row("podman", start=9.0),
        *row("apptainer", start=8.0, rate=0.3, tidy=Outcome.FAILS),
    ),
    "tie": (*row("host"), *row("charliecloud", noise=0), *row("podman", noise=0)),
    "knocked-out-all": (
        *row("host"),
        *row("charliecloud", safe=Outcome.FAILS),
        *row("docker", safe=Outcome.FAILS),
    ),
    "nothing-measured": (),
    "one-runtime": (*row("host"), *row("podman"), *absent("docker")),
    "borrowed-only": tuple(
        replace(found, borrowed=Borrowed(site="there", run="r1", widen_by=1.5, reason="alike", source="test"))
        for found in (*row("charliecloud", start=0.2), *row("podman", start=3.0, rate=0.4))
    ),
}


def told(decision: UseCaseDecision) -> str:
    lines = [decision.brief, "", decision.sentence, ""]
    for verdict in decision.verdicts:
        chance = "-" if verdict.p_first is None else f"{verdict.p_first:.2f}"
        score = verdict.score
        lines.append(
            f"{verdict.runtime}: {verdict.word}, {verdict.standing}, {score.low:.3f} to {score.high:.3f}, "
            f"first in {chance}; {'; '.join(verdict.reasons)}"
        )
    if decision.scenarios:
        lines.append("")
    for scenario in decision.scenarios:
        word = "agrees" if scenario.agrees else "disagrees"
        lines.append(f"{scenario.title}: {', '.join(scenario.leaders)} ({word})")
    if decision.robustness:
        flip = decision.robustness.flip
        lines += ["", "smallest flip: " + (f"{flip[0]} at {flip[1]:.2f}, {flip[2]}" if flip else "none")]
        lines += [f"without {name}: {leader}" for name, leader in decision.robustness.without]
    lines += ["", *(f"next: {item}" for item in decision.measure_next)]
    return "\n".join(lines).rstrip() + "\n"


@pytest.mark.parametrize("name", SETS)
def test_the_words_are_those_that_were_reviewed(name: str) -> None:
    vetoes = () if name in {"too-close-to-call", "borrowed-only"} else ("safe",)
    rules = criteria(knock_outs=vetoes, draws=20_000, scenarios=tuple(Change))
    words = told(decide(SETS[name], rules, site()).use_cases[0])
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(words)
    assert words == path.read_text()
