"""How old a fact is, when it is out of date, and what nobody has said."""

from __future__ import annotations

from datetime import date

import pytest

from evaluation.facts import TOPICS, aged, missing, months_since
from evaluation.sites import Batch, Fact, Site


def site(*facts: tuple[str, str]) -> Site:
    return Site(
        id="here",
        title="Here",
        status="measured-here",
        batch=Batch(engine="local"),
        facts=tuple(
            Fact(topic=topic, statement="so", source="a test", date=said, checked="no", confidence="declared")
            for topic, said in facts
        ),
    )


@pytest.mark.parametrize(
    ("said", "on", "months"),
    [
        ("2024-01-15", date(2026, 1, 15), 24),
        ("2024-01-15", date(2026, 1, 14), 23),
        ("2024-01", date(2026, 1, 31), 24),
        ("2024-01", date(2026, 1, 30), 23),
        ("2024", date(2026, 12, 31), 24),
        ("2024", date(2024, 3, 1), 0),
        ("2024-02", date(2026, 2, 28), 23),
        ("2026-11-23T08:47:00+00:00", date(2026, 12, 23), 1),
        ("2030-01-01", date(2026, 1, 1), 0),
    ],
)
def test_whole_months_pass_from_the_last_day_that_a_date_can_mean(said: str, on: date, months: int) -> None:
    assert months_since(said, on) == months


def test_a_fact_is_out_of_date_only_after_the_limit_and_never_without_one() -> None:
    known = site(("batch system", "2024-01-01"), ("network", "2024-02-01"), ("container policy", "undated"))
    old, current, undated = aged(known, date(2026, 2, 1), 24)
    assert (old.stale, old.months, old.state) == (True, 25, "declared, out of date")
    assert (current.stale, current.state) == (False, "declared")
    assert (undated.stale, undated.months, undated.state) == (False, None, "declared, age unknown")
    assert not any(item.stale for item in aged(known, date(2099, 1, 1), None))


def test_what_nobody_has_said_is_named() -> None:
    assert missing(site()) == TOPICS
    assert "network" not in missing(site(("network", "2024")))
