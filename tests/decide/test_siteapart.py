"""Several sites, each with its own answer: what may be said of all, and on whom that hangs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.decide.siteapart import agreement
from evaluation.model import Score, Standing, UseCaseDecision, Verdict

R, T, C, U = Standing.RECOMMENDED, Standing.TIED, Standing.TOO_CLOSE, Standing.UNDECIDED
FIRST = (R, T, C, U)


def answer(standing: Standing | None, *first: str) -> UseCaseDecision:
    verdicts = [
        Verdict(
            site="here",
            use_case="work",
            runtime=runtime,
            standing=standing if standing and runtime in first else Standing.BEHIND,
            score=Score(value=0.5, low=0.5, high=0.5),
            p_first=None,
            word="trial",
            reasons=(),
            contributions=(),
        )
        for runtime in ("a", "b", "c")
    ]
    verdicts.sort(key=lambda verdict: verdict.standing is Standing.BEHIND)
    return UseCaseDecision(site="here", use_case="work", answer="", winner=None, verdicts=tuple(verdicts))


@pytest.mark.parametrize(
    ("answers", "common", "hangs_on"),
    [
        ([(R, "a"), (R, "a"), (R, "a")], "a", ""),
        ([(R, "a"), (R, "a"), (R, "b")], "", "2"),
        ([(R, "a"), (R, "b"), (R, "c")], "", ""),
        ([(R, "a"), (T, "a", "b")], "a", "0"),  # without the first, the other ties two
        ([(R, "a"), (C, "a", "b")], "", "1"),
        ([(R, "a"), (U, "a")], "", "1"),
        ([(R, "a"), (None,)], "", "1"),
        ([(U, "a"), (C, "a")], "", ""),
        ([(R, "a")], "a", ""),
    ],
)
def test_the_table(
    answers: list[tuple[Standing | None, *tuple[str, ...]]], common: str, hangs_on: str
) -> None:
    found = agreement([(str(place), answer(*each)) for place, each in enumerate(answers)])
    assert "".join(found.common) == common
    assert "".join(found.hangs_on) == hangs_on


@given(
    answers=st.lists(
        st.tuples(st.sampled_from(FIRST), st.sets(st.sampled_from("abc"), min_size=1, max_size=3)),
        min_size=2,
        max_size=5,
    )
)
def test_leaving_a_site_out_can_only_let_more_be_said_and_order_does_not_count(
    answers: list[tuple[Standing, set[str]]],
) -> None:
    sites = [(str(place), answer(standing, *first)) for place, (standing, first) in enumerate(answers)]
    found = agreement(sites)
    assert all(set(found.common) <= set(common) for _, common in found.without)
    turned = agreement(sites[::-1])
    assert turned.common == found.common
    assert dict(turned.without) == dict(found.without)
