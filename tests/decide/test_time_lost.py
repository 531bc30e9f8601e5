"""Time lost as a criterion: one row for each use case, gaps as intervals, and noise of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import site
from made_up_losses import everything, price

from evaluation.decide.chances import noise
from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.decide.losses import STREAM, loss_rows, losses_here, with_losses
from evaluation.decide.score import decide
from evaluation.model import CriterionRow, Finding
from evaluation.sites import Site

ROOT = Path(__file__).parents[2]
RULES = load_criteria(ROOT / "criteria.yaml")
SMALL = RULES.model_copy(
    update={
        "method": RULES.method.model_copy(
            update={
                name: getattr(RULES.method, name).model_copy(update={"value": value})
                for name, value in (("draws", 2000), ("bootstrap_resamples", 400))
            }
        )
    }
)
HERE = site()


def measured(*, runtime: str = "a", noise: float = 0.0, **ratios: float) -> tuple[Finding, ...]:
    """Every price of a run, of one runtime."""
    found = [*everything(**ratios), price("memory_bandwidth", 5e-11, 1.0)]
    return tuple(
        replace(each, runtime=runtime)
        if not noise
        else replace(price(each.probe, each.control[0], 1.0, noise=noise), runtime=runtime)
        for each in found
    )


def rows(*found: Finding, rules: Criteria = SMALL, where: Site = HERE) -> dict[tuple[str, str], CriterionRow]:
    made = loss_rows(losses_here(found, rules, where), found, rules)
    return {(row.use_case, row.runtime): row for row in made}


def test_the_same_start_is_worth_another_share_in_each_use_case() -> None:
    found = rows(*measured(cold_start=400.0))
    start_s = 7e-4 * 399
    for name, use_case in SMALL.use_cases.items():
        assert use_case.work
        lost = use_case.work.counts["starts"].middle * start_s
        unit = use_case.work.length.middle
        score = found[name, "a"].score
        assert score.value == pytest.approx(1 - lost / unit / 0.1, abs=0.01)
        assert (score.low, score.high) == (score.value, score.value)
        assert found[name, "a"].told.endswith("most of it starts")
    assert found["developer", "a"].score.value < found["l1proc", "a"].score.value  # type: ignore[operator]


def test_a_part_that_was_not_measured_opens_the_row_down_to_the_worst() -> None:
    found = rows(*(each for each in measured() if each.probe != "import_storm"))
    for row in found.values():
        assert row.score.value is None
        assert (row.score.low, row.score.high) == pytest.approx((0.0, 1.0))
        assert "imports" in row.told


def test_its_noise_is_drawn_and_belongs_to_one_use_case() -> None:
    found = measured(noise=0.05)
    losses = losses_here(found, SMALL, HERE)
    bare = noise((), SMALL)
    for use_case in SMALL.use_cases:
        drawn = with_losses(bare, losses[use_case], SMALL)
        assert drawn.probes["time_lost", "a"] == STREAM
        scores = drawn.scores["time_lost", "a"]
        assert scores.shape == (400,)
        assert np.ptp(scores) > 0
        middle = rows(*found)[use_case, "a"].score.value
        assert middle is not None
        assert np.quantile(scores, 0.01) <= middle <= np.quantile(scores, 0.99)
    assert with_losses(bare, None, SMALL) is bare


def test_the_blocks_behind_a_loss_have_it_as_their_median() -> None:
    losses = losses_here(measured(noise=0.05), SMALL, HERE)
    for found in losses.values():
        (loss,) = found.losses
        assert float(np.median([*found.by_block["a"].values()])) == pytest.approx(loss.share)
        assert [*found.by_block["a"]] == [*found.blocks]


def test_the_decision_weighs_it_and_has_the_losses() -> None:
    decided = decide((*measured(runtime="a"), *measured(runtime="b", cold_start=400.0)), SMALL, HERE)
    for answer in decided.use_cases:
        verdicts = {verdict.runtime: dict(verdict.contributions) for verdict in answer.verdicts}
        a, b = (verdicts[runtime]["time_lost"] for runtime in ("a", "b"))
        assert a.value is not None
        assert b.value is not None
        assert a.value > b.value
        assert {loss.runtime for loss in answer.losses} == {"a", "b"}
        assert {row.use_case for row in decided.rows_of(answer.use_case)} == {"", answer.use_case}


def test_without_a_declared_unit_nothing_is_lost_or_found() -> None:
    bare = {name: case.model_copy(update={"work": None}) for name, case in SMALL.use_cases.items()}
    assert losses_here(measured(), SMALL.model_copy(update={"use_cases": bare}), HERE) == {}
