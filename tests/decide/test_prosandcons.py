"""Points for and against: the words, the side they are on, and their order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up import WEIGHTS, absent, criteria, finding, measured, row, site

from evaluation.decide.prosandcons import Point, pros_and_cons
from evaluation.decide.score import decide
from evaluation.model import Comparison, Finding, Outcome

NBSP, TIMES = "\N{NO-BREAK SPACE}", "\N{MULTIPLICATION SIGN}"
HOST = " on the bare host"


def points(*findings: Finding) -> dict[tuple[str, str], Point]:
    rules = criteria()
    found = pros_and_cons(rules, decide(findings, rules, site()))
    return {(point.runtime, point.criterion): point for point in found}


def compared(probe: str, ratio: float, comparison: Comparison, blocks: int = 12) -> Finding:
    return replace(measured("a", probe, ratio, noise=0.1, blocks=blocks), comparison=comparison)


@pytest.mark.parametrize(
    ("found", "favourable", "start"),
    [
        (
            compared("start", 3.0, Comparison.WORSE),
            False,
            f"start: 3.00{NBSP}s instead of 1.00{NBSP}s{HOST} (3.00{TIMES} slower, ",
        ),
        (
            compared("start", 0.5, Comparison.BETTER),
            True,
            f"start: 500{NBSP}ms instead of 1.00{NBSP}s{HOST} (2.00{TIMES} faster, ",
        ),
        (
            compared("rate", 0.5, Comparison.WORSE),
            False,
            f"rate: 0.500{NBSP}loops/s instead of 1.00{NBSP}loops/s{HOST} (2.00{TIMES} slower, ",
        ),
        (
            compared("rate", 2.0, Comparison.BETTER),
            True,
            f"rate: 2.00{NBSP}loops/s instead of 1.00{NBSP}loops/s{HOST} (2.00{TIMES} faster, ",
        ),
        (
            compared("rate", 1.0, Comparison.EQUIVALENT),
            True,
            f"rate: no measurable difference to the bare host, tested within 5{NBSP}% (1.00{NBSP}loops/s), ",
        ),
        (
            compared("rate", 0.9, Comparison.UNRESOLVED),
            True,
            f"rate: 0.90{TIMES} the bare host (0.900{NBSP}loops/s), looks different, but not beyond ",
        ),
        (
            compared("rate", 1.0, Comparison.UNRESOLVED),
            True,
            f"rate: 1.00{TIMES} the bare host (1.00{NBSP}loops/s), not enough to call it ",
        ),
    ],
)
def test_a_measured_point_says_how_much_and_how_sure(found: Finding, favourable: bool, start: str) -> None:  # noqa: FBT001
    point = points(found)["a", found.probe]
    assert point.text.startswith(start)
    assert f", 95{NBSP}% CI " in point.text
    assert point.text.removesuffix(")").endswith(f", n = 12{NBSP}blocks")
    assert point.favourable is favourable
    assert point.finding == found


@pytest.mark.parametrize("held", [1, 5])
def test_what_holds_sometimes_speaks_against_by_what_it_costs(held: int) -> None:
    """Nobody can rely on it, however often it holds."""
    found = replace(finding("a", "tidy", Outcome.SOMETIMES), held=held, turns=6)
    point = points(found)["a", "tidy"]
    assert not point.favourable
    assert point.weight == pytest.approx(WEIGHTS["tidy"] / sum(WEIGHTS.values()) * (1 - held / 6))


def test_where_no_claim_was_possible_too_few_blocks_are_the_reason_and_not_the_noise() -> None:
    """191 times slower in each of eight blocks: among 45 comparisons it takes eleven."""
    found = replace(compared("start", 191.0, Comparison.UNRESOLVED, blocks=8), comparisons=45)
    said = points(found)["a", "start"].text
    assert "too few blocks to claim anything (among 45 comparisons it takes 11)" in said
    assert "noise" not in said
    enough = replace(compared("start", 191.0, Comparison.UNRESOLVED, blocks=11), comparisons=45)
    assert "not beyond this machine's noise" in points(enough)["a", "start"].text


def test_the_interval_is_turned_round_with_the_ratio() -> None:
    text = points(compared("rate", 0.5, Comparison.WORSE))["a", "rate"].text
    low, high = text.split("CI ")[1].split(TIMES)[0].split("\N{EN DASH}")
    assert 1.9 < float(low) < 2 < float(high) < 2.1


def test_few_blocks_are_said_to_be_their_full_range() -> None:
    text = points(compared("start", 3.0, Comparison.UNRESOLVED, blocks=4))["a", "start"].text
    assert "full range" in text
    assert "CI" not in text


def test_a_figure_without_a_ratio_stands_alone() -> None:
    found = replace(measured("a", "start", 3.0), ratio=None)
    text = points(found)["a", "start"].text
    assert text.startswith(f"start: 3.00{NBSP}s, 95{NBSP}% CI ")


def test_an_attempt_says_what_was_seen_and_where_it_stands_in_the_checklist() -> None:
    found = points(*row("a", safe=None), finding("a", "safe", Outcome.FAILS, "a planted file gives root"))
    assert found["a", "safe"].text == "safe: a planted file gives root (P00)"
    assert not found["a", "safe"].favourable
    assert found["a", "tidy"].favourable


def test_points_weigh_what_they_move_in_the_score_and_come_heaviest_first() -> None:
    rules = criteria()
    decision = decide((*row("a", safe=Outcome.FAILS), *row("b", start=9.0)), rules, site())
    found = pros_and_cons(rules, decision)
    weights = [point.weight for point in found]
    assert weights == sorted(weights, reverse=True)
    safe = next(point for point in found if point.criterion == "safe" and point.runtime == "a")
    assert safe.weight == WEIGHTS["safe"] / 100
    for verdict in decision.use_cases[0].verdicts:
        brought = {p.criterion: p.weight for p in found if p.runtime == verdict.runtime and p.favourable}
        for criterion, part in verdict.contributions:
            assert brought.get(criterion, part.value) == pytest.approx(part.value)


def test_neither_the_bare_host_nor_what_is_unknown_has_points() -> None:
    assert points(*row("host"), *absent("s"), finding("a", "tidy", Outcome.ERROR)) == {}
