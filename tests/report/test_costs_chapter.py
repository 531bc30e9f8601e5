"""The last part of chapter 11: ledger, what fetching costs, and how long a job must be."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from synthetic_case import make_case

from evaluation.decide.costing import Measured, Span, reckon
from evaluation.decide.costs import load_costs
from evaluation.ledger import Build, ledgers
from evaluation.report import chapters
from evaluation.report.costfigure import share_plot
from evaluation.report.costing import site_costs
from evaluation.report.markup import Chapter
from evaluation.report.source import Case
from evaluation.units import lasting, spread

PROJECT = Path(__file__).parents[2]
COSTS = load_costs(PROJECT / "costs.yaml")
CASE = replace(make_case(), costs=COSTS)


def words(chapter: Chapter) -> str:
    return re.sub(r"\s+", " ", BeautifulSoup(chapter._repr_html_(), "html.parser").get_text(" ")).strip()


def with_ledgers(**found: tuple[Build, ...]) -> Case:
    return replace(CASE, ledgers=found)


def test_without_a_model_the_chapter_says_so() -> None:
    assert "The project has no costs.yaml" in words(chapters.costs(make_case()))


def test_every_measured_runtime_with_a_form_has_its_row() -> None:
    site = CASE.measured[0]
    found = site_costs(CASE, site, COSTS)
    assert found is not None
    formed = {form.runtime for form in found.image.forms if form.form in COSTS.forms}
    assert {row.runtime for row in found.rows} == set(site.measured) & formed
    soup = BeautifulSoup(chapters.costs(CASE)._repr_html_(), "html.parser")
    assert {cell.get_text() for cell in soup.select("tbody tr > th")} >= {row.runtime for row in found.rows}
    told = words(chapters.costs(CASE))
    assert "start-up no longer decides" in told
    assert "no source; an example of this project" in told
    assert all(name in told for name in ("cpu price", "jobs per month", "job lengths"))


def test_the_start_that_was_measured_is_the_start_that_is_reckoned_with() -> None:
    site = CASE.measured[0]
    found = site_costs(CASE, site, COSTS)
    assert found is not None
    assert found.rows
    for row in found.rows:
        value = site.cells["cold_start", row.runtime].value
        if value is None:
            assert "start-up" in row.missing
        else:
            assert row.start_s == Span(value.low, value.high)


def test_the_ledger_says_what_a_debug_image_costs_and_whether_it_drifted() -> None:
    known = ledgers(PROJECT / "images")
    told = words(chapters.images(with_ledgers(**{"small-debug": known["small-debug"]})))
    assert re.search(r"What small-debug costs: [\d.]+ MB for a machine whose store of layers has small", told)
    assert "the same, bit for bit" in told
    build = known["small-debug"][0]
    moved = [build.packages[0].model_copy(update={"version": "other"}), *build.packages[1:]]
    other = build.model_copy(update={"why": "drift", "tar_sha256": "0" * 64, "packages": tuple(moved)})
    told = words(chapters.images(with_ledgers(**{"small-debug": (build, other)})))
    assert "not the same, 1 package differ" in told.replace("\N{NO-BREAK SPACE}", " ")
    assert "No image is in the ledger yet" in words(chapters.images(CASE))


def test_the_figure_has_a_line_and_a_name_for_every_runtime_and_its_numbers_in_words() -> None:
    rows = [
        reckon(Measured(runtime=name, family=name, form="sif", start=Span(at, at)), COSTS, "x")
        for name, at in (("one", 0.1), ("two", 5.0), ("three", 9.0))
    ]
    soup = BeautifulSoup(share_plot("f", "title", rows, 0.01), "html.parser")
    assert len(soup.select("line.slope")) == 3
    assert {text.get_text() for text in soup.select("text.label")} == {"one", "two", "three"}
    assert all(name in soup.desc.get_text() for name in ("one", "two", "three"))  # type: ignore[union-attr]
    for line in soup.select("line"):
        assert all(0 <= float(str(line[key]).rstrip("%")) <= 100 for key in ("x1", "x2"))


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.33, "330 ms"), (59, "59 s"), (60, "1 min"), (1320, "22 min"), (28800, "8 h"), (172800, "2 d")],
)
def test_how_long_something_takes_is_told_in_a_fitting_unit(seconds: float, told: str) -> None:
    assert lasting(seconds).replace("\N{NO-BREAK SPACE}", " ") == told


def test_two_ends_that_read_alike_are_told_once() -> None:
    assert spread(0.5, 0.5, "s") == lasting(0.5)
    assert spread(1e-6, 1e-7, "%").replace("\N{NO-BREAK SPACE}", " ") == "<0.01 %"
    assert spread(1.0, 160.2, "EUR").replace("\N{NO-BREAK SPACE}", " ") == "1 EUR to 160 EUR"
