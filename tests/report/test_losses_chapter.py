"""The section on time lost: what it says of each runtime, and that its numbers add up on the page."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup, Tag
from decided_case import decided_case

from evaluation.model import Interval, Loss, LossCheck, LossPart
from evaluation.report import chapters
from evaluation.report.lossfigure import GROUPS, grouped, loss_plot
from evaluation.report.losswords import checked, lost, share_lost, shown, signed, together
from evaluation.report.plain import written
from evaluation.report.source import Case

NBSP, MINUS = "\N{NO-BREAK SPACE}", "\N{MINUS SIGN}"


def part(name: str, seconds: float | None, high: float = 0.0, missing: str = "") -> LossPart:
    known = seconds or 0.0
    return LossPart(
        name=name,
        probe="made_up",
        count=1.0,
        host_s=1.0,
        ratio=None,
        seconds=seconds,
        low=known,
        high=known if seconds is not None else high,
        missing=missing,
    )


def loss(runtime: str = "a", *, low: float = 0.2, high: float = 0.6) -> Loss:
    return Loss(
        use_case="l1proc",
        runtime=runtime,
        unit_s=100.0,
        seconds=0.4,
        known_s=0.4,
        low=low,
        high=high,
        parts=(part("starts", 0.3), part("imports", 0.2), part("arithmetic", -0.1)),
        blocks=12,
        varied=(0.2, 3.0),
        lengths=tuple((length, Interval(estimate=0.0, low=0.0, high=0.0)) for length in (10.0, 100.0, 900.0)),
    )


@pytest.fixture(scope="module")
def case() -> Case:
    return decided_case(unknown=[("import_storm", "podman")], blocks=7)


@pytest.fixture(scope="module")
def page(case: Case) -> BeautifulSoup:
    return BeautifulSoup(chapters.losses(case).html, "html.parser")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, f"0{NBSP}s"),
        (0.123, f"+120{NBSP}ms"),
        (-3.94, f"{MINUS}3.9{NBSP}s"),
        (90.0, f"+1.5{NBSP}min"),
    ],
)
def test_seconds_are_signed_and_have_two_digits(seconds: float, said: str) -> None:
    assert signed(seconds) == said


def test_a_loss_is_said_with_its_interval_its_share_and_a_thousand_of_it() -> None:
    assert lost(loss()) == f"+400{NBSP}ms (+200{NBSP}ms to +600{NBSP}ms)"
    assert share_lost(loss()) == f"+0.40{NBSP}% (+0.20{NBSP}% to +0.60{NBSP}%)"
    assert together(loss(), 1000) == f"+6.7{NBSP}min (+3.3{NBSP}min to +10{NBSP}min)"
    unknown = replace(loss(), seconds=None)
    assert lost(unknown) == f"+200{NBSP}ms to +600{NBSP}ms"


def test_only_what_the_whole_interval_says_is_shown() -> None:
    some = [loss("a"), loss("b", low=-1.0), loss("c", low=-2.0, high=-1.0)]
    assert shown(some, "job") == (
        f"Shown to lose time in a job: a (+400{NBSP}ms each). Shown to win time in a job: "
        f"c (+400{NBSP}ms each). Of the others nothing is shown either way: b."
    )
    assert shown(some[1:2], "job") == "Of no runtime is it shown that a job loses or wins any time."


def test_the_whole_unit_is_said_to_agree_or_to_count() -> None:
    assert checked(loss()) == "no unit was done as a whole in this run: the sum stands alone"
    same = Interval(estimate=0.3, low=0.2, high=0.4)
    check = LossCheck(probe="whole", host_s=1.0, predicted=same, measured=same, agrees=True)
    assert checked(replace(loss(), check=check)).endswith("measured: they agree")
    told = checked(replace(loss(), check=replace(check, agrees=False)))
    assert told.endswith("measured: they disagree, and what was measured counts")


def test_parts_stand_together_and_add_up() -> None:
    sums = grouped(loss())
    assert [*sums] == [*GROUPS]
    assert sum(sums.values()) == pytest.approx(0.4)
    figure = loss_plot("x", "Time lost", [loss(), replace(loss("b"), seconds=None)])
    assert figure.count("<rect") == 6  # each part of each, and no bar of nothing
    assert "b +200" in figure


def test_the_numbers_of_a_row_add_up_as_they_are_shown(page: BeautifulSoup) -> None:
    rows = 0
    for table in page.find_all("table"):
        heads = [head.get_text() for head in table.find_all("th", scope="col")]
        if "together" not in heads:
            continue
        for row in table.select("tbody tr"):
            cells = [cell.get_text() for cell in row.find_all("td")][: len(GROUPS) + 1]
            *parts, total = (float(cell.replace(MINUS, "-")) for cell in cells)
            assert sum(parts) == pytest.approx(total, abs=1e-9)
            rows += 1
    assert rows > 6


def test_every_use_case_has_its_unit_and_every_gap_its_reason(case: Case, page: BeautifulSoup) -> None:
    for use_case in case.criteria.use_cases.values():
        assert use_case.work
        title = page.find("h4", string=re.compile(f"^{use_case.title}: one {use_case.work.unit} with "))
        assert isinstance(title, Tag)
    text = page.get_text()
    assert "Not known: imports (import_storm): The payload printed nothing." in text
    assert text.count("the sum stands alone") > 6


def test_the_answer_without_a_page_has_it_too(case: Case) -> None:
    assert "| Runtime | Time lost in one unit | Share of it | By 1,000 units |" in written(case, "md")
    assert '"unit_s":' in written(case, "json")
    head, *rows = written(case, "csv").splitlines()
    assert head.endswith("unit_s,lost_s,lost_low_s,lost_high_s")
    assert any(not row.endswith(",,,") for row in rows)
