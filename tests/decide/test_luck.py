"""Two runs on one machine name the same leader about as often as the chances beside the leaders say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up import criteria, finding, row, site

from evaluation.decide.score import decide
from evaluation.decide.turns import together
from evaluation.model import Finding, Outcome
from evaluation.probes.base import Judgement

RULES = criteria({"tidy": 12.0, "start": 30.0}, weight_range=0.01, draws=2000, bootstrap_resamples=1000)
TURNS = 6
MACHINES = 150


def asked(share: float, rng: np.random.Generator) -> Finding:
    """What so many turns come to in a runtime in which each holds with this chance."""
    turns = [
        Judgement(outcome=Outcome.HOLDS if held else Outcome.FAILS, message="seen")
        for held in rng.random(TURNS) < share
    ]
    held = sum(turn.outcome is Outcome.HOLDS for turn in turns)
    found = finding("a", "tidy", together(turns, confidence=0.95).outcome)
    return replace(found, held=held, turns=TURNS)


def leader(share: float, rng: np.random.Generator) -> tuple[str, float]:
    """Who leads in one run, and how sure: a loses some signals, b starts a little more slowly."""
    a = [each for each in row("a", noise=0) if each.probe != "tidy"]
    (decided,) = decide((*a, asked(share, rng), *row("b", start=1.58, noise=0)), RULES, site()).use_cases
    first = decided.verdicts[0]
    assert first.p_first is not None
    return first.runtime, first.p_first


def test_another_run_names_the_same_leader_as_often_as_the_chance_says() -> None:
    """Over machines whose share is anything: five of six put a first, and four put b first."""
    rng = np.random.default_rng(1)
    same, said = [], []
    for _ in range(MACHINES):
        share = float(rng.beta(0.5, 0.5))
        (one, chance), (other, _) = leader(share, rng), leader(share, rng)
        same.append(one == other)
        said.append(chance)
    assert np.mean(same) == pytest.approx(np.mean(said), abs=0.06)
    assert np.mean(said) < 0.99  # it is not said to be sure
