"""Avoid is said with a harm in one sentence; who is only behind works, and costs something."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up import criteria, finding, row, site
from pydantic import ValidationError

from evaluation.decide.answerrules import Harm, WordRule
from evaluation.decide.harms import exposures, harms
from evaluation.decide.modes import Mode
from evaluation.decide.score import decide
from evaluation.model import Delta, Finding, Loss, Outcome, Severity, Standing, Verdict
from evaluation.sites import Site

HOST = row("host", start=0.05, rate=1.0)
BEST = row("best", start=0.2, noise=0)
RULES = criteria()
SAID = "as seen (P00), and no option that was tried and is permitted here closes it"


def attempt(runtime: str, outcome: Outcome = Outcome.FAILS, severity: Severity = Severity.HIGH) -> Finding:
    found = finding(runtime, "safe", outcome)
    delta = Delta.ADDED if outcome is Outcome.FAILS else Delta.SAME
    return replace(found, texts=replace(found.texts, severity=severity), delta=delta)


def engine(*, safe: Finding) -> tuple[Finding, ...]:
    return (*row("engine", start=5.0, safe=None, noise=0), safe)


def verdict(*findings: Finding, at: Site | None = None) -> Verdict:
    mode = Mode(id="engine-user", base="engine", options=("--user",))
    modes = (mode,) if any(each.runtime == mode.id for each in findings) else ()
    decided = decide((*HOST, *BEST, *findings), RULES, at or site(), unranked={mode.id}, modes=modes)
    return next(each for each in decided.use_cases[0].verdicts if each.runtime == "engine")


def test_who_is_only_behind_works_and_costs() -> None:
    found = verdict(*engine(safe=attempt("engine", Outcome.HOLDS)))
    assert (found.word, found.standing) == ("works", Standing.BEHIND)
    assert found.cost == "0.28 of the score"


def test_a_severe_exposure_that_nothing_closes_is_a_reason_to_avoid_it() -> None:
    found = verdict(*engine(safe=attempt("engine")))
    assert (found.word, found.cost) == ("avoid", "")
    assert found.reasons[-1] == SAID


def test_an_option_that_closes_it_is_enough_unless_the_site_forbids_it() -> None:
    closing = attempt("engine-user", Outcome.HOLDS)
    assert verdict(*engine(safe=attempt("engine")), closing).word == "works"
    forbidden = site({"runtime": "engine-user"})
    assert verdict(*engine(safe=attempt("engine")), closing, at=forbidden).word == "avoid"
    assert verdict(*engine(safe=attempt("engine")), attempt("engine-user")).word == "avoid"
    assert verdict(*engine(safe=attempt("engine")), attempt("other-user", Outcome.HOLDS)).word == "avoid"


@pytest.mark.parametrize(
    "safe",
    [
        attempt("engine", severity=Severity.MEDIUM),
        replace(attempt("engine"), delta=Delta.SAME),
        attempt("engine", Outcome.INERT),
    ],
)
def test_what_is_not_severe_not_added_or_not_shown_is_no_harm(safe: Finding) -> None:
    assert verdict(*engine(safe=safe)).word == "works"


def test_what_the_site_accepts_is_no_harm_there() -> None:
    assert verdict(*engine(safe=attempt("engine")), at=site(accepts=[{"criterion": "safe"}])).word == "works"


def test_what_the_use_case_does_not_care_for_is_no_harm_to_it() -> None:
    assert exposures("engine", {"tidy": "tidy"}, [attempt("engine")], {}, site()) == ()
    assert exposures("engine", {"safe": "safe"}, [attempt("engine")], {}, site()) == (SAID,)


def lost(low: float, high: float) -> Loss:
    return Loss(
        use_case="work",
        runtime="engine",
        unit_s=100.0,
        seconds=(low + high) / 2,
        known_s=(low + high) / 2,
        low=low,
        high=high,
        parts=(),
        blocks=12,
        varied=(low, high),
        lengths=(),
    )


def test_a_loss_is_a_harm_only_where_all_of_its_interval_is_above_the_share() -> None:
    rules = [WordRule(word="avoid", standings=(Standing.BEHIND,), harm=Harm.LOSS, above=0.1, reason="a test")]
    assert harms(rules, (), lost(9.0, 30.0)) == {}
    said = harms(rules, (), lost(12.0, 30.0))[Harm.LOSS].replace("\N{NO-BREAK SPACE}", " ")
    assert said == "it loses at least 12 % of the time of every unit of work"
    assert harms([], (), lost(12.0, 30.0)) == {}
    assert harms(rules, (), None) == {}


@pytest.mark.parametrize(
    "rule",
    [
        {"word": "avoid", "standings": (Standing.BEHIND,)},
        {"word": "avoid", "standings": (Standing.KNOCKED_OUT, Standing.BEHIND)},
        {"word": "avoid", "standings": (Standing.BEHIND,), "harm": Harm.LOSS},
        {"word": "works", "standings": (Standing.BEHIND,), "above": 0.1},
    ],
)
def test_a_rule_that_says_avoid_of_who_is_only_behind_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="harm"):
        WordRule.model_validate({**rule, "reason": "a test"})


def test_a_veto_is_a_harm_and_stands_first() -> None:
    rules = criteria(knock_outs=("safe",))
    decided = decide((*HOST, *BEST, *engine(safe=attempt("engine"))), rules, site())
    found = decided.use_cases[0].verdicts[-1]
    assert (found.standing, found.word) == (Standing.KNOCKED_OUT, "avoid")
    assert found.reasons[0].startswith("safe is a must")
