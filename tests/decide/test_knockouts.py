"""What a site accepts: no use case knocks out by it there, and that is never silent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up import criteria, row, site

from evaluation.decide.score import decide
from evaluation.model import Outcome, Standing, UseCaseDecision
from evaluation.sites import Site

VETO = criteria(knock_outs=("safe",))
ACCEPTED = "accepted by the policy of Here: alone here [as seen (P00)]"
SAID = "d would be knocked out, but Here accepts it: as seen (P00)."


def answer(here: Site, safe: Outcome | None = Outcome.FAILS) -> UseCaseDecision:
    findings = (*row("a", start=5.0, rate=0.5), *row("d", start=0.2, safe=safe))
    (answered,) = decide(findings, VETO, here).use_cases
    return answered


@pytest.mark.parametrize("named", [{}, {"runtime": "d"}, {"family": "d"}])
def test_what_a_site_accepts_stays_in_and_is_said(named: dict[str, str]) -> None:
    decided = answer(site(accepts=[{"criterion": "safe", **named}]))
    assert decided.winner == "d"
    assert SAID in decided.sentence
    (verdict,) = (verdict for verdict in decided.verdicts if verdict.runtime == "d")
    assert ACCEPTED in verdict.reasons
    # it is worth what it is worth: only the knock-out is waived
    assert verdict.score.value == pytest.approx(
        next(v.score.value for v in answer(site()).verdicts if v.runtime == "d")
    )


@pytest.mark.parametrize("accepts", [[], [{"criterion": "tidy"}], [{"criterion": "safe", "runtime": "a"}]])
def test_what_it_does_not_accept_is_knocked_out(accepts: list[dict[str, str]]) -> None:
    decided = answer(site(accepts=accepts))
    standings = {verdict.runtime: verdict.standing for verdict in decided.verdicts}
    assert standings["d"] is Standing.KNOCKED_OUT
    assert "accepts it" not in decided.sentence


def test_what_fails_sometimes_has_failed() -> None:
    d = row("d", start=0.2)
    sometimes = [
        replace(each, outcome=Outcome.SOMETIMES, held=5, turns=6) if each.probe == "safe" else each
        for each in d
    ]
    (decided,) = decide((*row("a", start=5.0, rate=0.5), *sometimes), VETO, site()).use_cases
    standings = {verdict.runtime: verdict.standing for verdict in decided.verdicts}
    assert standings["d"] is Standing.KNOCKED_OUT


def test_what_did_not_happen_is_not_said_to_be_accepted() -> None:
    decided = answer(site(accepts=[{"criterion": "safe"}]), safe=Outcome.HOLDS)
    assert "accepts" not in decided.sentence


def test_an_accepted_exposure_leaves_no_veto_open() -> None:
    assert answer(site(), safe=None).winner is None
    decided = answer(site(accepts=[{"criterion": "safe"}]), safe=None)
    assert "it is not known whether safe would knock out" not in decided.sentence


def test_another_rule_of_the_site_still_knocks_out() -> None:
    decided = answer(site({"runtime": "d"}, accepts=[{"criterion": "safe"}]))
    (verdict,) = (verdict for verdict in decided.verdicts if verdict.runtime == "d")
    assert verdict.standing is Standing.KNOCKED_OUT
    assert verdict.reasons == ("policy of Here: not here", ACCEPTED)
