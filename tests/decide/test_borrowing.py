"""What is borrowed is labelled and widened, gives way to the site's own, and settles no knock-out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up import criteria, row, site

from evaluation.decide.borrowing import with_borrowed
from evaluation.decide.chances import Noise, simulate
from evaluation.decide.score import decide
from evaluation.decide.value import criterion_score
from evaluation.model import CONTROL, Comparison, Finding, Interval, Outcome, Score, Standing
from evaluation.sites import Borrow, Site

RULES = criteria(knock_outs=["safe"])
"""Criteria start, rate (measured), tidy, safe; a failed safe knocks out."""


def findings() -> tuple[Finding, ...]:
    """Two runtimes and the bare host, all of which have everything."""
    return (*row("docker"), *row("podman", start=0.2), *row(CONTROL))


def borrower(*names: str, widen_by: float = 2.0) -> Site:
    borrow = Borrow.model_validate(
        {
            "from": "lender",
            "criteria": list(names),
            "widen_by": widen_by,
            "reason": "alike",
            "source": "a test",
        },
        strict=False,
    )
    return site().model_copy(update={"borrows": (borrow,)})


def lent(**changes: object) -> tuple[Finding, ...]:
    return tuple(replace(each, site="lender", run="its-run", **changes) for each in findings())  # type: ignore[arg-type]


def of(found: tuple[Finding, ...], probe: str, runtime: str = "docker") -> Finding:
    (only,) = (each for each in found if (each.probe, each.runtime) == (probe, runtime))
    return only


def test_only_the_named_criteria_are_borrowed_and_each_says_from_whom() -> None:
    found = with_borrowed((), lent(), borrower("start", "safe"), RULES, run="mine")
    assert {each.probe for each in found} == {"start", "safe"}
    assert {(each.site, each.run) for each in found} == {(site().id, "mine")}
    assert {(each.borrowed.site, each.borrowed.run) for each in found if each.borrowed} == {
        ("lender", "its-run")
    }
    assert all(each.borrowed for each in found)


def test_intervals_are_wider_by_the_factor_and_the_claim_is_not_taken_along() -> None:
    there = of(lent(), "start")
    there = replace(
        there,
        value=Interval(estimate=1.0, low=0.9, high=1.2),
        ratio=Interval(estimate=2.0, low=1.0, high=4.0),
        comparison=Comparison.WORSE,
    )
    here = of(with_borrowed((), [there], borrower("start", widen_by=2.0), RULES, run="mine"), "start")
    assert here.value
    assert here.ratio
    assert (here.value.low, here.value.high) == pytest.approx((0.8, 1.4))
    assert (here.ratio.low, here.ratio.high) == pytest.approx((0.5, 8.0))
    assert here.comparison is None
    far = of(with_borrowed((), [there], borrower("start", widen_by=100.0), RULES, run="mine"), "start")
    assert far.value
    assert far.value.low == 0.0  # a time cannot be negative


@pytest.mark.parametrize(
    ("outcome", "factor", "low", "high"),
    [
        (Outcome.HOLDS, 1.5, 2 / 3, 1.0),
        (Outcome.FAILS, 1.5, 0.0, 1 / 3),
        (Outcome.HOLDS, 100.0, 0.01, 1.0),
    ],
)
def test_a_score_becomes_an_interval_between_the_point_and_the_unknown(
    outcome: Outcome, factor: float, low: float, high: float
) -> None:
    there = replace(of(lent(), "tidy"), outcome=outcome)
    here = of(with_borrowed((), [there], borrower("tidy", widen_by=factor), RULES, run="mine"), "tidy")
    score = criterion_score(RULES.criteria["tidy"], here)
    assert score.value is None
    assert (score.low, score.high) == pytest.approx((low, high))


def test_a_measured_score_reaches_at_least_as_far_as_its_own_widened_interval() -> None:
    there = replace(of(lent(), "start"), value=Interval(estimate=1.0, low=0.2, high=5.0))
    here = of(with_borrowed((), [there], borrower("start", widen_by=1.01), RULES, run="mine"), "start")
    score, scale = criterion_score(RULES.criteria["start"], here), RULES.criteria["start"].scale  # type: ignore[union-attr]
    assert here.value
    assert score.low == pytest.approx(scale.score(here.value.high))
    assert score.high == pytest.approx(scale.score(here.value.low))
    assert score.low < scale.score(1.0) < score.high


def test_as_soon_as_the_site_has_measured_its_own_counts_for_all_runtimes() -> None:
    own = [replace(each) for each in findings() if (each.probe, each.runtime) == ("start", CONTROL)]
    found = with_borrowed(own, lent(), borrower("start", "tidy"), RULES, run="mine")
    assert [each for each in found if each.probe == "start"] == own
    assert all(each.borrowed for each in found if each.probe == "tidy")


def test_what_says_nothing_gives_way() -> None:
    own = [replace(each, outcome=Outcome.UNAVAILABLE, samples=(), value=None) for each in findings()]
    found = with_borrowed(own, lent(), borrower("tidy"), RULES, run="mine")
    assert of(found, "tidy").borrowed
    assert of(found, "start").outcome is Outcome.UNAVAILABLE
    assert len(found) == len(own)


def test_nothing_is_borrowed_for_a_runtime_that_is_not_here_nor_lent_twice() -> None:
    found = with_borrowed((), lent(), borrower("tidy"), RULES, run="mine", present=["docker"])
    assert {each.runtime for each in found} <= {"docker", CONTROL, "host-again"}
    assert with_borrowed((), found, borrower("tidy"), RULES, run="mine") == ()


@pytest.mark.parametrize(
    ("there", "here", "taken"),
    [
        ("v1, manager cgroupfs", {"docker": "v1, manager cgroupfs"}, True),
        ("v1, manager cgroupfs", {"docker": "v2, manager cgroupfs"}, False),
        ("v2, manager systemd", {"docker": "v2, manager cgroupfs"}, False),
        ("v2, manager systemd", {}, False),
        ("v2, manager systemd", None, False),  # a site that has measured nothing itself
        ("v2, manager not known", {"docker": "v2, manager not known"}, False),
        ("", {"docker": "v2, manager systemd"}, True),  # what does not hang on them
        ("", None, True),
    ],
)
def test_no_verdict_is_borrowed_across_versions_and_managers_of_control_groups(
    there: str, here: dict[str, str] | None, *, taken: bool
) -> None:
    evidence = [replace(of(lent(), "tidy"), control_groups=there)]
    found = with_borrowed((), evidence, borrower("tidy"), RULES, run="mine", control_groups=here)
    assert bool(found) is taken


def test_what_was_seen_elsewhere_neither_knocks_out_nor_clears() -> None:
    failing = [replace(each, outcome=Outcome.FAILS) if each.probe == "safe" else each for each in lent()]
    for evidence in (failing, lent()):
        found = with_borrowed((), evidence, borrower("start", "rate", "tidy", "safe"), RULES, run="mine")
        (answer,) = decide(found, RULES, borrower("safe")).use_cases
        standings = {verdict.standing for verdict in answer.verdicts}
        assert Standing.KNOCKED_OUT not in standings
        assert answer.winner is None  # an open veto keeps everyone from being recommended
        assert "borrowed from lender, run its-run" in answer.sentence
        told = [reason for verdict in answer.verdicts for reason in verdict.reasons]
        assert "safe would knock it out if it failed, and is not known" in told
    (own,) = decide(findings(), RULES, site()).use_cases
    assert "borrowed" not in own.sentence


def test_a_borrowed_score_is_drawn_between_its_ends() -> None:
    scores = {("start", "docker"): Score(value=None, low=0.4, high=0.7)}
    nothing = Noise(scores={}, probes={})
    drawn = simulate(("docker",), scores, {"start": 3.0}, nothing, method=RULES.method, weight_range=0.5)
    assert drawn.low == pytest.approx(0.4)
    assert drawn.high == pytest.approx(0.7)


def test_no_answer_is_surer_for_what_was_borrowed() -> None:
    whole = with_borrowed((), lent(), borrower("start", "rate", "tidy", "safe"), RULES, run="mine")
    part = with_borrowed((), lent(), borrower("start"), RULES, run="mine")
    width = {}
    for name, found in (("whole", whole), ("part", part), ("own", findings())):
        (answer,) = decide(found, criteria(), borrower("start")).use_cases
        score = next(each.score for each in answer.verdicts if each.runtime == "docker")
        width[name] = score.high - score.low
    assert width["own"] < width["whole"] < width["part"]
