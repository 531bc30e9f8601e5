"""The best of what a site offers."""

from __future__ import annotations

import pytest

from evaluation.decide.offered import best_offered
from evaluation.model import Score, Standing, UseCaseDecision, Verdict
from evaluation.sites import Offer

ORDER = {
    "charliecloud": Standing.RECOMMENDED,
    "apptainer-sandbox": Standing.BEHIND,
    "apptainer": Standing.BEHIND,
    "docker": Standing.KNOCKED_OUT,
}
DECISION = UseCaseDecision(
    site="here",
    use_case="u",
    answer="",
    winner="charliecloud",
    verdicts=tuple(
        Verdict(
            site="here",
            use_case="u",
            runtime=runtime,
            standing=standing,
            score=Score(value=0.5, low=0.5, high=0.5),
            p_first=None,
        )
        for runtime, standing in ORDER.items()
    ),
)


def offer(**names: str) -> Offer:
    return Offer.model_validate({"statement": "s", "source": "s", "date": "2026", "checked": "c", **names})


@pytest.mark.parametrize(
    ("offers", "best"),
    [
        ([], None),
        ([offer(family="shifter")], None),
        ([offer(family="apptainer")], "apptainer-sandbox"),
        ([offer(runtime="apptainer")], "apptainer"),
        ([offer(runtime="apptainer"), offer(family="charliecloud")], "charliecloud"),
        ([offer(family="docker")], "docker"),
    ],
)
def test_the_first_in_rank_of_what_is_offered(offers: list[Offer], best: str | None) -> None:
    found = best_offered(DECISION, offers, {"apptainer-sandbox": "apptainer"})
    assert (found.runtime if found else None) == best
