"""The what-if chapter as it is without a script, and the data that its script gets."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from bs4 import BeautifulSoup
from decided_case import CRITERIA, decided_case

from evaluation.report import chapters
from evaluation.report.build import BROWSER
from evaluation.report.source import Case
from evaluation.report.whatif import embedded, shown_criteria

UNKNOWN = [("cold_start", "podman"), ("setuid_planting", "apptainer")]


@pytest.fixture(scope="module")
def case() -> Case:
    return decided_case(unknown=UNKNOWN)


@pytest.fixture(scope="module")
def soup(case: Case) -> BeautifulSoup:
    return BeautifulSoup(chapters.what_if(case).html, "html.parser")


def test_every_assumption_has_a_row_and_what_differs_is_marked(soup: BeautifulSoup) -> None:
    rows = soup.select("table.assumptions tbody tr")
    assert [row.select_one("th").get_text().split(" ")[0] for row in rows] == [  # type: ignore[union-attr]
        "As", "Every", "Every", "Every", "Nobody",
    ]  # fmt: skip
    assert not rows[0].select(".differs")
    assert soup.select(".differs")


def test_where_nothing_is_missing_no_gap_is_assumed() -> None:
    text = BeautifulSoup(chapters.what_if(decided_case()).html, "html.parser").get_text()
    assert "Every gap" not in text
    assert "Nobody is knocked out" in text


def test_every_weighed_criterion_has_a_row_with_its_points(case: Case, soup: BeautifulSoup) -> None:
    names = shown_criteria(case.criteria)
    rows = soup.select("tr[data-criterion]")
    assert len(rows) == len(names)
    assert {name for use in case.criteria.use_cases for name in case.criteria.weights(use)} <= {*names}
    weights = case.criteria.weights("l1proc")
    for name, row in zip(names, rows, strict=True):
        cell = row.select_one("[data-use-case=l1proc]")
        assert cell is not None
        assert cell.get_text().split()[0] == (f"{weights[name]:g}" if name in weights else "\N{EN DASH}")


def test_the_data_name_the_criteria_they_were_made_with(soup: BeautifulSoup) -> None:
    store = soup.select_one("#what-if-data")
    assert store is not None
    data = json.loads(store.get_text())
    assert data["signed"] == hashlib.sha256(CRITERIA.read_bytes()).hexdigest()


def test_data_cannot_leave_their_element() -> None:
    hostile = {"a": "</script><!--<script>&amp;]]>\u2028\u202e"}
    text = str(embedded(hostile))
    assert not re.search(r"[<>&]|[^\x20-\x7e]", text)
    assert json.loads(text) == hostile


def test_the_script_stays_small_enough_to_read() -> None:
    assert len((BROWSER / "what_if.js").read_text().splitlines()) < 450
